"""Readers of runs that grow: each poll hands over what is new; without threads or widgets."""

import time
from collections.abc import Iterable
from functools import singledispatch
from pathlib import Path
from typing import Protocol

import msgspec

from engine.runs import run_directory
from engine.runs.events import (
    AnyEvent,
    Evaluation,
    Layers,
    Restarted,
    RunEnded,
    RunStarted,
    Scalars,
    StateChanged,
)
from engine.runs.log_reader import LogReader
from engine.runs.run_directory import RunDir
from engine.runs.signs_of_life import health
from engine.runs.signs_of_life.health import Health
from tui.runs.cache import column_cache, snapshot
from tui.runs.cache.column_cache import Kept
from tui.runs.foreign.run import ForeignRun
from tui.runs.news import News
from tui.runs.run import Run
from tui.runs.state.store import RunState

HEALTH_SECONDS = 0.5
"""Seconds between two examinations of the lock and process of a run whose log has nothing new."""


class Follower:
    """A reader of one run of ours from its beginning, while it grows or after it ended."""

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self._reader = LogReader(run.events_path)
        self._started: RunStarted | None = None
        self._ended: RunEnded | None = None
        self._paused = False
        self._health: Health | None = None
        self._damaged = 0
        self._next_examination = 0.0
        self._opened = False
        self._kept_bytes = 0

    def poll(self, *, at_once: bool = False) -> News | None:
        """The news since the last call; None if there is none.

        Lock and process are examined every `HEALTH_SECONDS`, or `at_once`. Raises OSError if the
        log cannot be read.
        """
        try:
            return self._poll(at_once=at_once)
        except OSError:
            self._health = None  # whoever says so to a person is told when it can be read again
            raise

    def _poll(self, *, at_once: bool) -> News | None:
        kept = None if self._opened else self._open()
        alive = self._ended is None and run_directory.locked(self.run)
        events = merged(self._reader.read())
        for event in events:
            self._take(event)
        keep = None if events else self._worth_keeping()
        now = time.monotonic()
        waits = self._health is not None and now < self._next_examination and not keep
        if waits and not (events or at_once):
            return None
        # Only at the end of the log is it known that no `run_ended` follows: examine again at once.
        self._next_examination = now + HEALTH_SECONDS if not events else 0.0
        found = health.examine(
            self.run,
            alive=alive or bool(events),
            started=self._started,
            ended=self._ended,
            paused=self._paused,
        )
        if events and not alive and self._ended is None:
            found = Health("running" if self._started else "starting")
        same = (found, self._reader.damaged) == (self._health, self._damaged)
        if same and not (events or kept or keep):
            return None
        self._health, self._damaged = found, self._reader.damaged
        return News(
            self.run,
            tuple(events),
            found.status,
            self._damaged,
            found.detail,
            unsaved=found.unsaved,
            kept=kept,
            keep=keep,
        )

    def _open(self) -> Kept | None:
        """Begin with the cached state, if there is one."""
        self._opened = True
        kept = column_cache.load(self.run.events_path)
        if kept is None:
            return None
        state = RunState(run=self.run)
        try:
            snapshot.restore(state, kept.state, kept.series)
        except (msgspec.MsgspecError, LookupError):
            return None
        self._started, self._ended = state.started, state.ended
        self._paused = state.paused is not None
        self._reader.start_at(kept.prefix.length, whole_line=True)
        self._reader.damaged, self._reader.unknown = kept.damaged, kept.unknown
        self._kept_bytes = kept.prefix.length
        return kept

    def _worth_keeping(self) -> tuple[int, int] | None:
        """`News.keep` if enough of the log was read since it was last cached, else None."""
        offset = self._reader.offset
        enough = max(column_cache.MIN_BYTES, column_cache.GROWTH * self._kept_bytes)
        if offset < enough or not self._reader.between_lines:
            return None
        self._kept_bytes = offset
        return offset, self._reader.unknown

    def _take(self, event: AnyEvent) -> None:
        """Remember the events that decide the status."""
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
    """A reader of a run, ours or another program's."""

    def poll(self, *, at_once: bool = False) -> News | None:
        """See `Follower.poll`."""


@singledispatch
def follower(run: Run) -> Follows:
    """The reader of this run. Raises OSError."""
    raise NotImplementedError(type(run))


@follower.register
def _(run: RunDir) -> Follows:
    return Follower(run)


@follower.register
def _(run: ForeignRun) -> Follows:
    from tui.runs.foreign.follower import ForeignFollower

    return ForeignFollower(run)


def merged(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """The same events, with columns of the same metrics joined into the first of them.

    What stands between them, such as evaluations, comes after them then. They are joined up to
    an event that their order matters to: a restart, or one with values of the same metrics.
    """
    found: list[AnyEvent] = []
    scalars: list[Scalars] = []
    names: tuple[str, ...] = ()
    groups: dict[int, list[Scalars]] = {}
    for event in events:
        if isinstance(event, Scalars):
            if not scalars or tuple(event.values) != names:
                names, scalars = tuple(event.values), []
                groups[len(found)] = scalars
                found.append(event)
            scalars.append(event)
            continue
        if _orders(event, names):
            scalars = []
        found.append(event)
    for place, parts in groups.items():
        if len(parts) > 1:
            found[place] = _joined(parts)
    return found


def _orders(event: AnyEvent, names: tuple[str, ...]) -> bool:
    """Whether columns of these metrics before an event may not be joined with those after it."""
    if isinstance(event, Evaluation):
        return any(f"{event.split}/{name}" in names for name in event.values)
    if isinstance(event, Layers):
        return any(name in names for name in event.totals)
    return isinstance(event, Restarted | RunStarted | RunEnded)


def _joined(parts: list[Scalars]) -> Scalars:
    step, seconds = list(parts[0].step), list(parts[0].seconds)
    values = {name: list(column) for name, column in parts[0].values.items()}
    for part in parts[1:]:
        step += part.step
        seconds += part.seconds
        for name, column in part.values.items():
            values[name] += column
    return Scalars(time=parts[-1].time, step=step, seconds=seconds, values=values)


def unreadable(run: Run, error: OSError) -> News:
    """What is known of a run whose log cannot be read."""
    name = Path(error.filename).name if isinstance(error.filename, str) else "events.jsonl"
    return News(run, (), "unreadable", 0, f"{name}: cannot be read ({error.strerror or error})")
