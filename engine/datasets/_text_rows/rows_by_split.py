"""The rows of all files of a data set, by split."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.datasets import _user_files
from engine.datasets._tables import reading
from engine.datasets._text_rows import columns, format_detection, split_files
from engine.datasets._text_rows.columns import Given, Role
from engine.datasets._text_rows.row_file import Cells, RowFile, fault
from engine.datasets._text_rows.side_by_side import SideBySide
from engine.datasets._text_rows.split_files import SPLITS
from presets import ConfigError, UserError
from presets.regular_files import open_regular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIN_ROWS = 40
"""Enough for every split to have rows; see `reading.split_of`."""
_BLOCK = 2**20

Chosen = tuple[tuple[int, ...], ...]
"""The columns of each role in a file."""


class Rows:
    """The rows of one split. Only their places are in memory; a row is read when it is asked
    for."""

    def __init__(self, files: Sequence[tuple[RowFile, Chosen]]) -> None:
        self._files = files
        self._file, self._line = array("h"), array("q")
        self._place, self._size = array("q"), array("q")
        self.kept: list[str] = []
        """The cells of the last role, where `opened` was told to keep them."""

    def __len__(self) -> int:
        return len(self._place)

    def __getitem__(self, row: int) -> tuple[str, ...]:
        """The text of each role."""
        file, chosen = self._files[self._file[row]]
        return _texts(file.read(self._place[row], self._size[row]), chosen)

    def add(self, file: int, place: int, size: int, line: int) -> None:
        """One row more."""
        self._file.append(file)
        self._place.append(place)
        self._size.append(size)
        self._line.append(line)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """The bytes of each row in its file, (rows,)."""
        import numpy as np

        return np.array(self._size, dtype=np.int64)

    @property
    def num_bytes(self) -> int:
        """The bytes of all rows."""
        return sum(self._size)

    def fault(self, row: int, what: str) -> UserError:
        """The error, in one line, of a row."""
        return fault(self._files[self._file[row]][0].path, self._line[row], what)

    def fingerprint(self) -> str:
        """SHA-256 of the files and of where the rows are in them."""
        digest = hashlib.sha256()
        for file, chosen in self._files:
            digest.update(repr(chosen).encode())
            with open_regular(file.path) as opened:
                while block := opened.read(_BLOCK):
                    digest.update(block)
        for numbers in (self._file, self._place):
            digest.update(numbers.tobytes())
        return digest.hexdigest()


class Table:
    """A data set of rows: those of each split, what was made of the files, and what was left
    out."""

    def __init__(
        self, key: Hashable, splits: dict[str, Rows], notes: list[str], cautions: list[str]
    ) -> None:
        """`key` says which files, as they were, and which columns it is made from."""
        self.key = key
        self.splits = splits
        self.notes = tuple(notes)
        self.cautions = tuple(cautions)


def opened(
    path: str,
    roles: Sequence[Role],
    given: Mapping[str, Given],
    *,
    target_path: str = "",
    keep: bool = False,
) -> Table:
    """The rows of a file or folder, with a text for each of the roles; `given` are the columns that
    a person says. With `target_path`, two text files side by side. `keep`: the cells of the last
    role stay in memory, such as labels.

    Rows that lack something are left out. Raises UserError, in one line. Remembered while the files
    do not change.
    """
    found = _user_files.located(path, "a file or folder of texts")
    if target_path:
        target = _user_files.located(target_path, "a text file", key="dataset.target_path")
        for each, key in ((found, "path"), (target, "target_path")):
            if each.is_dir():
                raise ConfigError(f"dataset.{key}: expected a text file, got the folder {each}")
        files, notes = {"train": [found]}, [f"each line with that of {target.name}"]
    else:
        target = None
        files, notes = split_files.files(found)
    facts = tuple(_facts(file) for several in files.values() for file in several)
    if target:
        facts += (_facts(target),)
    made_from = (__name__, facts, tuple(roles), tuple(sorted(given.items())), keep)

    def read() -> Table:
        splits, cautions = _read(files, target, roles, given, keep=keep, notes=notes)
        return Table(made_from, splits, notes, cautions)

    return _user_files.remembered_by(made_from, read)


def _facts(file: Path) -> tuple[object, ...]:
    try:
        facts = file.stat()
    except OSError as error:
        raise _user_files.unreadable(file, error) from None
    return file.absolute(), facts.st_size, facts.st_mtime_ns


def _read(
    files: Mapping[str, Sequence[Path]],
    target: Path | None,
    roles: Sequence[Role],
    given: Mapping[str, Given],
    *,
    keep: bool,
    notes: list[str],
) -> tuple[dict[str, Rows], list[str]]:
    """The rows by split, with cautions; `notes` grow."""
    usable: list[tuple[RowFile, Chosen]] = []
    split_of_file: list[str] = []
    cautions: list[str] = []
    for split, several in files.items():
        for path in several:
            file: RowFile = (
                SideBySide(path, target) if target else format_detection.opened(path, roles, given)
            )
            try:
                chosen = columns.choose(
                    roles, given, file.names, first=None if file.header else file.first
                )
            except ConfigError as error:
                if split == "train":
                    raise
                cautions.append(f"{path.name} is passed over ({error})")
                continue
            if not usable:
                notes += _said(file, roles, chosen)
                if file.header:  # those of the other files have the same names
                    given = {
                        key: tuple(file.names[at] for at in places)
                        for key, places in chosen.items()
                    }
            usable.append((file, tuple(chosen[role.key] for role in roles)))
            split_of_file.append(split)
    splits = {split: Rows(usable) for split in SPLITS}
    without = [split for split in SPLITS if split not in split_of_file]
    lacking = _scan(splits, usable, split_of_file, set(without), keep)
    notes += [f"{split} is taken from the rows by a hash of their number" for split in without]
    if lacking:
        cautions.append(f"rows that lack something, left out: {lacking}")
    _check(splits, usable[0][0].path)
    return splits, cautions


def _scan(
    splits: Mapping[str, Rows],
    usable: Sequence[tuple[RowFile, Chosen]],
    split_of_file: Sequence[str],
    without: set[str],
    keep: bool,
) -> int:
    """Find all rows; how many were left out. Splits that have no file take theirs from training."""
    number = lacking = 0
    known: dict[str, str] = {}  # a label that occurs often is one text in memory
    for place, (file, chosen) in enumerate(usable):
        for found in _rows(file):
            texts = _texts(found.cells, chosen)
            split = split_of_file[place]
            if split == "train":
                hashed = reading.split_of(number)
                split = hashed if hashed in without else "train"
                number += 1
            if not all(texts):
                lacking += 1
                continue
            splits[split].add(place, found.place, found.size, found.line)
            if keep:
                splits[split].kept.append(known.setdefault(texts[-1], texts[-1]))
    return lacking


def _rows(file: RowFile) -> Iterator[Cells]:
    try:
        yield from file.rows()
    except OSError as error:
        raise _user_files.unreadable(file.path, error) from None


def _texts(cells: Sequence[str], chosen: Chosen) -> tuple[str, ...]:
    return tuple(" ".join(filter(None, (cells[at].strip() for at in each))) for each in chosen)


def _said(file: RowFile, roles: Sequence[Role], chosen: Mapping[str, tuple[int, ...]]) -> list[str]:
    if isinstance(file, SideBySide):
        return []
    what = "" if file.header else "column "
    told = [
        f"{role.key} is {what}{' and '.join(file.names[at] for at in chosen[role.key])}"
        for role in roles
    ]
    return ["; ".join(told)]


def _check(splits: Mapping[str, Rows], path: Path) -> None:
    total = sum(map(len, splits.values()))
    for split, rows in splits.items():
        if len(rows) < 2 or total < MIN_ROWS:
            raise ConfigError(
                f"dataset.path: {str(path)!r} gives {total} rows, of which {split} gets "
                f"{len(rows)}; expected at least {MIN_ROWS} in all and 2 in each split"
            )
