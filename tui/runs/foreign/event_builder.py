"""Turn what foreign records say into events of ours; pure."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import le
from typing import Any, Literal

from msgspec import structs

from engine.runs.events import (
    AnyEvent,
    LogLine,
    NonFiniteText,
    Restarted,
    RunEnded,
    RunStarted,
    Scalars,
)
from tui.runs.foreign import times
from tui.runs.foreign.names import Names
from tui.runs.foreign.withdrawn import Withdrawn
from tui.text import clean

MAX_METRICS = 2000
MAX_SETTINGS = 1000
MAX_NESTING = 4
MAX_ITEMS = 20
MAX_RESTARTS = 100
"""Maximum number of times that a new process may begin from an earlier step; beyond that, the
points of all of them are kept."""
_MAX_DATE = 250e9
"""Largest time in seconds since the epoch, in the year 9892."""


@dataclass
class _Column:
    """The new values of one metric."""

    steps: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    values: list[float | NonFiniteText] = field(default_factory=list)

    def sort(self) -> None:
        """Sort by step; what has the same step stays in order."""
        order = sorted(range(len(self.steps)), key=self.steps.__getitem__)
        self.steps = [self.steps[place] for place in order]
        self.seconds = [self.seconds[place] for place in order]
        self.values = [self.values[place] for place in order]


class EventBuilder:
    """A builder of the events of one log, from its points and settings.

    The steps of a metric never fall within an event; points that come late are in later events.
    Where a log says that a new process went on from an earlier step, what was recorded from there
    on is void, as with a run of ours that was resumed.
    """

    def __init__(self, fallback_time: float) -> None:
        """`fallback_time` is when the run began, unless the log says so."""
        self._names = Names(MAX_METRICS)
        self._events: list[AnyEvent] = []
        self._fallback_time = fallback_time
        self._started: RunStarted | None = None
        self._known: dict[str, int] = {}
        """The last step of each metric."""
        self._restarts = 0
        self._seconds = 0.0
        self._columns: dict[str, _Column] = {}
        self._said: set[str] = set()
        self._counts: dict[str, int] = {}
        """For each message with a number, the number from which it is said again."""
        self.unrestarted = 0
        """Number of restarts beyond `MAX_RESTARTS`."""
        self.ended: RunEnded | None = None
        self.step = 0
        """The newest step."""

    def begin(
        self,
        config: Mapping[str, Any] | None = None,
        *,
        at: float | None = None,
        planned_steps: int | None = None,
        steps_per_epoch: int | None = None,
    ) -> None:
        """Say that the run has begun, or more about it; `at` is in seconds since the epoch."""
        before = self._started
        if at is None or not 0 <= at < _MAX_DATE:
            at = before.time if before else self._fallback_time
        told = dict(before.config if before else {})
        for key, value in (config or {}).items():
            if len(told) < MAX_SETTINGS:
                told[clean(str(key), 200)] = _setting(value, MAX_NESTING)
        started = RunStarted(
            time=at,
            config=told,
            device="",
            num_parameters=0,
            planned_steps=planned_steps or (before.planned_steps if before else None),
            steps_per_epoch=steps_per_epoch or (before.steps_per_epoch if before else None),
            samples={},
            task="open",
        )
        if started != before:
            if before is not None:
                self._flush()
            self._started = started
            self._events.append(started)

    def say(self, level: Literal["info", "warning", "error"], message: str) -> None:
        """Add a line to the run's log; each message is added once."""
        if message not in self._said and len(self._said) < MAX_SETTINGS:
            self._said.add(message)
            self._events.append(LogLine(level=level, message=message))

    def say_count(self, what: str, number: int) -> None:
        """Warn of a number of things; again each time that it is ten times as large."""
        if number >= self._counts.get(what, 1):
            self._counts[what] = 10 ** len(str(number))
            self.say("warning", f"{what}: {number:,} so far")

    def end(self, status: Literal["done", "failed"], reason: str, seconds: float = 0.0) -> None:
        """Say that the run is over."""
        self._flush()
        self.ended = RunEnded(
            status=status, reason=reason, step=self.step, seconds=seconds or self._seconds
        )
        self._events.append(self.ended)

    def seconds(self, moment: float | None) -> float:
        """Seconds since the run's start; without a time, those of the record before."""
        if moment is not None and times.is_date(moment):
            if self._started is None:
                self.begin(at=moment)
            assert self._started is not None
            moment -= self._started.time
        if moment is not None and moment > self._seconds:
            self._seconds = moment
        return self._seconds

    def all_seconds(self, moments: Sequence[float | None]) -> list[float]:
        """The same for many records."""
        if moments[0] is None or moments[-1] is None or times.is_date(moments[0]):
            return list(map(self.seconds, moments))
        newest, found = self._seconds, []
        for moment in moments:
            if moment is not None and moment > newest:
                newest = self.seconds(moment)
            found.append(newest)
        return found

    def point(self, key: str, step: int, moment: float | None, value: float) -> None:
        """Add one value of one metric."""
        name = self._names(key)
        if name is None:
            return
        column = self._columns.get(name)
        if column is None:
            column = self._columns[name] = _Column()
        column.steps.append(step)
        column.seconds.append(self.seconds(moment))
        column.values.append(value)

    def column(
        self, key: str, steps: list[int], seconds: list[float], values: Sequence[float]
    ) -> None:
        """Add values of one metric, with the seconds since the run's start that `seconds` made."""
        name = self._names(key, len(values))
        if name is None:
            return
        collected = self._columns.get(name)
        if collected is None:
            collected = self._columns[name] = _Column()
        collected.steps += steps
        collected.seconds += seconds
        collected.values += values

    @property
    def waiting(self) -> bool:
        """Whether `take` would return something."""
        return bool(self._events or self._columns)

    def take(self) -> tuple[AnyEvent, ...]:
        """The events since the last call."""
        self._flush()
        self.say_count(
            f"more than {MAX_METRICS:,} metrics: values of others are left out", self._names.refused
        )
        self.say_count("restarts again and again: points are kept side by side", self.unrestarted)
        events, self._events = tuple(self._events), []
        return events

    def _flush(self) -> None:
        """Turn the collected values into events; metrics with the same steps share one."""
        if not self._columns:
            return
        if self._started is None:
            self.begin()
        events: dict[tuple[int, int, int], list[Scalars]] = {}
        for name, column in self._columns.items():
            if not all(map(le, column.steps, islice(column.steps, 1, None))):
                column.sort()
            steps = column.steps
            self._known[name] = max(steps[-1], self._known.get(name, 0))
            alike = events.setdefault((len(steps), steps[0], steps[-1]), [])
            event = next((event for event in alike if event.step == steps), None)
            if event is None:
                event = Scalars(step=steps, seconds=column.seconds, values={})
                alike.append(event)
            event.values[name] = column.values
        self._columns = {}
        found = [event for alike in events.values() for event in alike]
        self.step = max(self.step, *(event.step[-1] for event in found))
        if len(found) > 1:
            self._events.append(_clock(found))
        self._events += found

    def go_back(self, step: int, metrics: Sequence[str] | None = None) -> bool:
        """Make void what these metrics, or all of them, had from a step on, since a new process
        went on from there; False if that happened too often."""
        if self._restarts >= MAX_RESTARTS:
            self.unrestarted += 1
            return False
        self._flush()
        self._restarts += 1
        names = [name for key in metrics or () if (name := self._names(key)) is not None]
        void = None if metrics is None else tuple(names)
        self._withdraw(step - 1, void)
        event = Restarted(
            step=max(0, step - 1),
            checkpoint="an earlier point",
            attempt=self._restarts,
            reason="the log goes back",
        )
        if void is not None:
            event = Withdrawn(**structs.asdict(event), after=step - 1, metrics=void)
        self._events.append(event)
        return True

    def restart(self, why: str) -> None:
        """Make void all that was read, since the log is read from its beginning again."""
        self._flush()
        if self._known:
            self._withdraw(-1, None)
            self._events.append(
                Withdrawn(
                    step=0, after=-1, checkpoint="", attempt=1, reason=why, metrics=None, quiet=True
                )
            )
        self._names = Names(MAX_METRICS)
        self._counts.clear()
        self._known.clear()
        self._seconds = 0.0
        self.ended = None

    def _withdraw(self, last: int, metrics: Sequence[str] | None) -> None:
        for name in list(self._known) if metrics is None else metrics:
            if name in self._known:
                self._known[name] = min(self._known[name], max(0, last))
        self.step = max(self._known.values(), default=0)


def _clock(events: list[Scalars]) -> Scalars:
    """An event with the times of all steps, in order, since each event knows only some steps."""
    when: dict[int, float] = {}
    for event in events:
        for step, seconds in zip(event.step, event.seconds, strict=True):
            when[step] = min(seconds, when.get(step, seconds))
    steps = sorted(when)
    return Scalars(step=steps, seconds=[when[step] for step in steps], values={})


def _setting(value: Any, nesting: int) -> Any:
    """A setting as the screen can show it: cut in length, number of items and nesting."""
    if isinstance(value, bool | float) or value is None:
        return value
    if isinstance(value, int) and abs(value) < 2**63:
        return value
    if isinstance(value, dict) and nesting:
        first = islice(value.items(), MAX_SETTINGS)
        return {clean(str(key), 200): _setting(item, nesting - 1) for key, item in first}
    if isinstance(value, list) and nesting:
        return [_setting(item, nesting - 1) for item in value[:MAX_ITEMS]]
    return clean(str(value)[:200], 200)


def fallback_time(changed_at: float) -> float:
    """The start of a run whose log has no times: when the file was changed, if that is sensible."""
    return changed_at if 0 <= changed_at < _MAX_DATE else time.time()
