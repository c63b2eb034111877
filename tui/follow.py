"""Bring the state of runs up to date from their directories, without threads or widgets."""

from contextlib import suppress
from dataclasses import dataclass

from engine import rundir
from engine.events import AnyEvent, RunEnded, RunStarted
from engine.log import LogReader
from engine.rundir import RunDir, Status
from presets import ConfigError
from presets.schema import plain
from tui.store import RunState


@dataclass(frozen=True)
class News:
    """What is new of one run; complete and immutable, so that a thread may hand it over."""

    run: RunDir
    events: tuple[AnyEvent, ...]
    status: Status
    damaged: int
    """Damaged lines of the log so far."""


class Follower:
    """Reads one run from its beginning, while it grows or after it ended."""

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self._reader = LogReader(run.events_path)
        self._started: RunStarted | None = None
        self._ended: RunEnded | None = None
        self._status: Status | None = None
        self._damaged = 0

    def poll(self) -> News | None:
        """What is new since the last call; None if nothing is."""
        alive = self._ended is None and rundir.locked(self.run)
        events = self._reader.read()
        for event in events:
            if isinstance(event, RunStarted):
                self._started = event
            elif isinstance(event, RunEnded):
                self._ended = event
        # Only at the end of the log is it known that no `run_ended` follows.
        status = rundir.status(
            self.run, alive=alive or bool(events), started=self._started, ended=self._ended
        )
        if not events and (status, self._reader.damaged) == (self._status, self._damaged):
            return None
        self._status, self._damaged = status, self._reader.damaged
        return News(self.run, tuple(events), status, self._damaged)


def open_state(run: RunDir) -> RunState:
    """A state that knows the run's configuration already, before its first event."""
    state = RunState(run=run)
    # A run made by another version still shows what its log says.
    with suppress(ConfigError):
        state.config = plain(run.config())
    return state


def apply(state: RunState, news: News) -> None:
    """Bring a state up to date."""
    for event in news.events:
        state.apply(event)
    state.status, state.damaged = news.status, news.damaged


def load(run: RunDir) -> RunState:
    """The state of a run as its directory has it now. Raises OSError if it cannot be read."""
    state, follower = open_state(run), Follower(run)
    while news := follower.poll():
        apply(state, news)
        if not news.events:
            break
    return state
