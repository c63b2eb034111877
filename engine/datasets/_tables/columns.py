"""What the columns of a table are, all of them together: numbers, dates or words."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from engine.datasets._tables import cells
from engine.datasets._tables.cells import AmbiguousError, Mark, Numbers
from presets import ConfigError

MAX_NUMBER = 1e30
"""Its square is still finite as float64, and itself as float32."""

Decimal = Literal["auto", "point", "comma"]
_MARKS: dict[str, Mark] = {"point": ".", "comma": ","}


class Column(Struct, frozen=True):
    """A column with what its cells stand for."""

    kind: Literal["numbers", "dates", "words", "empty"]
    cells: list[str]
    """As written; "" where a value is missing."""
    values: list[float]
    """Numbers, and dates in seconds since 1970, one a cell; NaN where it is missing."""
    written: str = ""
    """How a number is written that is not as programs write it, with its value: "1,5 = 1.5"."""
    stray: int | None = None
    """In a column of words of which most are numbers: the place of the first that is none."""

    @property
    def words(self) -> list[str]:
        """The different cells that are there, sorted."""
        return sorted(set(self.cells) - {""})

    def is_missing(self, row: int) -> bool:
        """Whether it has no value in this row, counted from 0."""
        return not self.cells[row]


def understand(columns: Mapping[str, list[str]], decimal: Decimal, where: str) -> dict[str, Column]:
    """The columns by their name. ConfigError for what may mean two things."""
    present = {name: [c for c in column if c] for name, column in columns.items()}
    read = _numbers(present, decimal, where)
    return {name: _column(column, name, read, where) for name, column in columns.items()}


def blanked(column: list[str]) -> list[str]:
    """The cells, "" where one says that its value is missing."""
    words = [cell for cell in set(column) if not cell[:1].isdigit()]
    missing = {cell for cell in words if cells.is_missing(cell)}
    found = ["" if cell in missing else cell for cell in column] if missing else column
    more = {cell for cell in words if cell.lower() in cells.MISSING_NUMBERS}
    if not more:
        return found
    rest = [cell for cell in found if cell and cell not in more]
    numeric = bool(rest) and (_either(rest) or cells.looks_like_date(rest[0]))
    return ["" if cell in more else cell for cell in found] if numeric else found


def _either(rest: list[str]) -> bool:
    return cells.numbers(rest, ".") is not None or cells.numbers(rest, ",") is not None


def _numbers(present: Mapping[str, list[str]], decimal: Decimal, where: str) -> dict[str, Numbers]:
    """The columns that are numbers, each with the decimal mark that it alone, or the other columns
    beside it, leave possible."""
    if decimal != "auto":
        found = {name: cells.numbers(column, _MARKS[decimal]) for name, column in present.items()}
        return {name: numbers for name, numbers in found.items() if numbers and numbers.values}
    point = {name: cells.numbers(column, ".") for name, column in present.items()}
    comma: dict[str, Numbers | None] = {}
    if any(known is None or not known.plain for known in point.values()):
        comma = {name: cells.numbers(column, ",") for name, column in present.items()}
    only = {
        "point": any(point[name] and not comma[name] for name in comma),
        "comma": any(comma[name] and not point[name] for name in comma),
    }
    chosen: dict[str, Numbers] = {}
    for name, column in present.items():
        one, two = point[name], comma.get(name)
        if one and two and one.values != two.values:
            # As programs write it, `1.234` needs no other column to say so.
            point_it_is = only["point"] or (one.plain and not only["comma"])
            if point_it_is == only["comma"]:
                raise _which(column, one, two, name, where)
            one = one if point_it_is else two
        if (numbers := one or two) and numbers.values:
            chosen[name] = numbers
    return chosen


def _which(column: list[str], one: Numbers, two: Numbers, name: str, where: str) -> ConfigError:
    example, a, b = next(
        (c, a, b) for c, a, b in zip(column, one.values, two.values, strict=True) if a != b
    )
    return ConfigError(
        f"{where}: column {name!r}: {example!r} may be {a:.10g} or {b:.10g}; "
        "dataset.decimal=point or comma says which"
    )


def _column(column: list[str], name: str, read: Mapping[str, Numbers], where: str) -> Column:
    present = [cell for cell in column if cell]
    if not present:
        return Column("empty", column, [])
    if numbers := read.get(name):
        written = "" if numbers.plain else _written(present, numbers)
        return Column("numbers", column, _spread(column, numbers.values), written)
    try:
        seconds = cells.dates(present)
    except AmbiguousError as error:
        raise ConfigError(
            f"{where}: column {name!r}: the date {error}; write the year first, or "
            "dataset.ignore leaves the column out"
        ) from None
    if seconds is not None:
        return Column("dates", column, _spread(column, seconds))
    return Column("words", column, [], stray=_stray(column))


def _written(present: list[str], numbers: Numbers) -> str:
    # The longest shows most marks.
    place = max(range(len(present)), key=lambda place: len(present[place]))
    return f"{present[place]} = {numbers.values[place]:.10g}"


def _spread(column: list[str], values: list[float]) -> list[float]:
    found = iter(values)
    return [next(found) if cell else float("nan") for cell in column]


def _stray(column: list[str]) -> int | None:
    """The first cell that is no number where more than half of them are."""
    numeric = {cell for cell in set(column) if cell and _either([cell])}
    if not numeric:
        return None
    none = [row for row, cell in enumerate(column) if cell and cell not in numeric]
    return none[0] if 2 * len(none) < sum(map(bool, column)) else None
