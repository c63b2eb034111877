"""What is written in a column: numbers with either decimal mark, dates, or words.

A column is read as a whole, for a single cell such as `1,234` or `01/02/2024` may mean two things.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

from msgspec import Struct

MISSING = frozenset(
    {"", "?", "na", "n/a", "nan", "-nan", "null", "#n/a", "#na", "<na>"}
    | {"#value!", "#div/0!", "#ref!", "#name?", "#num!"}
)
"""Cells without a value, in lower case."""
MISSING_NUMBERS = frozenset({"none", "nil", "missing", "-", "--", "."})
"""Further ones in a column of numbers or dates; elsewhere they may be words."""

Mark = Literal[".", ","]

_SPACES = "'\u2019 \u00a0\u202f\u2009"
_GROUPS = {".": f"[,{_SPACES}]", ",": f"[.{_SPACES}]"}
_NUMBERS = {
    mark: re.compile(
        rf"[+-]?(?:(?:[0-9]+|[1-9][0-9]{{0,2}}(?:({group})[0-9]{{3}})(?:\1[0-9]{{3}})*)"
        rf"(?:{re.escape(mark)}[0-9]*)?|{re.escape(mark)}[0-9]+)(?:[eE][+-]?[0-9]+)?"
        r"|[+-]?(?:inf|infinity)",
        re.IGNORECASE,
    )
    for mark, group in _GROUPS.items()
}
_REMOVED = {
    ".": str.maketrans("", "", _SPACES + ","),
    ",": str.maketrans("", "", _SPACES + "."),
}
_TIME = (
    r"(?:(?:T|\s+)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?"
    r"\s*(?:(Z|UTC)|([+-])(\d{2}):?(\d{2}))?)?"
)
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})" + _TIME, re.ASCII)
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})" + _TIME, re.ASCII)


class AmbiguousError(ValueError):
    """A cell of a column that may mean two things; the text of the error says which."""


class Numbers(Struct, frozen=True):
    """A column that was read as numbers."""

    values: list[float]
    plain: bool
    """Whether all cells are written as programs write them, such as `-1.5e3`."""


def is_missing(cell: str) -> bool:
    """Whether a cell has no value, whatever else its column has."""
    return cell.lower() in MISSING


def numbers(cells: Sequence[str], mark: Mark) -> Numbers | None:
    """The numbers that all cells are with this decimal mark; None if one of them is none.

    Thousands may be set apart by the other mark, a space or an apostrophe; all cells may be per
    cent, which are then not divided by 100. `1_2` is none.
    """
    if mark == ".":
        try:
            if "_" not in "".join(cells) and "".join(cells).isascii():
                return Numbers([float(cell) for cell in cells], plain=True)
        except ValueError:
            pass  # perhaps not as programs write it
    percent = bool(cells) and cells[0].endswith("%")
    values, plain = [], mark == "." and not percent
    for cell in cells:
        text = cell.replace("−", "-").removesuffix("%").rstrip()
        if cell.endswith("%") != percent or not _NUMBERS[mark].fullmatch(text):
            return None
        bare = text.translate(_REMOVED[mark])
        plain = plain and bare == cell
        values.append(float(bare.replace(",", ".")))
    return Numbers(values, plain=plain)


def looks_like_date(cell: str) -> bool:
    """Whether a cell has the form of a date; it need not exist."""
    return bool(_YEAR_FIRST.fullmatch(cell) or _YEAR_LAST.fullmatch(cell))


def dates(cells: Sequence[str]) -> list[float] | None:
    """The seconds since 1970 of dates, with or without a time of day; without a zone they are UTC.

    None if a cell is no date. AmbiguousError if day and month can be told apart nowhere.
    """
    if not cells or not looks_like_date(cells[0]):
        return None
    orders = ("ymd",) if _YEAR_FIRST.fullmatch(cells[0]) else ("dmy", "mdy")
    if orders[0] == "dmy" and "." in cells[0]:
        orders = ("dmy",)  # points are written with the day first
    found = [values for order in orders if (values := _ordered(cells, order)) is not None]
    if len(found) == 2 and found[0] != found[1]:
        example = next(c for c, one, two in zip(cells, *found, strict=True) if one != two)
        raise AmbiguousError(f"{example!r} may begin with the day or the month")
    return found[0] if found else None


def _ordered(cells: Sequence[str], order: str) -> list[float] | None:
    values = []
    for cell in cells:
        found = (_YEAR_FIRST if order == "ymd" else _YEAR_LAST).fullmatch(cell)
        if found is None:
            return None
        first, _, middle, last, hour, minute, second, part, _, sign, hours, minutes = found.groups()
        day = {"ymd": (first, middle, last), "dmy": (last, middle, first)}
        year, month, date = map(int, day.get(order, (last, first, middle)))
        off = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        try:
            zone = timezone(-off if sign == "-" else off) if sign else UTC
            moment = datetime(
                year, month, date, int(hour or 0), int(minute or 0), int(second or 0), tzinfo=zone
            )
        except ValueError:  # the 31st of February
            return None
        values.append(moment.timestamp() + float(f"0.{part or 0}"))
    return values
