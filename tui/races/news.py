"""The news of a race: read from its directory in a thread and handed over complete."""

import math
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.config import configure
from engine.race import devices, same_start, standings, statistics
from engine.race.directory import RaceDir
from engine.race.results import RaceReader, RaceResults, RunResult
from engine.race.spec import RaceSpec
from engine.race.standings import Standings
from engine.runs import run_directory
from engine.runs.events import Layers, RunEnded, StateChanged
from engine.runs.log_reader import LogReader
from presets import UserError
from presets.schema import Target
from tui.runs.points.series import Floats

Unit = Literal["steps", "samples", "seconds"]
UNITS: tuple[Unit, ...] = ("steps", "samples", "seconds")
RaceStatus = Literal["running", "paused", "done", "done, not saved", "stopped", "failed"]
POLL_SECONDS = 0.3
IDLE_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Trying:
    """A trial that is not over."""

    lr: float
    step: int
    """The step of its newest evaluation; 0 before the first."""
    value: float
    """Its newest value of the race's metric; NaN before the first."""


@dataclass(frozen=True, kw_only=True)
class LaneNews:
    """The news of one lane."""

    label: str
    x: Mapping[Unit, Floats]
    """Positions of the values by unit, float64 (n,) each."""
    median: Floats
    low: Floats
    high: Floats
    """Quartiles over the seeds, float64 (n,) each; `low` is the first and `high` the third."""
    grad_norms: Floats
    """Gradient norms of each step of seed 0, before clipping."""
    clipped: Floats
    """For each of these steps, 1 if its gradient was clipped, else 0."""
    layers: Layers | None
    trials: tuple[tuple[float, float], ...]
    """Learning rate and best value of each trial that is over, by learning rate."""
    trying: tuple[Trying, ...]
    """The trials that have begun and are not over."""
    num_trials: int
    lr: float | None
    """The learning rate of the preset."""
    tuned_lr: float | None
    """The learning rate that its trials chose."""
    ended: int
    """Number of its runs that are over."""
    diverged_at: int | None
    """The first step at which one of its runs diverged."""


@dataclass(frozen=True, kw_only=True)
class RaceNews:
    """The news of a race: plain values of how far it has got; immutable."""

    race: RaceDir
    spec: RaceSpec
    status: RaceStatus
    reason: str
    """How it ended, or what is wrong with it, in one line."""
    standings: Standings
    timed: bool
    """Whether the times of its runs can be compared."""
    lanes: tuple[LaneNews, ...]
    """In the order of the race."""
    goal: Target | None
    done: int
    """Number of runs that are over."""
    total: int
    remaining: float | None
    """Seconds left at the pace so far; None if unknown."""

    @property
    def fingerprint(self) -> object:
        """A value that stays equal while there is nothing new to draw."""
        lengths = [
            (len(lane.median), len(lane.grad_norms), lane.ended, len(lane.trials))
            for lane in self.lanes
        ]
        tried = [(trying.lr, trying.step) for lane in self.lanes for trying in lane.trying]
        # As text, since a NaN in the standings is not equal to itself.
        return self.status, self.reason, self.done, self.total, repr(self.standings), lengths, tried


class Watcher:
    """A reader of one race, used by one thread."""

    def __init__(self, race: RaceDir) -> None:
        self._race = race
        self._reader = RaceReader(race)
        self._log = LogReader(race.process.events_path)
        self._began: float | None = None
        self._paused = False
        self._rested = 0.0
        """Seconds that its process was paused, up to the newest change."""
        self._changed_at = 0.0
        self._ended: RunEnded | None = None
        self._done_before: int | None = None
        """Number of runs that were over when its process began."""

    def read(self) -> RaceNews:
        """The race as it is now. Raises UserError for a race that cannot be read."""
        alive = run_directory.locked(self._race.process)
        spec = self._race.spec()
        results = self._reader.read(spec)
        self._follow()
        done = sum(run.ended for run in (*results.trials, *results.finals))
        if self._done_before is None:
            self._done_before = done if alive else 0
        status, reason = self._status(results, alive=alive)
        return RaceNews(
            race=self._race,
            spec=spec,
            status=status,
            reason=reason,
            standings=standings.standings(results),
            timed=devices.times_compare(spec),
            lanes=tuple(_lane(results, lane) for lane in range(len(spec.lanes))),
            goal=results.goal,
            done=done,
            total=spec.num_runs,
            remaining=self._remaining(done, spec.num_runs) if alive else None,
        )

    def _follow(self) -> None:
        with suppress(OSError):
            while events := self._log.read():
                for event in events:
                    if isinstance(event, RunEnded):
                        self._ended, self._began = event, None
                        self._paused, self._rested = False, 0.0
                    else:
                        self._began = self._began or event.time
                    if isinstance(event, StateChanged):
                        self._rested += (event.time - self._changed_at) * self._paused
                        self._paused, self._changed_at = event.state == "paused", event.time

    def _status(self, results: RaceResults, *, alive: bool) -> tuple[RaceStatus, str]:
        if unfair := same_start.mismatches(results):
            return "failed", f"not a fair race: {unfair[0]}"
        if alive:
            return ("paused" if self._paused else "running"), ""
        if results.ended:
            unsaved = self._ended.unsaved if self._ended else results.unsaved
            return ("done, not saved", unsaved) if unsaved else ("done", "")
        if self._ended is not None:
            status: RaceStatus = "failed" if self._ended.status == "failed" else "stopped"
            return status, self._ended.reason
        return "stopped", "its process is gone"

    def _remaining(self, done: int, total: int) -> float | None:
        since = done - (self._done_before or 0)
        if self._began is None or since <= 0 or self._paused:
            return None
        return (time.time() - self._began - self._rested) / since * (total - done)


def _lane(results: RaceResults, lane: int) -> LaneNews:
    spec = results.spec
    runs = results.of(lane)
    begun = [run for run in runs if run.steps]
    median, low, high = statistics.band(
        [np.array(run.values.get(spec.metric, []), dtype=float) for run in begun]
    )
    steps = _median([[*map(float, run.steps)] for run in begun])[: len(median)]
    config = spec.lanes[lane].run_config()
    batch = configure.plan(config).batch_size
    lr = config.optimizer.options.get("lr")
    shown = next((run for run in runs if run.shown), None)
    diverged = [run.diverged_at for run in runs if run.diverged_at is not None]
    return LaneNews(
        label=spec.lanes[lane].label,
        x={
            "steps": steps,
            "samples": steps * batch,
            "seconds": _median([run.seconds for run in begun])[: len(median)],
        },
        median=median,
        low=low,
        high=high,
        grad_norms=np.array(shown.grad_norms if shown else [], dtype=float),
        clipped=np.array(shown.clipped if shown else [], dtype=float),
        layers=shown.layers if shown else None,
        trials=tuple(_trials(results, results.of(lane, "trial"))),
        trying=tuple(_trying(results, results.of(lane, "trial"))),
        num_trials=spec.num_trials,
        lr=float(lr) if isinstance(lr, int | float) else None,
        tuned_lr=results.lrs.get(lane),
        ended=sum(run.ended for run in runs),
        diverged_at=min(diverged) if diverged else None,
    )


def _median(columns: list[list[float]]) -> Floats:
    return statistics.band([np.array(column, dtype=float) for column in columns])[0]


def _trials(results: RaceResults, runs: list[RunResult]) -> list[tuple[float, float]]:
    return sorted(
        (run.planned.lr, run.best(results.spec.metric, larger=results.larger))
        for run in runs
        if run.planned.lr is not None and run.ended
    )


def _trying(results: RaceResults, runs: list[RunResult]) -> list[Trying]:
    begun = [run for run in runs if run.status != "queued" and not run.ended]
    metric = results.spec.metric
    return [
        Trying(
            lr=run.planned.lr,
            step=run.steps[-1] if run.steps else 0,
            value=(run.values.get(metric) or [math.nan])[-1],
        )
        for run in begun
        if run.planned.lr is not None
    ]


class RaceFeed(threading.Thread):
    """A thread that polls a race until it is closed; less often once it is over."""

    def __init__(self, race: RaceDir, deliver: Callable[[RaceNews | str], None]) -> None:
        """`deliver` is called in this thread with news, or with a line that says what is wrong."""
        super().__init__(name="race", daemon=True)
        self._race = race
        self._deliver = deliver
        self._closed = threading.Event()

    def close(self) -> None:
        """Stop at the next poll."""
        self._closed.set()

    def run(self) -> None:
        """The thread's work."""
        watcher = Watcher(self._race)
        before: object = None
        while not self._closed.is_set():
            try:
                news: RaceNews | str = watcher.read()
            except UserError as error:
                news = str(error)
            seen = news if isinstance(news, str) else news.fingerprint
            if seen != before:
                before = seen
                self._deliver(news)
            over = isinstance(news, str) or news.status not in ("running", "paused")
            self._closed.wait(IDLE_SECONDS if over else POLL_SECONDS)
