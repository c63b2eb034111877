"""The results of a race's runs, from their logs."""

import math
from array import array
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from engine.race import statistics
from engine.race.directory import RaceDir
from engine.race.plan import PlannedRun, Stage, best_lrs, finals, trials
from engine.race.spec import RaceSpec
from engine.runs.events import (
    AnyEvent,
    Evaluation,
    Layers,
    NonFinite,
    Origin,
    Restarted,
    RunEnded,
    Scalars,
)
from engine.runs.log_reader import LogReader
from engine.runs.run_directory import RunDir
from presets.schema import Target


@dataclass
class RunResult:
    """The result of one run of a race so far."""

    planned: PlannedRun
    status: str = "queued"
    """`queued`, `running`, `done`, or another end."""
    reason: str = ""
    unsaved: str = ""
    """What of it could not be written; "" if nothing."""
    steps: list[int] = field(default_factory=list)
    """The steps of its evaluations."""
    seconds: list[float] = field(default_factory=list)
    """Training time until each evaluation, in seconds, without evaluations and checkpoints."""
    values: dict[str, list[float]] = field(default_factory=dict)
    """The validation means at these steps, by `val/...`."""
    test: dict[str, float] = field(default_factory=dict)
    origin: Origin | None = None
    clipped: list[bool] = field(default_factory=list)
    """Whether the gradient of each step was clipped; empty where nothing is clipped."""
    grad_norms: "array[float]" = field(default_factory=lambda: array("d"))
    """The gradient norm of each step before clipping; of one seed only, since there may be many
    runs."""
    layers: Layers | None = None
    """The newest measurements of the layers, also of one seed only."""
    diverged_at: int | None = None
    """The step whose loss or gradient was not finite; None if all were."""
    damaged: int = 0

    @property
    def shown(self) -> bool:
        """Whether its lane is shown step by step by this run."""
        return self.planned.stage == "final" and self.planned.number == 0

    @property
    def ended(self) -> bool:
        """Whether it got as far as it can: to its end, to a value that is not finite, or to an
        error. A stopped run goes on when the race does."""
        return self.status in ("done", "failed") or (
            self.status == "stopped" and self.diverged_at is not None
        )

    @property
    def step_seconds(self) -> float:
        """Mean training time of a step; NaN before the first evaluation."""
        return self.seconds[-1] / self.steps[-1] if self.steps and self.steps[-1] else math.nan

    @property
    def clipped_share(self) -> float:
        """Share of all steps that were clipped; NaN where nothing is."""
        return sum(self.clipped) / len(self.clipped) if self.clipped else math.nan

    def best(self, metric: str, *, larger: bool) -> float:
        """The best finite value of a metric; NaN without any."""
        known = [value for value in self.values.get(metric, ()) if math.isfinite(value)]
        return (max if larger else min)(known) if known else math.nan

    def final(self, metric: str) -> float:
        """The last value of a metric if the run went to its end; NaN otherwise."""
        values = self.values.get(metric, ())
        return values[-1] if values and self.status == "done" else math.nan

    def apply(self, event: AnyEvent) -> None:
        """Take in an event of the run's log."""
        match event:
            case Origin():
                self.origin = event
                self.status = "running"
            case Scalars():
                self.status = "running"
                self.clipped += [float(value) > 0 for value in event.values.get("clipped", ())]
                if self.shown:
                    self.grad_norms.extend(map(float, event.values.get("grad_norm", ())))
            case Layers() if self.shown:
                self.layers = event
            case Evaluation(split="val"):
                self.steps.append(event.step)
                taken = event.training_seconds
                self.seconds.append(event.seconds if taken is None else taken)
                for name, value in event.values.items():
                    self.values.setdefault(f"val/{name}", []).append(float(value))
            case Evaluation():
                self.test = {f"test/{name}": float(v) for name, v in event.values.items()}
            case NonFinite():
                self.diverged_at = event.step
            case Restarted():
                self._void_after(event)
            case RunEnded():
                self.status, self.reason = event.status, event.reason
                self.unsaved = event.unsaved
            case _:
                pass

    def _void_after(self, event: Restarted) -> None:
        kept = sum(step <= event.step for step in self.steps)
        del self.steps[kept:], self.seconds[kept:], self.clipped[event.step :]
        del self.grad_norms[event.step :]
        for values in self.values.values():
            del values[kept:]
        self.status, self.reason, self.diverged_at, self.test = "running", "", None, {}
        self.unsaved = ""


class RaceReader:
    """A reader of the logs of all runs of a race, while it goes on or after it ended."""

    def __init__(self, race: RaceDir) -> None:
        self.race = race
        self._logs: dict[str, tuple[LogReader, RunResult]] = {}

    def read(self, spec: RaceSpec) -> "RaceResults":
        """The results so far. Logs that cannot be read count as empty."""
        tried = [self._follow(run) for run in trials(spec)]
        lrs = None
        if spec.num_trials:
            larger = spec.better == "max"
            reached = {
                result.planned.name: result.best(spec.metric, larger=larger) for result in tried
            }
            lrs = best_lrs(spec, reached)
        tuned = all(result.ended for result in tried)
        run = [self._follow(planned) for planned in finals(spec, lrs)] if tuned else []
        return RaceResults(spec=spec, trials=tuple(tried), finals=tuple(run), lrs=lrs or {})

    def _follow(self, planned: PlannedRun) -> RunResult:
        if planned.name not in self._logs:
            reader = LogReader(self.race.run(planned.name).events_path)
            self._logs[planned.name] = (reader, RunResult(planned))
        reader, result = self._logs[planned.name]
        result.planned = planned
        with suppress(OSError):
            while events := reader.read(8 * 2**20):
                for event in events:
                    result.apply(event)
        result.damaged = reader.damaged
        return result

    def run(self, planned: PlannedRun) -> RunDir:
        """The directory of a run."""
        return self.race.run(planned.name)


@dataclass(frozen=True)
class RaceResults:
    """The results of a race so far, from which everything about lanes is derived."""

    spec: RaceSpec
    trials: tuple[RunResult, ...]
    finals: tuple[RunResult, ...]
    """The final runs; empty while lanes are tuned."""
    lrs: Mapping[int, float]
    """The tuned learning rate of each lane."""

    @property
    def ended(self) -> bool:
        """Whether every run has ended."""
        return bool(self.finals) and all(result.ended for result in self.finals)

    @property
    def unsaved(self) -> str:
        """Which runs could not be saved, and what of the first; "" if all are."""
        found = [result for result in (*self.trials, *self.finals) if result.unsaved]
        if not found:
            return ""
        total = len(self.trials) + len(self.finals)
        first = found[0]
        return f"{len(found)} of {total} runs not saved; {first.planned.name}: {first.unsaved}"

    @property
    def larger(self) -> bool:
        return self.spec.better == "max"

    @property
    def goal(self) -> Target | None:
        """The race's target; without one, what most runs of the reference lane reach, known once
        they are over."""
        spec = self.spec
        if spec.target is not None:
            return spec.goal
        labels = [lane.label for lane in spec.lanes]
        runs = self.of(labels.index(spec.reference_lane))
        if not runs or not all(run.ended for run in runs):
            return None
        best = [run.best(spec.metric, larger=self.larger) for run in runs]
        reached = sorted(filter(math.isfinite, best), reverse=self.larger)
        most = len(runs) // 2  # that many and one more reach it, so that the median does
        if len(reached) <= most:
            return None
        return Target(metric=spec.metric, op=">=" if self.larger else "<=", value=reached[most])

    def of(self, lane: int, stage: Stage = "final") -> list[RunResult]:
        """The runs of a lane, by number."""
        runs = self.finals if stage == "final" else self.trials
        return sorted(
            (run for run in runs if run.planned.lane == lane), key=lambda run: run.planned.number
        )

    def to_target(
        self, lane: int, unit: str = "steps", hold: int = 1, stage: Stage = "final"
    ) -> dict[int, float]:
        """Steps or training seconds to the target by seed, or by number of a trial; infinity for a
        run that ended without; runs that go on are left out. Empty without a goal."""
        goal = self.goal
        found: dict[int, float] = {}
        if goal is None:
            return found
        for run in self.of(lane, stage):
            values = run.values.get(goal.metric, [])
            at = statistics.crossing(values, goal.value, larger=goal.op == ">=", hold=hold)
            if at is not None:
                column: Sequence[float] = run.steps if unit == "steps" else run.seconds
                found[run.planned.number] = float(column[at])
            elif run.ended:
                found[run.planned.number] = math.inf
        return found

    def costs(self, lane: int) -> dict[int, float]:
        """The costs that lanes are ranked by, small is good, by seed: steps to the target or,
        without one, the best value with its sign turned where large is good."""
        if self.spec.target is not None:
            return self.to_target(lane)
        sign = -1.0 if self.larger else 1.0
        return {
            run.planned.number: sign * run.best(self.spec.metric, larger=self.larger)
            if run.status == "done"
            else math.inf
            for run in self.of(lane)
            if run.ended
        }
