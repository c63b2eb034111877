"""Tables of recordings: a header, and a row for each, in CSV or TSV."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from engine.datasets import _user_files
from presets import ConfigError

MAX_BYTES = 256 * _user_files.MEBIBYTE


def rows(
    path: Path,
    columns: Mapping[str, Sequence[str]],
    optional: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[tuple[int, dict[str, str]]]:
    """The number of each line, counted from 1, and its cells by the keys of `columns`, which give
    the names that the column may have in the header. ConfigError, in one line, names what is
    missing and where."""
    text = _user_files.read_text(path, most=MAX_BYTES)
    where = f"dataset.path: {str(path)!r}"
    tabs = "\t" in text.partition("\n")[0]
    # Quotes are letters in TSV: Common Voice has sentences that begin with one.
    quoting: Literal[0, 3] = csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter="\t" if tabs else ",", quoting=quoting)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        places = _places(where, header, columns, optional or {})
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) <= max(places.values()):
                raise ConfigError(
                    f"{where} line {reader.line_num}: expected {len(header)} cells, got {len(row)}"
                )
            yield reader.line_num, {key: row[place].strip() for key, place in places.items()}
    except csv.Error as error:
        raise ConfigError(f"{where} line {reader.line_num}: {error}") from None


def _places(
    where: str,
    header: Sequence[str],
    columns: Mapping[str, Sequence[str]],
    optional: Mapping[str, Sequence[str]],
) -> dict[str, int]:
    places: dict[str, int] = {}
    for key, names in {**columns, **optional}.items():
        found = [header.index(name) for name in names if name in header]
        if found:
            places[key] = found[0]
        elif key in columns:
            raise ConfigError(
                f"{where} line 1: expected a column {' or '.join(names)}, got {', '.join(header)}"
            )
    return places
