"""Records of a log in columns, as its readers hand them to the interpreter; pure."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tui.runs.foreign import values
from tui.runs.foreign.values import Commas

Record = dict[str, Any]
Rows = Sequence[int] | None
"""The records that have a cell in a column, by number in the piece; None for all of them."""


class Cells(NamedTuple):
    """The cells of one column."""

    rows: Rows
    cells: Sequence[Any]


@dataclass
class Piece:
    """Some records that follow each other in a log, in columns: numbers, or texts, lists, ..."""

    length: int
    columns: dict[str, Cells]
    begins: bool = False
    """Whether the log says that a program began anew before the first record."""
    commas: Commas = ""
    kept: tuple[Any, Any] | None = None
    """What was found out of it, and by whom."""
    _numbers: dict[str, list[float | None]] = field(default_factory=dict)

    def numbers(self, name: str) -> list[float | None]:
        """The cells of a column as numbers; None for each that is not one."""
        found = self._numbers.get(name)
        if found is None:
            found = self._numbers[name] = values.column(self.columns[name].cells, self.commas)
        return found

    def rows(self, name: str) -> Sequence[int]:
        """The numbers of the records that have a cell in a column."""
        rows = self.columns[name].rows
        return range(self.length) if rows is None else rows

    def without(self, bad: Set[int]) -> "Piece":
        """The same without some of its records."""
        place = {row: n for n, row in enumerate(r for r in range(self.length) if r not in bad)}
        columns = {}
        for name, column in self.columns.items():
            kept = [
                (place[row], cell)
                for row, cell in zip(self.rows(name), column.cells, strict=True)
                if row in place
            ]
            if kept:
                columns[name] = Cells([row for row, _ in kept], [cell for _, cell in kept])
        return Piece(len(place), columns, self.begins, self.commas)

    def shapes(self) -> list[int] | None:
        """For each record a number that says which columns it has; None if all have the same.

        A number is the sum of `2 ** place` of its columns, by their order in the piece.
        """
        if all(column.rows is None for column in self.columns.values()):
            return None
        masks = [0] * self.length
        for place, column in enumerate(self.columns.values()):
            bit = 1 << place
            for row in range(self.length) if column.rows is None else column.rows:
                masks[row] |= bit
        return masks


def of_rows(names: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, Cells]:
    """The columns of a table's rows, all as long as the names; empty cells are left out."""
    columns: dict[str, Cells] = {}
    for name, cells in zip(names, zip(*rows, strict=True), strict=True):
        if "" not in cells:
            columns[name] = Cells(None, cells)
            continue
        there = [row for row, cell in enumerate(cells) if cell and not cell.isspace()]
        if there:
            columns[name] = Cells(there, [cells[row] for row in there])
    return columns


def of_records(records: Iterable[Record]) -> dict[str, Cells]:
    """The columns of records that need not have the same fields."""
    found: dict[str, tuple[list[int], list[Any]]] = {}
    count = 0
    for count, record in enumerate(records, 1):
        for key, value in record.items():
            if value is None:
                continue
            column = found.get(key)
            if column is None:
                column = found[key] = ([], [])
            column[0].append(count - 1)
            column[1].append(value)
    return {
        key: Cells(None if len(rows) == count else rows, cells)
        for key, (rows, cells) in found.items()
    }
