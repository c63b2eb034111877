"""Tables in text files, with columns of numbers and of words; without torch and NumPy."""

import csv
import io
from itertools import islice
from pathlib import Path
from zlib import crc32

from msgspec import Struct

from engine.datasets import _files
from presets import ConfigError

MAX_BYTES = 64 * _files.MEBIBYTE
MAX_COLUMNS = 4096
MAX_WORDS = 64
"""Maximum number of different texts in a column of words."""
MAX_CLASSES = 1000
MIN_ROWS = 40
"""Enough for every split to have rows; see `split_of`."""

MAX_NUMBER = 1e30
"""Largest magnitude of a number: finite as float32, and its square as float64."""

_PREVIEW_BYTES = 64 * 1024
"""Size of the beginning of a file from which the first rows are shown."""
_DELIMITERS = ",;\t"
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "?"})
_PARTS, _VAL, _TEST = 20, 3, 6  # 15 % for validation, 15 % for the test


class Table(Struct, frozen=True):
    """A table by columns, without missing values; all columns have the same number of cells."""

    names: list[str]
    columns: list[list[str]]


def split_of(row: int) -> str:
    """The split of a row, counted from 0, by a hash of its number, so that rows which are added
    later leave it where it is."""
    place = crc32(b"%d" % row) % _PARTS
    return "val" if place < _VAL else "test" if place < _TEST else "train"


def read(path: Path) -> Table:
    """Read a table with a header. Its delimiter is comma, semicolon or tab, whichever is the most
    frequent one in the header. Raises ConfigError with column and row, where 1 is the header."""
    text = _files.read_text(path, most=MAX_BYTES)
    where = f"dataset.path: {str(path)!r}"
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise ConfigError(f"{where}: line {reader.line_num}: {error}") from None
    if not rows or not rows[0]:
        raise ConfigError(f"{where}: expected a header with the names of the columns")
    names = [name.strip() for name in rows[0]]
    _check_names(names, where)
    columns: list[list[str]] = [[] for _ in names]
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue  # an empty line
        if len(row) != len(names):
            raise ConfigError(
                f"{where}: row {number} has {len(row)} cells; expected {len(names)}, as the header"
            )
        for name, column, cell in zip(names, columns, row, strict=True):
            value = cell.strip()
            if problem := _problem(value):
                raise ConfigError(
                    f"{where}: row {number}, column {name!r}: {problem}, got {cell!r:.40}"
                )
            column.append(value)
    if len(columns[0]) < MIN_ROWS:
        raise ConfigError(
            f"{where}: has {len(columns[0])} rows; expected at least {MIN_ROWS} after the header"
        )
    return Table(names, columns)


def beginning(path: Path, rows: int) -> tuple[list[str], list[list[str]]]:
    """The header and the first rows of a table, whatever is in them. Raises ConfigError if the file
    cannot be opened."""
    text = _files.beginning(path, most=_PREVIEW_BYTES)
    whole = text if len(text.encode()) < _PREVIEW_BYTES else text.rpartition("\n")[0]
    reader = csv.reader(io.StringIO(whole, newline=""), delimiter=_delimiter(whole))
    header, *found = [row for row in islice(reader, rows + 1) if row] or [[]]
    return header, found


def _delimiter(text: str) -> str:
    return max(_DELIMITERS, key=text.partition("\n")[0].count)


def _problem(value: str) -> str:
    """The reason why a cell cannot be used, "" if it can."""
    if value.lower() in _MISSING:
        return "missing value"
    try:
        if abs(float(value)) > MAX_NUMBER:
            return f"expected a number up to {MAX_NUMBER:g}"
    except ValueError:
        pass  # a word
    return ""


def _check_names(names: list[str], where: str) -> None:
    if len(names) < 2:
        raise ConfigError(
            f"{where}: has 1 column; expected at least 2, separated by comma, semicolon or tab"
        )
    if len(names) > MAX_COLUMNS:
        raise ConfigError(f"{where}: has {len(names)} columns; expected at most {MAX_COLUMNS}")
    for number, name in enumerate(names):
        if not name:
            raise ConfigError(f"{where}: column {number + 1} has no name in the header")
        if name in names[:number]:
            raise ConfigError(f"{where}: the header has {name!r} twice")


def numbers(column: list[str]) -> list[float] | None:
    """The numbers of a column; None if a cell is not a number."""
    try:
        return [float(cell) for cell in column]
    except ValueError:
        return None


def words(column: list[str], name: str, where: str) -> list[str]:
    """The different texts of a column, sorted. Raises ConfigError if there are too many."""
    different = sorted(set(column))
    if len(different) > MAX_WORDS:
        first = next(cell for cell in column if numbers([cell]) is None)
        raise ConfigError(
            f"{where}: column {name!r} has {len(different)} different texts, such as "
            f"{first!r:.40}; expected numbers or at most {MAX_WORDS} texts; dataset.ignore leaves "
            "a column out"
        )
    return different
