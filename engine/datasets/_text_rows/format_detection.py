"""What kind a file is, and the names of its columns."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.datasets import _user_files
from engine.datasets._text_rows import columns
from engine.datasets._text_rows.columns import Given, Role
from engine.datasets._text_rows.delimited import Delimited, reader
from engine.datasets._text_rows.json_lines import JsonLines, flat, parsed
from engine.datasets._text_rows.parquet import Parquet
from engine.datasets._text_rows.row_file import MAX_RECORD, RowFile, fault
from engine.datasets._text_rows.split_files import ENDINGS
from engine.runs.safe_file_access import open_regular
from presets import ConfigError

_DELIMITERS = ",\t;|"
_LINES = 50
_BEGINNING = 2**18


def opened(path: Path, roles: Sequence[Role], given: Mapping[str, Given]) -> RowFile:
    """The rows of a file, by its ending. Raises ConfigError, in one line, for another one."""
    match path.suffix.lower():
        case ".csv" | ".tsv" | ".txt":
            return _delimited(path, roles, given)
        case ".jsonl" | ".ndjson" | ".json":
            return JsonLines(path, _keys(path))
        case ".parquet":
            return Parquet(path)
    raise ConfigError(
        f"dataset.path: {str(path)!r} is no file of rows; expected one of {', '.join(ENDINGS)}"
    )


def _delimited(path: Path, roles: Sequence[Role], given: Mapping[str, Given]) -> RowFile:
    text = _user_files.beginning(path, most=_BEGINNING)
    if not text.strip():
        raise ConfigError(f"dataset.path: {str(path)!r} is empty")
    tabs = path.suffix.lower() == ".tsv"
    delimiter = "\t" if tabs else max(_DELIMITERS, key=lambda each: _fitness(text, each))
    first = _beginning(text, delimiter, _LINES)
    return Delimited(path, delimiter, first, header=columns.is_header(first, roles, given))


def _fitness(text: str, delimiter: str) -> tuple[bool, int]:
    """Whether a delimiter divides the first rows into as many cells, more than one, and how many
    rows that are."""
    rows = _beginning(text, delimiter, _LINES)
    widths = [len(row) for row in rows]
    alike = next((at for at, width in enumerate(widths) if width != widths[0]), len(widths))
    return widths[0] > 1 and alike == len(widths), alike if widths[0] > 1 else 0


def _beginning(text: str, delimiter: str, most: int) -> list[list[str]]:
    """The first rows, without the last one, which may be cut; at least one."""
    found: list[list[str]] = []
    try:
        for row in reader(text.splitlines(keepends=True), delimiter):
            if row:
                found.append(row)
            if len(found) > most:
                break
    except csv.Error:
        pass  # it is said when the whole is read
    return found[:-1][:most] or found[:1] or [[]]


def _keys(path: Path) -> list[str]:
    """The names in the first line of JSON."""
    try:
        with open_regular(path) as file:
            for line, data in enumerate(iter(lambda: file.readline(MAX_RECORD), b""), start=1):
                if data.lstrip(b"\xef\xbb\xbf \t").startswith(b"["):
                    raise fault(path, line, "is a list; expected one JSON object a line")
                if data.strip():
                    return list(flat(parsed(data, path, line)))
    except OSError as error:
        raise _user_files.unreadable(path, error) from None
    raise ConfigError(f"dataset.path: {str(path)!r} is empty")
