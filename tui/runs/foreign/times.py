"""Read times as people's tools write them, and tell what kind of time a column holds; pure."""

import math
import re
from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import Literal

from tui.runs.foreign.values import number

TimeKind = Literal["elapsed", "date", "day", "duration"]
"""Seconds since the run's start, since the epoch, since midnight, or a duration of each record,
which is no time axis."""

_SMALLEST_DATE = 1e8
"""In seconds since the epoch, in 1973: a smaller time is counted from the run's start."""
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
"""The smallest dates in nano-, micro- and milliseconds, and how many make a second."""
_CLOCK = re.compile(r"(?:(\d+) days?,? +)?(?:(\d+):)?(\d{1,3}):(\d{2}(?:[.,]\d+)?)")
_WORDS = re.compile(
    r"(?:(\d+) ?d(?:ays?)? *)?(?:(\d+) ?h(?:ours?|r)? *)?"
    r"(?:(\d+) ?m(?:in(?:utes?)?)? *)?(?:(\d+(?:\.\d+)?) ?s(?:ec(?:onds?)?)?)?"
)
_DATE = re.compile(
    r"(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})"
    r"(?:[ T,-]+(\d{1,2})[:.](\d{2})(?:[:.](\d{2}(?:[.,]\d+)?))?\s*([AaPp][Mm])?)?"
)
_COMPACT = re.compile(r"(\d{8})[-_T ](\d{6})")
_ISO_COMMA = re.compile(r",(\d{1,6})")
_ELAPSED = ("elapsed", "runtime", "relative", "since", "total", "duration")


def moment(value: object, *, day_first: bool = False) -> float | None:
    """A time in seconds, since the epoch or since some start; None if it is none.

    `day_first`: whether 01/02/2026 is in February.
    """
    if isinstance(value, str):
        found = number(value)
        if found is None:
            found = _from_text(value.strip(), day_first)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        return None
    else:
        found = float(value) if abs(value) < 1e300 else None
    if found is None or not math.isfinite(found):
        return None
    for smallest, unit in _UNITS:
        if found >= smallest:
            return found / unit
    return found


def is_date(seconds: float) -> bool:
    """Whether a time counts from the epoch."""
    return seconds >= _SMALLEST_DATE


def _from_text(text: str, day_first: bool) -> float | None:
    if not text or len(text) > 80 or not any(character.isdigit() for character in text):
        return None
    if (clock := _CLOCK.fullmatch(text)) is not None:
        days, hours, minutes, seconds = (
            float((part or "0").replace(",", ".")) for part in clock.groups()
        )
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if (words := _WORDS.fullmatch(text)) is not None and any(words.groups()):
        days, hours, minutes, seconds = (float(part or 0) for part in words.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    try:
        return _date(text, day_first)
    except (ValueError, OverflowError, OSError, TypeError):
        return None


def _date(text: str, day_first: bool) -> float | None:
    """A date in seconds since the epoch. Raises ValueError."""
    try:
        return datetime.fromisoformat(_ISO_COMMA.sub(r".\1", text)).timestamp()
    except ValueError:
        pass
    if (compact := _COMPACT.fullmatch(text)) is not None:
        return datetime.strptime("".join(compact.groups()), "%Y%m%d%H%M%S").timestamp()
    if (found := _DATE.fullmatch(text)) is not None:
        return _numeric_date(found, day_first)
    for form in ("%a %b %d %H:%M:%S %Y", "%b %d %Y %H:%M:%S", "%d %b %Y %H:%M:%S"):
        try:
            return datetime.strptime(text, form).timestamp()
        except ValueError:
            continue
    return parsedate_to_datetime(text).timestamp()


def _numeric_date(found: re.Match[str], day_first: bool) -> float:
    first, second, third = (int(found[part]) for part in (1, 2, 3))
    if first > 31:
        year, month, day = first, second, third
    elif day_first or first > 12 or "." in found[0][:4]:
        day, month, year = first, second, third
    else:
        month, day, year = first, second, third
    hour, half = int(found[4] or 0), (found[7] or "").lower()
    if half:
        hour = hour % 12 + 12 * (half == "pm")
    seconds = float((found[6] or "0").replace(",", "."))
    start = datetime(year, month, day, hour, int(found[5] or 0)).timestamp()
    return start + seconds


def is_day_first(cells: Sequence[object]) -> bool:
    """Whether dates such as 01/02/2026 begin with the day: whichever order lets every cell be read,
    and makes the shorter time of all."""
    spans = []
    for order in (False, True):
        found = [moment(cell, day_first=order) for cell in cells]
        known = [each for each in found if each is not None]
        falls = sum(b < a for a, b in pairwise(known))
        span = max(known) - min(known) if known else 0.0
        spans.append((len(cells) - len(known), falls, span))
    return spans[1] < spans[0]


def form_of(name: str, cells: Sequence[object]) -> tuple[TimeKind, bool] | None:
    """The kind of time that a column holds, and whether its dates begin with the day; None if most
    cells are no times."""
    day_first = is_day_first(cells) if isinstance(cells[0], str) else False
    found = [moment(cell, day_first=day_first) for cell in cells]
    known = [each for each in found if each is not None]
    if 2 * len(known) <= len(cells):
        return None
    return kind_of(name, cells, known), day_first


def moments(
    cells: Sequence[object], numbers: Sequence[float | None], *, day_first: bool
) -> list[float | None]:
    """The times of cells; `numbers` are the same cells as numbers."""
    known = [number for number in numbers if number is not None]
    if len(known) == len(numbers) and max(known) < _UNITS[-1][0]:
        return list(numbers)
    return [moment(cell, day_first=day_first) for cell in cells]


def kind_of(name: str, cells: Sequence[object], moments: Sequence[float]) -> TimeKind:
    """What kind of time a column holds, from its name, its cells and their times, in order."""
    if not moments or is_date(moments[0]):
        return "date" if moments else "elapsed"
    small = name.lower()
    said = any(word in small for word in _ELAPSED)
    clock = isinstance(cells[0], str) and ":" in cells[0]
    falls = sum(b < a for a, b in pairwise(moments))
    rises = sum(b > a for a, b in pairwise(moments))
    if clock and not said and moments[0] >= 3600 and max(moments) < 86400.5:
        return "day"
    steady = falls * 10 > len(moments) - 1 or (len(moments) > 1 and not rises)
    if steady and not (said and rises > falls):
        return "duration"
    # Durations of about the same length may rise by chance; elapsed time grows by such lengths.
    alike = not said and len(moments) > 2 and moments[0] > 0 and moments[-1] < 1.5 * moments[0]
    return "duration" if alike and not clock else "elapsed"
