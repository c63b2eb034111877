"""How the columns of a log behave, as far as it was read: what decides which one is the step."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tui.runs.foreign import names_of_roles as roles
from tui.runs.foreign.record_columns import Piece
from tui.runs.foreign.values import done_of_total

MAX_STEP = 2**53
"""Largest step: up to here, float64 is exact."""
MAX_LABELS = 100
"""Maximum number of different values of a column that tells runs apart."""
MAX_COLUMNS = 10_000
_FEW = 16
"""Number of cells up to which arrays are not worth while."""
_SAMPLE = 200
"""Number of cells of a time column that are kept to tell its kind."""


@dataclass
class Numbers:
    """How the numbers of one column go on from record to record."""

    count: int = 0
    """Number of records that have a cell in the column."""
    steps: int = 0
    """Number of cells that are whole numbers from 0 to `MAX_STEP`."""
    fractions: int = 0
    """Number of cells that are other numbers of at least 0."""
    decimals: int = 0
    """Largest number of decimals, 6 at most."""
    rises: int = 0
    ties: int = 0
    falls: int = 0
    total: float | None = None
    """The 438 of `10/438`, if every cell was of that form and had it."""
    last: float | None = None

    @property
    def varies(self) -> bool:
        return self.rises + self.falls > 0

    def add(self, numbers: Sequence[float | None]) -> None:
        """Take in the next cells."""
        self.count += len(numbers)
        if len(numbers) > _FEW and None not in numbers and self._add_whole(numbers):
            return
        last = self.last
        for number in numbers:
            if number is None or not 0 <= number <= MAX_STEP:  # NaN too
                continue
            if number == int(number):
                self.steps += 1
            else:
                self.fractions += 1
                if self.decimals < 6:
                    self._count_decimals(number)
            if last is not None:
                if number > last:
                    self.rises += 1
                elif number < last:
                    self.falls += 1
                else:
                    self.ties += 1
            last = number
        self.last = last

    def _add_whole(self, numbers: Sequence[float | None]) -> bool:
        """Take in the next cells at once if all of them are whole numbers."""
        steps = np.asarray(numbers, dtype=np.float64)
        if not ((steps >= 0) & (steps <= MAX_STEP) & (steps == np.floor(steps))).all():
            return False
        self.steps += len(steps)
        changes = np.diff(steps, prepend=steps[0] if self.last is None else self.last)
        rises, falls = int((changes > 0).sum()), int((changes < 0).sum())
        self.rises += rises
        self.falls += falls
        self.ties += len(steps) - rises - falls - (self.last is None)
        self.last = float(steps[-1])
        return True

    def _count_decimals(self, number: float) -> None:
        while self.decimals < 6:
            scaled = number * 10**self.decimals
            if abs(scaled - round(scaled)) < 1e-6 * max(1.0, scaled):
                return
            self.decimals += 1


@dataclass
class Behaviour:
    """The behaviour of all columns that may have a role."""

    records: int = 0
    order: dict[str, int] = field(default_factory=dict)
    """The number of records that have a cell in each column, in order of appearance."""
    numbers: dict[str, Numbers] = field(default_factory=dict)
    """The columns that may be a step or an epoch."""
    times: dict[str, list[Any]] = field(default_factory=dict)
    """The first cells of the columns that may be a time."""
    known_times: dict[tuple[str, int], Any] = field(default_factory=dict)
    """What was found out of these cells, by their number."""
    texts: dict[str, int] = field(default_factory=dict)
    """Number of cells that are no numbers, of the columns that have such cells."""
    labels: dict[str, dict[str, int]] = field(default_factory=dict)
    """How often each value occurs in the columns that may tell runs or phases apart."""
    given: str | None = None
    """The column that a person named as the step."""
    in_table: bool = False
    """Whether the columns have an order, as in a table."""

    def add(self, piece: Piece) -> None:
        """Take in the records of a piece."""
        self.records += piece.length
        for name, (_, cells) in piece.columns.items():
            if name not in self.order and len(self.order) >= MAX_COLUMNS:
                continue
            self.order[name] = self.order.get(name, 0) + len(cells)
            self._add_column(piece, name, cells)

    def _add_column(self, piece: Piece, name: str, cells: Sequence[Any]) -> None:
        small = name.strip().lower()
        if self._may_count(name):
            self.numbers.setdefault(name, Numbers()).add(self.counts(piece, name))
        if roles.time_rank(name) is not None:
            kept = self.times.setdefault(name, [])
            kept += cells[: _SAMPLE - len(kept)]
        numbers = piece.numbers(name)
        texts = 0
        if None in numbers:
            texts = sum(
                number is None and isinstance(cell, str)
                for number, cell in zip(numbers, cells, strict=True)
            )
        if texts:
            self.texts[name] = self.texts.get(name, 0) + texts
        if (texts * 2 > len(cells) or small in roles.TELLS_APART) and not roles.is_epoch(name):
            self._add_labels(name, cells)

    def _may_count(self, name: str) -> bool:
        return (
            name == self.given
            or roles.step_rank(name) is not None
            or roles.is_epoch(name)
            or (self.in_table and name == next(iter(self.order)))
        )

    def _add_labels(self, name: str, cells: Sequence[Any]) -> None:
        seen = self.labels.setdefault(name, {})
        for cell in cells:
            if isinstance(cell, str | int | float) and len(seen) <= MAX_LABELS:
                label = label_of(cell)
                seen[label] = seen.get(label, 0) + 1

    def counts(self, piece: Piece, name: str) -> list[float | None]:
        """The cells of a column as steps: `10/438` counts as 10."""
        numbers = piece.numbers(name)
        if None not in numbers:
            return numbers
        found = list(numbers)
        for place, cell in enumerate(piece.columns[name].cells):
            if found[place] is None and isinstance(cell, str) and len(cell) < 60:
                pair = done_of_total(cell)
                if pair is not None:
                    found[place] = pair[0]
                    if name in self.numbers:
                        self.numbers[name].total = pair[1]
        return found


def label_of(cell: Any) -> str:
    """The text of a cell that tells records apart: 1 and "1" are alike, and so are 1 and 1.0."""
    if isinstance(cell, float) and cell == int(cell):
        return str(int(cell))
    return str(cell).strip()[:60]
