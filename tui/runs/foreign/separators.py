"""Find out how a table separates its columns, and read its rows; pure."""

import csv
import re
from collections.abc import Sequence

from tui.runs.foreign.values import number

DELIMITERS = (",", ";", "\t", "|", " ")
"""A space stands for any white space."""
SAMPLE_LINES = 50
"""Number of lines that decide."""

Row = list[str]


def decoded(line: bytes) -> str:
    """A line as text; what is not UTF-8 is read as Windows' western letters."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")


def split(text: str, delimiter: str) -> Row:
    """The cells of a line; [] if it is not a row, as with a quotation mark that is never closed."""
    if delimiter == " ":
        return text.split()
    if delimiter == "|":
        text = text.strip().removeprefix("|").removesuffix("|") if _boxed(text) else text
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True, skipinitialspace=True), [])
    except csv.Error:
        return []


def _boxed(text: str) -> bool:
    return text.startswith("|") and text.rstrip().endswith("|")


def is_rule(text: str) -> bool:
    """Whether a line only draws the border of a table: `|---|---|` or `+-----+`."""
    return re.fullmatch(r"[\s|+=:-]*[-=][\s|+=:-]*", text) is not None and not text.strip(
        "-+=|: \t"
    )


def delimiter_of(lines: Sequence[str]) -> str:
    """The delimiter that splits the first line, and most of the others into as many cells."""
    lines = [line for line in lines[:SAMPLE_LINES] if line.strip() and not is_rule(line)]
    if not lines:
        return ","

    def score(delimiter: str) -> tuple[bool, float, bool, int]:
        widths = [len(split(line, delimiter)) for line in lines]
        first = widths[0]
        if delimiter == " " and (len(lines) < 2 or not _numeric(split(lines[1], " "))):
            return False, 0.0, False, 0
        alike = sum(width in (first, first + 1) for width in widths) / len(widths)
        middle = sorted(widths)[len(widths) // 2]
        agreed = 1 < middle <= first + 1
        return first > 1 and agreed, round(alike, 1), delimiter != " ", first

    return max(DELIMITERS, key=score)


def _numeric(cells: Row) -> bool:
    return len(cells) > 1 and any(number(cell) is not None for cell in cells)


def read_header(line: bytes, following: Sequence[bytes] = ()) -> Row:
    """The names of the columns in the first line of a table; [] if it is not one."""
    texts = [decoded(each).removeprefix("\ufeff").strip("\r\n") for each in (line, *following)]
    return [name.strip() for name in split(texts[0], delimiter_of(texts))]


def unique(names: Sequence[str]) -> Row:
    """The names, with a number behind each that occurred before: loss, loss.2."""
    taken: set[str] = set()
    found = []
    for name in names:
        base, count, chosen = name, 1, name
        while chosen and chosen in taken:
            count += 1
            chosen = f"{base}.{count}"
        taken.add(chosen)
        found.append(chosen)
    return found
