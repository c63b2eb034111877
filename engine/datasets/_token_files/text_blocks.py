"""A text file of any size in blocks, which are read one at a time; without NumPy."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from engine.datasets import _user_files
from engine.runs.safe_file_access import open_regular
from presets import ConfigError

SplitName = Literal["train", "val", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "val", "test")

LARGEST = _user_files.MEBIBYTE
"""About the size of a block in bytes; a smaller file has at least 200, which are smaller."""
SMALLEST = 1024
EVERY = 20
"""Of so many blocks, one is for validation and one for the test; of more in a large file."""
MOST_HELD_OUT = 16
"""About the maximum number of blocks of a held-out split: more would never be looked at."""

_BLOCKS = 200
_SEARCHED = 4096  # bytes, for a place between two words
_MARK = b"\xef\xbb\xbf"  # the byte order mark of UTF-8
_BETWEEN_WORDS = re.compile(rb"(?<=\S)\s")
_PIECE = re.compile(r"(?s).{1,16383}(?:.(?=\s)(?<=\S)|\Z)|.{1,16384}")  # of a text, likewise


class Blocks:
    """The blocks of a UTF-8 text file, without its byte order mark and with plain newlines.

    They are cut in front of the blank or newline behind a word, so that a tokenizer that keeps
    words apart gives the symbols of the whole text. A text that has none, such as a Chinese one, is
    cut between characters.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        """Raises ConfigError for a file that is too small to be divided."""
        self._file = file
        self.path = path
        self.bytes = os.fstat(file.fileno()).st_size
        """The size of the file."""
        if self.bytes < EVERY * SMALLEST:
            raise ConfigError(
                f"{path}: has {self.bytes} bytes; expected at least {EVERY * SMALLEST} (the data "
                "set `text` takes smaller files as they are)"
            )
        self._block = max(SMALLEST, min(LARGEST, self.bytes // _BLOCKS))
        self._number = self.bytes // self._block
        self._every = max(EVERY, self._number // MOST_HELD_OUT)

    def __len__(self) -> int:
        return self._number

    def split(self, block: int) -> SplitName:
        """What a block is for: of every 20 (or more) the middle one for the test, the last one for
        validation."""
        place = block % self._every
        if place == self._every - 1:
            return "val"
        return "test" if place == self._every // 2 - 1 else "train"

    def raw(self, block: int) -> bytes:
        """The bytes of a block. All of them, in order, are those of the file."""
        begin, end = self._edge(block), self._edge(block + 1)
        self._file.seek(begin)
        data = self._file.read(end - begin)
        if len(data) != end - begin:
            raise ConfigError(f"{self.path}: became shorter while it was read")
        return data

    def text(self, block: int, data: bytes) -> str:
        """The text of a block with these bytes. Raises ConfigError if it is not UTF-8."""
        skipped = len(_MARK) if block == 0 and data.startswith(_MARK) else 0
        try:
            text = data[skipped:].decode()
        except UnicodeDecodeError as error:
            place = self._edge(block) + skipped + error.start
            raise ConfigError(
                f"{self.path}: is not UTF-8 text (byte {place} is "
                f"0x{data[skipped + error.start]:02x})"
            ) from None
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def training(self, tell: Callable[[int], None], most: int | None = None) -> Iterator[str]:
        """The texts of the training blocks, in order; with `most`, of blocks spread evenly over the
        file that have about so many bytes. `tell` gets the share that was read, in bytes of the
        file."""
        chosen = [block for block in range(len(self)) if self.split(block) == "train"]
        if most is not None:
            count = max(1, min(len(chosen), most // self._block))
            chosen = [chosen[place * len(chosen) // count] for place in range(count)]
        for done, block in enumerate(chosen, 1):
            yield self.text(block, self.raw(block))
            tell(self.bytes * done // len(chosen))

    def _edge(self, block: int) -> int:
        """The place in the file where a block begins, in bytes."""
        if block == 0:
            return 0
        if block == self._number:
            return self.bytes
        at = block * self._block
        self._file.seek(at - 1)
        data = self._file.read(min(_SEARCHED, self._block // 2))
        if (found := _BETWEEN_WORDS.search(data)) is not None:
            return at - 1 + found.start()
        inside = next((n for n, byte in enumerate(data[1:]) if byte & 0xC0 != 0x80), 0)
        return at + inside


def pieces(text: str) -> list[str]:
    """The text in pieces of up to 16,384 characters, cut as `Blocks` cuts."""
    return _PIECE.findall(text)


def opened(path: Path) -> BinaryIO:
    """A text file of a person. Raises ConfigError, in one line, if it cannot be read."""
    try:
        return open_regular(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from None
