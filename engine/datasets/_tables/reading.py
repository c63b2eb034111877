"""Read a table: its delimiter, whether its first row has names, and its cells by column."""

import csv
import io
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Literal
from zlib import crc32

from msgspec import Struct

from engine.datasets import _user_files
from engine.datasets._tables import cells
from presets import ConfigError

MAX_BYTES = 64 * _user_files.MEBIBYTE
MAX_COLUMNS = 4096
Header = Literal["auto", "yes", "no"]

_BEGINNING = 64 * 1024
"""Bytes by which the form of a table is told."""
_FEW = 20  # lines by which the form is told at least
_DELIMITERS = ",;\t|"
_PARTS, _VAL, _TEST = 20, 3, 6  # 15 % for validation, 15 % for the test
_COUNTING = 3  # so many names that count on are no row of numbers


class Form(Struct, frozen=True):
    """How a table is written."""

    delimiter: str
    header: bool
    why: str
    """What the first row was taken for and why, "" where there is no doubt."""
    names: list[str]
    """The names of all columns; one without a name is called by its number: "column 3"."""
    unnamed: frozenset[int]
    """The places of the columns that have no name."""
    cut: bool
    """Whether each row ends with a delimiter, after which nothing stands."""


class Table(Struct, frozen=True):
    """Cells by column, as written but for blanks around them."""

    form: Form
    columns: list[list[str]]
    lines: list[int]
    """The number of each row in the file, counted from 1 and without its line breaks."""


def split_of(row: int) -> str:
    """The split of a row, counted from 0: a hash of its number, so that it stays where it is when
    rows are added."""
    place = crc32(b"%d" % row) % _PARTS
    return "val" if place < _VAL else "test" if place < _TEST else "train"


def read(path: Path, header: Header) -> Table:
    """Read a table whose form its beginning tells. ConfigError names row, counted from 1, and
    column."""
    text = _user_files.read_text(path, most=MAX_BYTES)
    where = f"dataset.path: {str(path)!r}"
    end = max(_BEGINNING, _first_rows(text))  # a table may be very wide
    form = _form(_head(text[:end], whole=len(text) <= end), header)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=form.delimiter, strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise ConfigError(f"{where}: line {reader.line_num}: {error}") from None
    _check_names(form, where)
    numbered = [(number, row) for number, row in enumerate(rows, start=1) if row]
    del numbered[: int(form.header)]
    width = len(form.names) + form.cut
    for number, row in numbered:
        if len(row) != width or (form.cut and row[-1].strip()):
            raise ConfigError(
                f"{where}: row {number} has {len(row)} cells; expected {len(form.names)}, as "
                f"{'the header' if form.header else 'the first row'}"
            )
    columns: list[list[str]] = [[] for _ in form.names]
    for _, row in numbered:
        for column, cell in zip(columns, row, strict=False):  # a row may be cut
            column.append(cell.strip())
    return Table(form, columns, [number for number, _ in numbered])


def beginning(path: Path, header: Header, rows: int) -> tuple[list[str], list[list[str]]]:
    """The names of the columns and the first rows, whatever is in them. ConfigError if the file
    cannot be opened."""
    size = path.stat().st_size
    text = _head(_user_files.beginning(path, most=_BEGINNING), whole=size <= _BEGINNING)
    form = _form(text, header)
    found = _rows(text, form.delimiter, rows + form.header)[form.header :]
    return form.names, found


def _first_rows(text: str) -> int:
    """Where the first few lines of a text end."""
    end = 0
    for _ in range(_FEW):
        end = text.find("\n", end) + 1
        if not end:
            return len(text)
    return end


def _head(text: str, *, whole: bool) -> str:
    """The beginning of a text; if that is not the whole, up to the end of a line."""
    return text if whole else text.rpartition("\n")[0] or text


def _rows(text: str, delimiter: str, most: int | None = None) -> list[list[str]]:
    """Rows that are no empty lines, as far as they can be read."""
    found: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    with suppress(csv.Error):  # it is said when the whole is read
        found.extend(islice((row for row in reader if row), most))
    return found


def _form(text: str, header: Header) -> Form:
    delimiter = _delimiter(text)
    rows = [[cell.strip() for cell in row] for row in _rows(text, delimiter)]
    first, *rest = rows or [[]]
    width = len(first)
    cut = False
    if header != "no" and rest and {len(row) for row in rest} == {width + 1}:
        # Names for all columns but one: the last one is nothing, or the first one numbers the rows.
        cut = not any(row[-1] for row in rest)
        first = first if cut else ["", *first]
    elif rest and all(len(row) == width and not row[-1] for row in rows) and width > 1:
        cut, first = True, first[:-1]
    found, why = (header == "yes", "") if header != "auto" else _has_names(first, rest)
    names = first if found else [""] * len(first)
    unnamed = frozenset(place for place, name in enumerate(names) if not name)
    names = [name or f"column {place + 1}" for place, name in enumerate(names)]
    return Form(delimiter, found, why, names, unnamed, cut)


def _delimiter(text: str) -> str:
    """The one that divides all rows into as many cells, in which, decimal commas apart, no other
    one is left; where that tells nothing, the one that the first row has most of."""
    first = text.lstrip("\n").partition("\n")[0]

    def fitness(delimiter: str) -> tuple[bool, float, int]:
        rows = _rows(text, delimiter, 100)
        widths = {len(row) for row in rows[1:]} or {len(row) for row in rows}
        fits = len(widths) == 1 and min(widths) > 1 and len(rows[0]) > 1
        written = [cell.strip() for row in rows[1:] for cell in row]
        clean = sum(not set(cell) & set(_DELIMITERS) or _is_number(cell) for cell in written)
        return fits, clean / max(1, len(written)) if fits else 0.0, first.count(delimiter)

    return max(_DELIMITERS, key=fitness)


def _is_number(cell: str) -> bool:
    return cells.numbers([cell], ".") is not None or cells.numbers([cell], ",") is not None


def _has_names(first: Sequence[str], rest: Sequence[Sequence[str]]) -> tuple[bool, str]:
    """Whether the first row has the names of the columns, by how these go on below it; and why,
    where that is no matter of course."""
    numeric, recurs = [], []
    for place, name in enumerate(first):
        below = [
            row[place] for row in rest if place < len(row) and not cells.is_missing(row[place])
        ]
        if not below:
            continue
        of_numbers = all(map(_is_number, below)) or all(map(cells.looks_like_date, below))
        like = _is_number(name) or cells.looks_like_date(name)
        if of_numbers and name and not like:
            return True, ""
        if of_numbers and like:
            numeric.append(name)
        elif name and name in below:
            recurs.append(name)
    how = "dataset.header=yes takes it for names"
    if recurs:
        return False, f"no header: {recurs[0]!r:.30} of the first row occurs again; {how}"
    if numeric and not _count_on(numeric):
        return False, f"no header: the first row has numbers as those below have; {how}"
    if not any(first):
        return True, ""
    return True, "header: the first row is taken for names; dataset.header=no takes it for data"


def _count_on(names: Sequence[str]) -> bool:
    """Whether names are numbers such as 0, 1, 2 or 1990, 1991, 1992, as of years."""
    if len(names) < _COUNTING or not all(name.isascii() and name.isdigit() for name in names):
        return False
    begin = int(names[0])
    return [int(name) for name in names] == list(range(begin, begin + len(names)))


def _check_names(form: Form, where: str) -> None:
    names = form.names
    if len(names) < 2:
        if not names or not any(names):
            raise ConfigError(f"{where}: expected a header with the names of the columns")
        raise ConfigError(
            f"{where}: has 1 column; expected at least 2, separated by comma, semicolon, tab or |"
        )
    if len(names) > MAX_COLUMNS:
        raise ConfigError(f"{where}: has {len(names)} columns; expected at most {MAX_COLUMNS}")
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ConfigError(
                f"{where}: the header has {name!r} twice; dataset.header=no if it is no header"
            )
