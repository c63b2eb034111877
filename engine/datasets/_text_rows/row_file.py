"""What a file of rows is: where each row begins, and how it is read again from there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from engine.runs.safe_file_access import open_regular
from presets import UserError

MAX_RECORD = 2**24
"""The largest row, in bytes: a longer one has lost its closing quotation mark."""
MARK = b"\xef\xbb\xbf"


class Cells(NamedTuple):
    """A row with its place in the file: the byte that it begins at (in parquet the number of the
    row), its size in bytes, and its line, counted from 1."""

    place: int
    size: int
    line: int
    cells: Sequence[str]


class RowFile(Protocol):
    """A file of rows."""

    path: Path
    names: list[str]
    """The names of its columns, or their numbers."""
    header: bool
    """Whether the names are those of the file."""
    first: Sequence[Sequence[str]]
    """Some of its first rows, where it has no names."""

    def rows(self) -> Iterator[Cells]:
        """All rows from the first on. Raises UserError that names the line."""

    def read(self, place: int, size: int) -> Sequence[str]:
        """A row again."""


class Opened:
    """A file that is read at any place; threads may share it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None

    def at(self, place: int, size: int) -> bytes:
        if self._file is None:
            self._file = open_regular(self.path)
        data = os.pread(self._file.fileno(), size, place)
        if len(data) < size:
            raise self.changed()
        return data

    def changed(self) -> UserError:
        return UserError(f"dataset.path: {str(self.path)!r} has changed while it was read")


def fault(path: Path, line: int, what: str) -> UserError:
    """The error of a line, in one line."""
    return UserError(f"dataset.path: {str(path)!r}, line {line}: {what}")


def decoded(data: bytes, path: Path, line: int) -> str:
    """The text of a line. Raises UserError if it is not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        byte = data[error.start]
        raise fault(
            path, line, f"expected UTF-8 text, but byte {error.start + 1} is 0x{byte:02x}"
        ) from None
