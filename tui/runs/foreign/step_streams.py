"""How the steps of each stream of a log go on: of each phase, each run and each kind of record."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import lt
from typing import NamedTuple

from tui.runs.foreign.record_columns import Piece
from tui.runs.foreign.record_facts import ALL, ONLY, Facts, Group, Labels, Shape, labels_of

_WITHIN = 0.1
_TOGETHER = 0.2


class Stream(NamedTuple):
    """The records of one kind in one group."""

    group: Group
    shape: Shape


@dataclass
class Counting:
    """How the steps of one stream go on, as they are written."""

    count: int = 0
    first: float = 0.0
    last: float = 0.0
    high: float = 0.0
    falls: int = 0
    ties: int = 0
    anew: int = 0
    """How often a fall went back to the first step, or before it."""
    deep: int = 0
    """How often the step was far below that of the main stream at that time."""
    entries: int = 0
    """How often records of it follow on records of another stream."""
    segment: int = 0
    """Number of records since the last fall."""
    segment_first: float = 0.0

    def add(self, step: float) -> None:
        if not self.count:
            self.first = self.high = self.segment_first = step
        elif step < self.last:
            self.falls += 1
            self.anew += step <= self.first
            self.segment, self.segment_first = 0, step
        self.ties += bool(self.count) and step == self.last
        self.count += 1
        self.segment += 1
        self.last = step
        self.high = max(self.high, step)

    @property
    def stride(self) -> float:
        """The usual distance of two steps."""
        span = self.last - self.segment_first
        return span / (self.segment - 1) if self.segment > 1 else max(1.0, self.last)

    @property
    def varies(self) -> bool:
        return self.count > 1 and (self.high > self.first or self.falls > 0)

    @property
    def begins_anew(self) -> bool:
        """Whether the steps begin anew again and again, as a counter of each epoch does."""
        return self.falls > 0 and self.anew == self.falls and self.count >= 3 * (self.falls + 1)


@dataclass
class Streams:
    """What was seen of the streams of a log under one plan."""

    streams: dict[Stream, Counting] = field(default_factory=dict)
    _main: dict[Labels, Stream] = field(default_factory=dict)
    """The stream with most records, for each run."""
    _before: Stream | None = None
    _again: dict[Labels, "_Again"] = field(default_factory=dict)

    def add(self, facts: Facts) -> None:
        """Take in the facts of a piece."""
        if facts.groups is None and facts.shapes is None and self._rising(facts.steps):
            return
        for row, step in enumerate(facts.steps):
            if step is not None:
                group = ONLY if facts.groups is None else facts.groups[row]
                shape = ALL if facts.shapes is None else facts.shapes[row]
                self._add(Stream(group, shape), step)

    def _rising(self, steps: list[float | None]) -> bool:
        """Take in the steps of the only stream if they rise, which is usual, at once."""
        stream = Stream(ONLY, ALL)
        if None in steps or not steps or len(self.streams) > 1:
            return False
        known = self.streams.get(stream) or Counting()
        rising = all(map(lt, steps, islice(steps, 1, None)))  # type: ignore[arg-type]
        if not rising or (known.count and steps[0] <= known.last):  # type: ignore[operator]
            return False
        self._add(stream, steps[0])  # type: ignore[arg-type]
        if len(steps) > 1:
            counting = self.streams[stream]
            counting.count += len(steps) - 2
            counting.segment += len(steps) - 2
            counting.add(steps[-1])  # type: ignore[arg-type]
        return True

    def _add(self, stream: Stream, step: float) -> None:
        counting = self.streams.get(stream)
        if counting is None:
            counting = self.streams[stream] = Counting()
        counting.entries += stream != self._before
        self._before = stream
        labels = stream.group[0]
        main = self._main.setdefault(labels, stream)
        if main != stream:
            leader = self.streams[main]
            counting.deep += step < leader.last - 1.5 * leader.stride
            if counting.count >= leader.count:
                self._main[labels] = stream
        counting.add(step)

    def add_candidates(self, names: Sequence[str], piece: Piece, facts: Facts) -> None:
        """Take in whether the values of these columns explain why steps occur again."""
        columns = {name: labels_of(piece, name) for name in names}
        every = [(name,) for name in names] + ([tuple(names)] if len(names) > 1 else [])
        for key in every:
            again = self._again.setdefault(key, _Again())
            for row, step in enumerate(facts.steps):
                if step is None:
                    continue
                epoch = (facts.epochs[row] if facts.epochs else None) or 0.0
                phase = facts.groups[row][1] if facts.groups else ""
                shape = facts.shapes[row] if facts.shapes else frozenset()
                label = tuple(columns[name][row] for name in key)
                again.add((epoch, step), (phase, shape), label)

    def telling(self) -> Labels:
        """The columns whose values explain why steps occur again."""
        good = [key for key, again in self._again.items() if again.explained]
        return min(good, key=lambda key: (len(key), self._again[key].within), default=())

    def placed(self) -> dict[Stream, Group]:
        """The streams whose own counter is not that of the main stream, such as validations that
        are counted from 1, with the group whose step they take."""
        found = {}
        for stream, counting in self.streams.items():
            main = self._main[stream.group[0]]
            if main == stream:
                continue
            leader = self.streams[main]
            block = counting.entries == 1 and counting.count > 1
            alike = counting.varies and counting.high >= 0.5 * leader.high
            if 2 * counting.deep >= counting.count and counting.deep and not block and not alike:
                found[stream] = main.group
        return found

    def anew(self) -> frozenset[Group]:
        """The groups whose steps begin anew again and again."""
        return frozenset(group for group, each in self._largest().items() if each.begins_anew)

    def may_begin_anew(self) -> frozenset[Group]:
        """The groups whose steps do not rise always, so that they may begin anew in each epoch."""
        return frozenset(
            group for group, each in self._largest().items() if each.falls or each.ties
        )

    def _largest(self) -> dict[Group, Counting]:
        """The stream with most records in each group."""
        largest: dict[Group, Counting] = {}
        for stream, counting in self.streams.items():
            known = largest.get(stream.group)
            if known is None or counting.count > known.count:
                largest[stream.group] = counting
        return largest


class _Again:
    """How often steps occur again, at all and with the same label."""

    def __init__(self) -> None:
        self.count = self.overall = self.within = 0
        self._high: dict[object, tuple[float, float]] = {}

    def add(self, step: tuple[float, float], of: object, label: Labels) -> None:
        self.count += 1
        self.overall += self._is_again(of, step)
        self.within += self._is_again((of, label), step)

    def _is_again(self, key: object, step: tuple[float, float]) -> bool:
        high = self._high.get(key)
        if high is not None and step <= high:
            return True
        if len(self._high) < 100_000:
            self._high[key] = step
        return False

    @property
    def explained(self) -> bool:
        """Whether steps occur again often, but hardly with the same label."""
        enough = self.overall >= max(2, _TOGETHER * self.count)
        return enough and self.within <= _WITHIN * self.overall
