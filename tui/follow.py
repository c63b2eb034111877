"""Bring the state of runs up to date from their directories, without threads or widgets."""

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from engine import health, rundir
from engine.events import AnyEvent, Restarted, RunEnded, RunStarted, StateChanged
from engine.health import Health
from engine.log import LogReader
from engine.rundir import RunDir, Status
from presets import ConfigError
from tui import meta
from tui.foreign.run import ForeignRun
from tui.store import RunState


@dataclass(frozen=True)
class News:
    """What is new of one run; complete and immutable, so that a thread may hand it over."""

    run: RunDir
    events: tuple[AnyEvent, ...]
    status: Status
    damaged: int
    """Damaged lines of the log so far."""
    detail: str = ""
    """What there is to say about the status, in one line; "" if it says it all."""
    more: bool = False
    """Whether there is more to read at once, even if no events came of this piece."""


LOOK_SECONDS = 0.5
"""Between two looks at the lock and the process of a run whose log has nothing new."""


class Follower:
    """Reads one run from its beginning, while it grows or after it ended."""

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self._reader = LogReader(run.events_path)
        self._started: RunStarted | None = None
        self._ended: RunEnded | None = None
        self._paused = False
        self._health: Health | None = None
        self._damaged = 0
        self._look_at = 0.0

    def poll(self, *, at_once: bool = False) -> News | None:
        """What is new since the last call; None if nothing is.

        Lock and process are looked at now and then, or `at_once`. Raises OSError if the log cannot
        be read.
        """
        alive = self._ended is None and rundir.locked(self.run)
        events = self._reader.read()
        for event in events:
            self._take(event)
        now = time.monotonic()
        if not (events or at_once) and self._health is not None and now < self._look_at:
            return None
        # Only at the end of the log is it known that no `run_ended` follows: look again at once.
        self._look_at = now + LOOK_SECONDS if not events else 0.0
        found = health.examine(
            self.run,
            alive=alive or bool(events),
            started=self._started,
            ended=self._ended,
            paused=self._paused,
        )
        if events and not alive and self._ended is None:
            found = Health("running" if self._started else "starting")
        if not events and (found, self._reader.damaged) == (self._health, self._damaged):
            return None
        self._health, self._damaged = found, self._reader.damaged
        return News(self.run, tuple(events), found.status, self._damaged, found.detail)

    def _take(self, event: AnyEvent) -> None:
        """Keep what decides about the status."""
        match event:
            case RunStarted():
                self._started = event
            case RunEnded():
                self._ended = event
            case Restarted():
                self._ended, self._paused = None, False
            case StateChanged():
                self._paused = event.state == "paused"


class Follows(Protocol):
    """What reads a run, ours or another program's."""

    def poll(self, *, at_once: bool = False) -> News | None:
        """As `Follower.poll`."""


def follower(run: RunDir) -> Follows:
    """What reads this run. Raises OSError."""
    if not isinstance(run, ForeignRun):
        return Follower(run)
    from tui.foreign.follower import ForeignFollower

    return ForeignFollower(run)


def open_state(run: RunDir) -> RunState:
    """A state that knows name and configuration of the run already, before its first event."""
    if isinstance(run, ForeignRun):
        # What a W&B run is called is in its log.
        named = "" if run.kind == "wandb" else run.label
        return RunState(run=run, given_name=named, config={"name": run.label})
    state = RunState(run=run, given_name=meta.read(run).name)
    # A run made by another version still shows what its log says.
    with suppress(ConfigError):
        state.config = run.settings()
    return state


def apply(state: RunState, news: News) -> None:
    """Bring a state up to date."""
    for event in news.events:
        state.apply(event)
    state.status, state.damaged, state.detail = news.status, news.damaged, news.detail


def load(run: RunDir) -> RunState:
    """The state of a run as its directory has it now. Raises OSError if it cannot be read."""
    state, reader = open_state(run), follower(run)
    while news := reader.poll():
        apply(state, news)
        if not news.events and not news.more:
            break
    return state
