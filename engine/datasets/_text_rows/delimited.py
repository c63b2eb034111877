"""CSV and TSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from engine.datasets._text_rows.row_file import MARK, MAX_RECORD, Cells, Opened, decoded, fault
from engine.runs.safe_file_access import open_regular


class Delimited:
    """CSV with quotation marks, or TSV without."""

    def __init__(
        self, path: Path, delimiter: str, first: Sequence[Sequence[str]], *, header: bool
    ) -> None:
        """`first` are its first rows, of which the first one may be the header."""
        self.path = path
        self.header = header
        self.first: Sequence[Sequence[str]] = first[int(header) :]
        self.names = [name if header else str(at) for at, name in enumerate(first[0], start=1)]
        self._delimiter = delimiter
        self._open = Opened(path)

    def rows(self) -> Iterator[Cells]:
        with open_regular(self.path) as file:
            counted = _Counted(file, self.path)
            table = reader(counted, self._delimiter)
            begin, line = counted.place, 1
            try:
                for number, cells in enumerate(table):
                    if cells and not (number == 0 and self.header):
                        self._check(cells, line)
                        yield Cells(begin, counted.place - begin, line, cells)
                    begin, line = counted.place, table.line_num + 1
                    if number == 0 and not cells and self.header:
                        raise fault(self.path, line, "expected the names of the columns")
            except csv.Error as error:
                raise fault(self.path, line, str(error)) from None

    def _check(self, cells: Sequence[str], line: int) -> None:
        if len(cells) != len(self.names):
            what = "the header" if self.header else "the first row"
            raise fault(
                self.path,
                line,
                f"has {len(cells)} cells; expected {len(self.names)}, as {what} has",
            )

    def read(self, place: int, size: int) -> Sequence[str]:
        data = self._open.at(place, size)
        try:
            cells: list[str] = next(reader([data.decode()], self._delimiter))
        except (UnicodeDecodeError, csv.Error, StopIteration):
            raise self._open.changed() from None
        if len(cells) != len(self.names):
            raise self._open.changed()
        return cells


class _Counted:
    """The lines of a file in UTF-8, with the place where the next one begins."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file, self._path = file, path
        self.place = 0
        self._line = 0

    def __iter__(self) -> _Counted:
        return self

    def __next__(self) -> str:
        data = self._file.readline(MAX_RECORD)
        if not data:
            raise StopIteration
        self._line += 1
        self.place += len(data)
        if self._line == 1:
            data = data.removeprefix(MARK)
        return decoded(data, self._path, self._line)


def reader(lines: Iterable[str], delimiter: str) -> Any:
    """A `csv.reader`; where tabs divide, a quotation mark is a sign like any other."""
    csv.field_size_limit(MAX_RECORD)
    if delimiter == "\t":
        return csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=delimiter, strict=True)
