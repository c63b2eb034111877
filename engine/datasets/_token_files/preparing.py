"""Make a folder of tokens from a text of any size, with the memory of a block of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import msgspec

from engine.config.dataset_preview import MOST_CHARACTERS
from engine.config.registry import Codec
from engine.datasets import _tokenizers, _user_files
from engine.datasets._token_files import index, text_blocks
from engine.datasets._token_files.index import Index, Part, Text
from engine.datasets._token_files.text_blocks import SPLITS, Blocks, SplitName
from engine.datasets._tokenizers.byte_pairs import BytePairs
from engine.datasets._tokenizers.simple_codecs import RESERVED, Characters
from engine.runs.safe_file_access import new_folder
from presets import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEARNED_FROM = 32 * _user_files.MEBIBYTE
"""Bytes of training text, spread over the file, that byte pairs are learned from."""
TOKENIZERS = ("characters", "bytes", "bpe")

Progress = Callable[[str, int, int], None]
"""What is done now, how far it is, and how far it goes, both in bytes of the text."""


def prepare(
    path: Path, output: Path, *, tokenizer: str, vocabulary: int, progress: Progress
) -> Index:
    """Tokenise a UTF-8 text into the folder `output`, which must not exist; returns its index.

    `tokenizer` is one of `TOKENIZERS` or the path of a tokenizer.json; `vocabulary` is the number
    of symbols of byte pairs. What is learned is learned from blocks for training alone. An error or
    an interruption leaves nothing behind. Raises ConfigError, in one line, or OSError.
    """
    check(tokenizer, vocabulary)
    if os.path.lexists(output):
        raise ConfigError(f"{output}: exists already; remove it, or give another --output")
    with text_blocks.opened(path) as file:
        text = Blocks(file, path)
        codec = _codec(text, tokenizer, vocabulary, progress)
        with new_folder(output) as folder:
            with ExitStack() as stack:
                files = {
                    split: stack.enter_context(index.file_of(folder, split).open("xb"))
                    for split in SPLITS
                }
                writers = {split: _Writer(file, codec) for split, file in files.items()}
                found = _write(text, codec, tokenizer, writers, _touching(folder, progress))
            if isinstance(codec, BytePairs):
                (folder / index.TOKENIZER).write_text(codec.to_json(), encoding="utf-8")
            (folder / index.INDEX).write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    return found


def check(tokenizer: str, vocabulary: int) -> None:
    """Raises ConfigError for a tokenizer that there is not, or that would lose what it reads."""
    if tokenizer not in TOKENIZERS and not tokenizer.endswith(".json"):
        raise ConfigError(
            f"tokenizer: expected {', '.join(TOKENIZERS)} or the path of a tokenizer.json, "
            f"got {tokenizer!r}"
        )
    _tokenizers.info_size(tokenizer, vocabulary, str, key="tokenizer")


def _codec(text: Blocks, tokenizer: str, vocabulary: int, progress: Progress) -> Codec:
    what = "the alphabet" if tokenizer == "characters" else "byte pairs"

    def tell(done: int) -> None:
        progress(f"learning {what}", done, text.bytes)

    if tokenizer == "characters":
        alphabet: set[str] = set()
        for block in text.training(tell):
            alphabet.update(block)
        return Characters(alphabet)
    reserved = RESERVED if tokenizer in TOKENIZERS else 0
    return _tokenizers.of(
        tokenizer,
        vocabulary,
        lambda: text.training(tell, LEARNED_FROM),
        reserved=reserved,
        key="tokenizer",
    )


class _Writer:
    """The file of a split, and what has to be known of it."""

    def __init__(self, file: BinaryIO, codec: Codec) -> None:
        self._file = file
        self._codec = codec
        self._dtype = f"<u{index.item_bytes(codec.size)}"
        self._digest = hashlib.sha256()
        self._tokens = self._characters = 0

    def add(self, text: str) -> None:
        if isinstance(self._codec, BytePairs):
            found = self._codec.encode_all(text_blocks.pieces(text))
        else:
            found = self._codec.encode(text)
        symbols: NDArray[Any] = found.astype(self._dtype)
        self._file.write(symbols.data)
        self._digest.update(symbols.data)
        self._tokens += len(symbols)
        self._characters += len(text)

    def part(self) -> Part:
        return Part(
            tokens=self._tokens, characters=self._characters, sha256=self._digest.hexdigest()
        )


def _write(
    text: Blocks, codec: Codec, tokenizer: str, writers: dict[SplitName, _Writer], tell: Progress
) -> Index:
    """Write all blocks; returns the index of what was written."""
    digest, beginning, done = hashlib.sha256(), "", 0
    for block in range(len(text)):
        raw = text.raw(block)
        content = text.text(block, raw)
        split = text.split(block)
        if split == "train" and len(beginning) < MOST_CHARACTERS:
            beginning = (beginning + content)[:MOST_CHARACTERS]
        writers[split].add(content)
        digest.update(raw)
        done += len(raw)
        tell("tokenising", done, text.bytes)
    reserved = 0 if tokenizer not in TOKENIZERS else RESERVED
    return Index(
        format=index.FORMAT,
        tokenizer=cast("index.Kind", tokenizer if tokenizer in TOKENIZERS else "file"),
        symbols=codec.size,
        reserved=reserved,
        dtype="uint16" if index.item_bytes(codec.size) == 2 else "uint32",
        parts={split: writer.part() for split, writer in writers.items()},
        text=Text(name=text.path.name, bytes=text.bytes, sha256=digest.hexdigest()),
        alphabet="".join(codec.alphabet) if isinstance(codec, Characters) else "",
        beginning=beginning,
    )


def _touching(folder: Path, progress: Progress) -> Progress:
    """The same, which also shows that somebody is at work in a folder: others remove old drafts."""

    def told(what: str, done: int, whole: int) -> None:
        os.utime(folder)
        progress(what, done, whole)

    return told
