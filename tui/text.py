"""Text for people: cleaned of control characters, and numbers, durations and counts in words."""

import functools
import math
import time
import unicodedata

_FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that never reach the terminal: control and escape characters, direction
overrides, surrogates, private and unassigned code points, line separators."""
_HOURS_IN_DAYS = 48
"""Hours from which on a duration is said in days."""

_NO_CELLS = {"Mn", "Me", "Cf", "Cc"}
"""Unicode categories that take no cell: accents, and what is not printed."""


def clean(text: str, limit: int = 2000) -> str:
    """One line that is safe to print; all text from logs, paths and names goes through here."""
    cut = text[:limit] + "…" * (len(text) > limit)
    if cut.isascii() and cut.isprintable():
        return cut
    return "".join(_clean_character(character) for character in cut)


def _clean_character(character: str) -> str:
    if character in "\t\n\r":
        return " "
    return (
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in _FORBIDDEN else character
    )


def cells(text: str) -> int:
    """The width of a text on the terminal: wide characters take two cells, accents none."""
    if text.isascii():
        return len(text)
    return sum(map(_cells_of, text))


@functools.lru_cache(maxsize=4096)
def _cells_of(character: str) -> int:
    if unicodedata.category(character) in _NO_CELLS or "\u1160" <= character <= "\u11ff":
        return 0  # the second range: vowels and finals of Hangul, drawn into the cells before them
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, width: int, *, keep_end: bool = False) -> str:
    """The text in at most `width` cells, with an ellipsis where some of it was cut off."""
    if cells(text) <= width:
        return text
    characters = text[::-1] if keep_end else text
    used, kept = 1, 0
    for character in characters:
        used += cells(character)
        if used > width:
            break
        kept += 1
    if width < 1:
        return ""
    return f"…{text[len(text) - kept :]}" if keep_end else f"{text[:kept]}…"


def column(text: str, width: int, *, right: bool = False, keep_end: bool = False) -> str:
    """The text in exactly `width` cells, cut or filled with blanks; as a column of a table."""
    text = cut(text, width, keep_end=keep_end)
    blanks = " " * (width - cells(text))
    return blanks + text if right else text + blanks


def real(value: object) -> float | None:
    """A number, or a text that says one, as a float; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def number(value: float | None, digits: int = 4) -> str:
    """A value with about `digits` significant digits: 0.9741, 1.2e-05, 12340, nan."""
    if value is None:
        return "-"
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 10**digits:
        decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
        text = f"{value:.{decimals}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    if 1e-4 <= abs(value) < 1e6:
        return f"{value:.0f}"
    mantissa, _, exponent = f"{value:.{digits - 2}e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def fixed(value: float | None, decimals: int = 4) -> str:
    """A value with a constant width, for columns: 0.9740; `-` if there is none."""
    return "-" if value is None else f"{value:.{decimals}f}" if math.isfinite(value) else str(value)


def count(value: int) -> str:
    """A count with thousands separated: 59,338."""
    return f"{value:,}"


def counted(number: int, thing: str) -> str:
    """A number of things in words: 1 lane, 2 lanes."""
    return f"{count(number)} {thing}{'s' * (number != 1)}"


def duration(seconds: float | None) -> str:
    """A duration for people: 4.2 s, 38 s, 12:07, 3:05:10; from two days on 3d 7h, 120d."""
    if seconds is None or not math.isfinite(seconds):
        return "-"
    if seconds < 9.95:  # rounds to 9.9
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= _HOURS_IN_DAYS:
        days, hours = divmod(hours, 24)
        return f"{days}d {hours}h" if days < 100 else f"{count(days)}d"
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def file_size(size: int) -> str:
    """A number of bytes for people, in powers of 1000: 832 B, 1.2 MB."""
    for limit, unit in ((1e3, "B"), (1e6, "kB"), (1e9, "MB"), (1e12, "GB")):
        if size < limit:
            return f"{number(size / (limit / 1e3), 3)} {unit}"
    return f"{number(size / 1e12, 3)} TB"


def day_and_time(seconds: float) -> str:
    """The local time, such as 2026-11-23 14:05, of seconds since the epoch; "" if there is none."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
    except (OverflowError, OSError, ValueError):
        return ""


def clock(seconds: float) -> str:
    """The local time of day, such as 14:05, of seconds since the epoch; `--:--` if there is
    none."""
    try:
        return time.strftime("%H:%M", time.localtime(seconds))
    except (OverflowError, OSError, ValueError):
        return "--:--"
