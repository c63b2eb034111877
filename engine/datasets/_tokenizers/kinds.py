"""Which codec a data set's settings ask for; it is learned from training texts alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import util
from typing import Literal, get_args

from engine.config.registry import Codec
from engine.datasets import _user_files
from engine.datasets._tokenizers import byte_pairs, simple_codecs
from engine.datasets._tokenizers.simple_codecs import RESERVED, Bytes, Characters, Words
from presets import ConfigError

Learned = Literal["characters", "bytes", "words", "bpe"]
Tokenizer = str
"""One of `Learned`, or the path of a `tokenizer.json`."""

_FILE = ".json"


def check(tokenizer: Tokenizer, *, key: str = "dataset.tokenizer") -> None:
    """Raises ConfigError, in one line, if there is no such tokenizer or its package is missing."""
    if tokenizer in get_args(Learned)[:3]:
        return
    if tokenizer != "bpe" and not tokenizer.endswith(_FILE):
        raise ConfigError(
            f"{key}: expected {', '.join(get_args(Learned))} or the path of a tokenizer.json, "
            f"got {tokenizer!r}"
        )
    if util.find_spec("tokenizers") is None:
        raise ConfigError(f"{key}: {tokenizer} needs tokenizers; pip install 'bigmodel-tui[text]'")
    if tokenizer != "bpe":
        _user_files.located(tokenizer, "a tokenizer.json", key=key)


def info_size(
    tokenizer: Tokenizer,
    vocabulary: int,
    texts: Callable[[], Iterable[str]],
    *,
    reserved: int = RESERVED,
    key: str = "dataset.tokenizer",
) -> int:
    """The size of the codec that `of` gives, without learning it; raises what `check` raises.

    Words and byte pairs have `vocabulary` symbols, also where texts have fewer; characters have
    those of the training `texts`, which are asked for only then.
    """
    check(tokenizer, key=key)
    match tokenizer:
        case "characters":
            return RESERVED + len({sign for text in texts() for sign in text})
        case "bytes":
            return Bytes.size
        case "words":
            return vocabulary
        case "bpe":
            byte_pairs.check_size(vocabulary)
            return vocabulary
    return byte_pairs.file_size(tokenizer, reserved=reserved, key=key)


def of(
    tokenizer: Tokenizer,
    vocabulary: int,
    texts: Callable[[], Iterable[str]],
    *,
    reserved: int = RESERVED,
    key: str = "dataset.tokenizer",
) -> Codec:
    """The codec for texts like these, which have to be those for training, in their order.

    `texts` is called once or twice, if at all. `reserved=0` gives the symbols of a tokenizer.json
    the numbers that it gives them, so that there is no symbol that pads, begins or ends.
    """
    check(tokenizer, key=key)
    match tokenizer:
        case "characters":
            return Characters({sign for text in texts() for sign in set(text)})
        case "bytes":
            return Bytes()
        case "words":
            return Words(simple_codecs.frequent(texts(), vocabulary - RESERVED), vocabulary)
    if tokenizer == "bpe":
        return byte_pairs.learned(texts, vocabulary)
    return byte_pairs.from_file(tokenizer, reserved=reserved, key=key)
