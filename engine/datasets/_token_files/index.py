"""What a folder of tokens says of itself, and how its text is read and written; without NumPy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from engine.config.registry import Codec
from engine.datasets import _tokenizers, _user_files
from engine.datasets._token_files.text_blocks import SPLITS
from engine.datasets._tokenizers.simple_codecs import Bytes, Characters
from presets import ConfigError

FORMAT = 1
INDEX = "index.json"
TOKENIZER = "tokenizer.json"
_MAX_BYTES = 16 * _user_files.MEBIBYTE

Kind = Literal["characters", "bytes", "bpe", "file"]
Natural = Annotated[int, Meta(ge=0)]
Size = Annotated[int, Meta(ge=1, le=2**32)]


class Text(Struct, frozen=True, kw_only=True):
    """The file that was tokenised."""

    name: str
    bytes: Natural
    sha256: str


class Part(Struct, frozen=True, kw_only=True):
    """A file of tokens: the numbers of one split, one behind the other, little-endian."""

    tokens: Natural
    characters: Natural
    """Of the text that the tokens stand for."""
    sha256: str


class Index(Struct, frozen=True, kw_only=True):
    """What is known of a folder of tokens."""

    format: int
    tokenizer: Kind
    symbols: Size
    """The size of the vocabulary: tokens are from 0 to symbols - 1."""
    reserved: Natural
    """How many symbols come before those of the tokenizer, for what pads, begins or ends."""
    dtype: Literal["uint16", "uint32"]
    """Of the tokens, for other readers; it follows from `symbols`."""
    parts: dict[str, Part]
    text: Text
    alphabet: str = ""
    """Of a tokenizer of characters."""
    beginning: str = ""
    """The first characters of the training text, for the launch screen."""

    @property
    def item_bytes(self) -> int:
        """The bytes of a token."""
        return item_bytes(self.symbols)


def item_bytes(symbols: int) -> int:
    """The bytes of the smallest type that holds these symbols."""
    return 2 if symbols <= 2**16 else 4


def file_of(folder: Path, split: str) -> Path:
    """The file with the tokens of a split."""
    return folder / f"{split}.bin"


def located(path: str) -> Path:
    """A person's folder of tokens. Raises ConfigError if there is none."""
    return _user_files.located(path, "a folder that `bigmodel-tui prepare` made")


def read(folder: Path) -> Index:
    """The index of a folder. Raises ConfigError, in one line, if that is no folder of tokens or its
    files are not what the index says."""
    return _user_files.remembered(_read, folder / INDEX)


def _read(path: Path) -> Index:
    name = str(path.parent)
    try:
        index = msgspec.json.decode(_user_files.read_text(path, most=_MAX_BYTES), type=Index)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise ConfigError(f"dataset.path: {str(path)!r} is damaged ({error})") from None
    if index.format != FORMAT:
        raise ConfigError(
            f"dataset.path: {name!r} has format {index.format}; expected {FORMAT}, which "
            "`bigmodel-tui prepare` makes"
        )
    for split in SPLITS:
        if split not in index.parts:
            raise ConfigError(f"dataset.path: {str(path)!r} is damaged (no part {split!r})")
        _check_size(file_of(path.parent, split), index.parts[split].tokens * index.item_bytes)
    return index


def _check_size(path: Path, expected: int) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise _user_files.unreadable(path, error) from None
    if size != expected:
        raise ConfigError(
            f"dataset.path: {str(path)!r} has {size} bytes, but its {INDEX} says {expected}"
        )


def codec(folder: Path, index: Index) -> Codec:
    """The vocabulary of a folder. Raises ConfigError if its tokenizer cannot be read."""
    match index.tokenizer:
        case "characters":
            return Characters(index.alphabet)
        case "bytes":
            return Bytes()
    return _tokenizers.of(
        str(folder / TOKENIZER), index.symbols, list, reserved=index.reserved, key="dataset.path"
    )
