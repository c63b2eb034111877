"""Parquet, through pyarrow."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator, Sequence
from importlib import util
from pathlib import Path
from typing import Any

from engine.datasets._text_rows.json_lines import as_text, flat
from engine.datasets._text_rows.row_file import Cells, fault
from presets import ConfigError, UserError

_GROUPS = 4
"""Groups of rows that stay in memory: rows that are asked for one after the other are often in the
same one."""


class Parquet:
    """A file whose rows are read a group at a time."""

    def __init__(self, path: Path) -> None:
        if util.find_spec("pyarrow") is None:
            raise ConfigError(
                "dataset.path: parquet needs pyarrow; pip install 'bigmodel-tui[parquet]'"
            )
        self.path = path
        self.header = True
        self.first: Sequence[Sequence[str]] = ()
        self._file = _opened(path)
        first = next(iter(self._file.iter_batches(batch_size=1)), None)
        if first is None:
            raise fault(path, 1, "has no rows")
        self.names = list(flat(first.to_pylist()[0]))
        ends = [0]
        for group in range(self._file.num_row_groups):
            ends.append(ends[-1] + self._file.metadata.row_group(group).num_rows)
        self._begins = ends
        self._group = functools.lru_cache(_GROUPS)(self._read_group)

    def rows(self) -> Iterator[Cells]:
        row = 0
        for batch in self._file.iter_batches(batch_size=1024):
            for each in batch.to_pylist():
                cells = self._cells(each)
                yield Cells(row, sum(map(len, cells)), row + 1, cells)
                row += 1

    def read(self, place: int, size: int) -> Sequence[str]:
        group = max(at for at, begin in enumerate(self._begins) if begin <= place)
        table = self._group(group)
        return self._cells(table.slice(place - self._begins[group], 1).to_pylist()[0])

    def _read_group(self, group: int) -> Any:
        return self._file.read_row_group(group)

    def _cells(self, row: dict[str, Any]) -> list[str]:
        found = flat(row)
        return [as_text(found.get(name)) for name in self.names]


def _opened(path: Path) -> Any:
    parquet = importlib.import_module("pyarrow.parquet")  # a package without types
    errors = importlib.import_module("pyarrow.lib").ArrowException
    try:
        return parquet.ParquetFile(path)
    except (OSError, errors) as error:
        said = " ".join(str(error).split())
        raise UserError(f"dataset.path: {str(path)!r} is no parquet file ({said:.120})") from None
