"""Turn the steps that a log writes into one axis for each run in it, which counts on."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from tui.runs.foreign.column_behaviour import MAX_STEP
from tui.runs.foreign.record_facts import ALL, ONLY, Facts, Group
from tui.runs.foreign.step_streams import Stream, Streams

COUNTED = "steps begin again in each epoch: they are counted on"
ANEW = "steps begin again and no column says why: they are counted on"
PLACED = (
    "some records count for themselves, as validations do: they stand at the step that was"
    " recorded before them"
)
FELL = (
    "some steps are lower than those before them and nothing says that a program began again:"
    " every point is kept, in order of the steps"
)
_MAX_EPOCHS = 100_000


@dataclass
class _Epoch:
    """The steps of one epoch, as they are written."""

    base: float
    low: float
    high: float

    def take(self, step: float) -> None:
        self.low, self.high = min(self.low, step), max(self.high, step)


@dataclass
class _Counter:
    """The axis of one group."""

    base: float = 0.0
    first: float | None = None
    last: float = 0.0
    """The last step as it was written."""
    high: float = 0.0
    stride: float = 1.0
    now: int | None = None
    """The newest position on the axis."""
    top: int = 0
    """The highest position."""
    marked: bool = False
    """Whether the log says that a program began anew before the next step."""
    epochs: dict[float, _Epoch] = field(default_factory=dict)
    epoch: float | None = None


class Rules(NamedTuple):
    """How the steps of a log are turned into positions; see `Streams` for the first three."""

    placed: tuple[tuple[Stream, Group], ...] = ()
    anew: frozenset[Group] = frozenset()
    by_epoch: frozenset[Group] = frozenset()
    counted: bool = False
    """Whether records are counted, because they have no step."""


def rules_of(streams: Streams, *, counted: bool, epochs: bool) -> Rules:
    """The rules for what was seen of the streams; `epochs`: whether there is a column of them."""
    return Rules(
        placed=tuple(streams.placed().items()),
        anew=frozenset() if epochs else streams.anew(),
        by_epoch=streams.may_begin_anew() if epochs else frozenset(),
        counted=counted,
    )


class Axis:
    """The positions of a log's records, for each group one axis."""

    def __init__(self, rules: Rules) -> None:
        self.placed, self.anew, self.by_epoch, self._counted = dict(rules.placed), *rules[1:]
        self._counters: defaultdict[Group, _Counter] = defaultdict(_Counter)
        self.said: set[str] = set()
        """What a person should know of the axis."""

    @property
    def newest(self) -> int:
        """The newest position; 0 if there is none."""
        return max((counter.now or 0 for counter in self._counters.values()), default=0)

    def mark(self) -> None:
        """Say that a program began anew before the next record."""
        for counter in self._counters.values():
            counter.marked = True

    def forget_after(self, step: int) -> None:
        """Go on from a step, since what the log had from there on is void."""
        for counter in self._counters.values():
            counter.top = min(counter.top, step)

    def restart_of(self, facts: Facts) -> int | None:
        """The step from which what was read before is void, if a program went back to it."""
        group = ONLY if facts.groups is None else facts.groups[0]
        counter = self._counters[group]
        step = next((step for step in facts.steps if step is not None), None)
        marked, counter.marked = counter.marked, False
        if not marked or step is None or counter.first is None or group in self.by_epoch:
            return None
        within = counter.first < step <= counter.high and group not in self.anew
        return int(counter.base + step) if within else None

    def positions(self, facts: Facts) -> list[int]:
        """The position of each record of a piece."""
        steps = facts.steps
        plain = facts.groups is None and not self.placed and not self._counted
        if plain and ONLY not in self.anew | self.by_epoch and None not in steps:
            counter = self._counters[ONLY]
            array = np.asarray(steps, dtype=np.float64)
            if counter.first is None:
                counter.first = float(array[0])
            if array[0] < counter.top or (np.diff(array) < 0).any():
                self.said.add(FELL)
            counter.now, counter.top = int(array[-1]), max(counter.top, int(array.max()))
            counter.last, counter.high = float(array[-1]), float(counter.top)
            found: list[int] = array.astype(np.int64).tolist()
            return found
        return [self._position(facts, row) for row in range(len(steps))]

    def _position(self, facts: Facts, row: int) -> int:
        group = ONLY if facts.groups is None else facts.groups[row]
        counter, step = self._counters[group], facts.steps[row]
        if self._counted:
            counter.now = (counter.now or 0) + 1
            return counter.now
        if self.placed:
            shape = ALL if facts.shapes is None else facts.shapes[row]
            leader = self.placed.get(Stream(group, shape))
            if leader is not None:
                self.said.add(PLACED)
                return self._counters[leader].now or 0
        if step is None:
            return self._without(group, counter)
        epoch = facts.epochs[row] if facts.epochs is not None else None
        if epoch is not None and group in self.by_epoch:
            self._enter_epoch(counter, step, epoch)
        elif group in self.anew and counter.first is not None and step < counter.last:
            counter.base += counter.high + (counter.stride if counter.first <= 0 else 0)
            counter.high = step
            self.said.add(ANEW)
        return self._count(counter, step)

    def _without(self, group: Group, counter: _Counter) -> int:
        """The position of a record without a step: that of the newest one of its run."""
        if counter.now is not None:
            return counter.now
        others = [each.now for key, each in self._counters.items() if key[0] == group[0]]
        return max((now for now in others if now is not None), default=0)

    def _count(self, counter: _Counter, step: float) -> int:
        counter.first = step if counter.first is None else counter.first
        if step > counter.last:
            counter.stride = step - counter.last
        counter.last, counter.high = step, max(counter.high, step)
        counter.now = int(min(MAX_STEP, counter.base + step))
        if counter.now < counter.top:
            self.said.add(FELL)
        counter.top = max(counter.top, counter.now)
        return counter.now

    def _enter_epoch(self, counter: _Counter, step: float, epoch: float) -> None:
        """Count on if steps begin again in this epoch.

        They do if its first step is in the lower half of those of the epoch before.
        """
        known = counter.epochs.get(epoch)
        if known is None:
            before = None if counter.epoch is None else counter.epochs.get(counter.epoch)
            base = before.base if before is not None else 0.0
            if before is not None and epoch > (counter.epoch or 0.0):
                again = step <= (before.low + before.high) / 2 and step <= counter.last
                if again:
                    base += before.high + (counter.stride if before.low <= 0 else 0.0)
                    self.said.add(COUNTED)
            known = _Epoch(base, step, step)
            if len(counter.epochs) < _MAX_EPOCHS:
                counter.epochs[epoch] = known
        known.take(step)
        counter.epoch, counter.base = epoch, known.base
