"""Windows of a file of tokens, read when a batch is made of them: a `registry.Source`."""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from engine.config.registry import Split
from engine.datasets._token_files import index
from engine.datasets._token_files.index import Index
from engine.runs.safe_file_access import open_regular
from presets import UserError


class TokenFile:
    """The tokens of one split on the disk.

    They are read, not mapped: pages that were mapped count as memory of the process until others
    need it, and a file that becomes shorter would end the process instead of being told.
    """

    def __init__(self, folder: Path, index_of: Index, split: str) -> None:
        """Raises UserError if the file cannot be opened."""
        self.path = index.file_of(folder, split)
        try:
            self._file: BinaryIO = open_regular(self.path)
        except OSError as error:
            raise UserError(f"{self.path}: cannot be read ({error.strerror or error})") from None
        self.tokens = index_of.parts[split].tokens
        self.sha256 = index_of.parts[split].sha256
        self._symbols = index_of.symbols
        self._dtype = np.dtype(f"<u{index_of.item_bytes}")

    def read(self, begins: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        """The tokens from these places on, int64 (len(begins), length). Raises UserError if the
        file is damaged."""
        rows = np.empty((len(begins), length), self._dtype)
        number, size = self._file.fileno(), self._dtype.itemsize
        for row, begin in zip(rows, begins.tolist(), strict=True):
            if os.preadv(number, [row], begin * size) != row.nbytes:
                raise UserError(f"{self.path}: became shorter while it was read")
        if rows.size and int(rows.max()) >= self._symbols:
            raise UserError(
                f"{self.path}: is damaged; it has the token {rows.max()}, and the vocabulary "
                f"{self._symbols}"
            )
        return rows.astype(np.int64)


class TokenWindows:
    """Windows of a file, of `length` tokens each; what is to be predicted is one place on."""

    lengths = None
    """All have one length."""

    def __init__(self, file: TokenFile, length: int, *, count: int, offset: int = 0) -> None:
        """`count` windows that do not overlap, spread evenly over the file from `offset` on."""
        self._file = file
        self._length = length
        self._count = count
        self._offset = offset
        self._whole = (file.tokens - 1 - offset) // length

    def __len__(self) -> int:
        return self._count

    def batch(self, index: NDArray[np.int64]) -> Split:
        """x and y, int64 (len(index), length)."""
        begins = self._offset + index * self._whole // self._count * self._length
        rows = self._file.read(begins, self._length + 1)
        return Split(np.ascontiguousarray(rows[:, :-1]), np.ascontiguousarray(rows[:, 1:]))

    def fingerprint(self) -> str:
        """SHA-256 of the file's own, and of where the windows are."""
        facts = (self._file.sha256, self._length, self._count, self._offset)
        return hashlib.sha256(repr(facts).encode()).hexdigest()
