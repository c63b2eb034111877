"""Group metrics by what their names begin with, and filter them by a regular expression; pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from presets import UserError

_FIRST = ("train/", "val/", "test/", "")
"""The groups that come first; "" is the group of names without a prefix."""
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class Group:
    """A group of metrics whose names begin alike."""

    prefix: str
    """What their names begin with, up to and with the first slash; "" for names without one."""
    names: tuple[str, ...]


def pattern(text: str) -> re.Pattern[str]:
    """Parse a filter that a person typed; lower case finds upper case too. Raises UserError."""
    try:
        return re.compile(text, 0 if re.search("[A-Z]", text) else re.IGNORECASE)
    except (re.error, RecursionError, OverflowError) as error:
        said = error.msg if isinstance(error, re.error) else "too deep"
        at = f" at {error.pos + 1}" if isinstance(error, re.error) and error.pos is not None else ""
        raise UserError(f"not a regular expression: {said}{at}") from None


def grouped(names: Iterable[str], wanted: re.Pattern[str] | None = None) -> list[Group]:
    """The groups of names in which `wanted` matches anywhere; numbers are sorted by value."""
    groups: dict[str, list[str]] = {}
    for name in names:
        if wanted is None or wanted.search(name):
            prefix, slash, _ = name.partition("/")
            groups.setdefault(prefix + slash if slash else "", []).append(name)
    return [
        Group(prefix, tuple(sorted(groups[prefix], key=_natural)))
        for prefix in sorted(groups, key=_rank)
    ]


def _rank(prefix: str) -> tuple[int, str]:
    return (_FIRST.index(prefix) if prefix in _FIRST else len(_FIRST)), prefix


def _natural(name: str) -> list[tuple[int, str]]:
    """A sort key that puts `layer2` before `layer10`."""
    parts = _DIGITS.split(name)
    return [(int(part[:18]), part) if index % 2 else (0, part) for index, part in enumerate(parts)]


@dataclass(frozen=True)
class Row:
    """A row of metrics side by side, all of one group."""

    group: Group
    names: tuple[str, ...]


@dataclass(frozen=True)
class Window:
    """The rows that are on the screen."""

    first: int
    end: int
    """The first row after them."""
    lines: int
    """Height of each row in lines, without the line that names a group."""


def rows(found: Iterable[Group], columns: int) -> list[Row]:
    """The groups in rows of at most so many metrics."""
    return [
        Row(group, group.names[begin : begin + columns])
        for group in found
        for begin in range(0, len(group.names), columns)
    ]


def begins_group(all_rows: Sequence[Row], row: int, window: Window) -> bool:
    """Whether the group is named above this row: where it begins, and at the top."""
    return row == window.first or all_rows[row].group is not all_rows[row - 1].group


def window(all_rows: Sequence[Row], first: int, selected: int, height: int, lines: int) -> Window:
    """The rows that fit into `height` lines, from `first` on or so that the selected one is shown.

    Each takes about `lines` lines, and one more where its group is named.
    """
    wanted = max(1, round(height / lines))
    least = max(1, (height - wanted) // wanted)
    if not all_rows:
        return Window(0, 0, least)
    first = max(0, min(first, selected))
    while selected >= (end := _end(all_rows, first, height, least)):
        first += 1
    while first > 0 and _end(all_rows, first - 1, height, least) >= len(all_rows):
        first -= 1
        end = len(all_rows)
    shown = Window(first, end, least)
    names = sum(begins_group(all_rows, row, shown) for row in range(first, end))
    return Window(first, end, max(1, (height - names) // max(wanted, end - first)))


def _end(all_rows: Sequence[Row], first: int, height: int, lines: int) -> int:
    """The index of the first row that does not fit; at least one row is shown."""
    used = 0
    for row in range(first, len(all_rows)):
        used += lines + begins_group(all_rows, row, Window(first, 0, 0))
        if used > height and row > first:
            return row
    return len(all_rows)
