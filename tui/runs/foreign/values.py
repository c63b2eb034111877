"""Read numbers as people's tools write them: decimal commas, thousands, per cent, `5/40`; pure."""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Literal

Commas = Literal["", "decimal", "thousands"]
"""The meaning of a comma in the numbers of a table; "" if there is none, or nothing tells."""

MISSING = frozenset({"", "na", "n/a", "null", "none", "-", "--", "<na>", "#n/a", "?"})
"""Texts, in small letters, of a cell that has no value."""
_NOT_FINITE = {
    "1.#inf": math.inf,
    "-1.#inf": -math.inf,
    "1.#qnan": math.nan,
    "-1.#ind": math.nan,
    "1.#ind": math.nan,
    "∞": math.inf,
    "+∞": math.inf,
    "-∞": -math.inf,
    "#div/0!": math.nan,
    "#num!": math.nan,
}
_WRAPPED = re.compile(
    r"(?:tensor|array|np\.float\d+|np\.int\d+|float|Decimal)\(\[?'?([^,()\[\]']+)'?\]?"
    r"(?:,[^()]*(?:\([^()]*\))?[^()]*)?\)"
)
"""A number as Python prints the object that holds it: `tensor(0.5, device='cuda:0')`."""
_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(?:([ ,.'’\u00a0\u202f])\d{3})(?:\1\d{3})*")
"""A whole number with separated thousands."""
_DONE = re.compile(r"\s*([\d,.' ]+?)\s*/\s*([\d,.' ]+?)\s*")


def number(text: str, commas: Commas = "") -> float | None:
    """The number that a text says; None if it is not one. NaN and infinities are numbers."""
    text = text.strip()
    try:
        if "_" not in text:  # `1_2` is a name, although Python reads 12
            return float(text)
    except ValueError:
        pass
    small = text.lower()
    if small in _NOT_FINITE:
        return _NOT_FINITE[small]
    if small in MISSING or (text[:1].isalpha() and "(" not in text):
        return None
    if text.endswith("%"):
        return number(text[:-1], commas)
    if (inner := _WRAPPED.fullmatch(text)) is not None:
        return number(inner[1])
    return _separated(text.replace("−", "-"), commas)


def _separated(text: str, commas: Commas) -> float | None:
    """A number with separators; a comma means thousands unless it cannot."""
    if "_" in text or not any(character.isdigit() for character in text):
        return None
    whole, point, rest = text.partition(".")
    if commas == "decimal" or ("," in rest and point):
        digits, comma, decimals = text.rpartition(",")
        if comma and (_GROUPS.fullmatch(digits) or digits.lstrip("+-").isdigit() or not digits):
            return _plain("".join(c for c in digits if c.isdigit() or c in "+-") + "." + decimals)
        return _plain(_joined(text)) if _GROUPS.fullmatch(text) else _plain(text)
    if _GROUPS.fullmatch(whole):
        return _plain(_joined(whole) + point + rest)
    if not commas and text.count(",") == 1 and not point:
        return _plain(text.replace(",", "."))
    return _plain(text)


def _joined(text: str) -> str:
    return re.sub(r"[ ,.'’\u00a0\u202f]", "", text)


def _plain(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def done_of_total(text: str) -> tuple[float, float] | None:
    """The two numbers of a text such as `10/438`; None for any other text."""
    found = _DONE.fullmatch(text)
    if found is None:
        return None
    done, total = number(found[1]), number(found[2])
    return (done, total) if done is not None and total else None


class CommaEvidence:
    """What the numbers of a table tell about the meaning of their commas."""

    def __init__(self) -> None:
        self._decimal = self._thousands = self._either = 0

    def add(self, cells: Iterable[str]) -> None:
        """Take in some cells."""
        for cell in cells:
            if "," not in cell or not any(c.isdigit() for c in cell):
                continue
            text = cell.strip().rstrip("%")
            if _separated(text, "decimal") is None and _separated(text, "thousands") is None:
                continue
            if text.count(",") > 1 or "." in text.partition(",")[2]:
                self._thousands += 1
            elif not _GROUPS.fullmatch(text):
                self._decimal += 1
            else:
                self._either += 1

    def decide(self, *, points: bool) -> Commas:
        """The meaning; `points` says whether numbers of the table have decimal points."""
        if self._decimal > self._thousands:
            return "decimal"
        return "thousands" if self._thousands or (self._either and points) else ""

    @property
    def unsure(self) -> bool:
        """Whether commas occur only where they could mean either."""
        return bool(self._either) and not self._decimal and not self._thousands


def column(cells: Sequence[object], commas: Commas = "") -> list[float | None]:
    """Cells as numbers, None for any other text; booleans are no numbers."""
    kinds = set(map(type, cells))
    if kinds <= {float, int} or (kinds == {str} and "_" not in "".join(cells)):  # type: ignore[arg-type]
        try:
            return list(map(float, cells))  # type: ignore[arg-type]
        except (ValueError, OverflowError):
            pass
    return [_cell(cell, commas) for cell in cells]


def _cell(cell: object, commas: Commas) -> float | None:
    if isinstance(cell, float):
        return cell
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int):
        try:
            return float(cell)
        except OverflowError:
            return None
    return number(cell, commas) if isinstance(cell, str) and len(cell) < 200 else None
