"""Any UTF-8 text file, character by character or as the symbols of a tokenizer."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from engine.config import dataset_preview
from engine.config.registry import DatasetInfo, Splits
from engine.datasets import _tokenizers, _user_files, _windows
from engine.datasets._tokenizers import Tokenizer
from engine.datasets._tokenizers.simple_codecs import RESERVED
from presets import ConfigError
from presets.schema import Config as Base
from presets.schema import Count, RunConfig

MAX_BYTES = 128 * _user_files.MEBIBYTE
_HELD_OUT = 20  # of so many parts, one is for validation and one for the test


class Config(Base, frozen=True):
    path: str = ""
    """Path of the file; `~` is the user's home directory."""
    context_length: Annotated[int, Meta(ge=2, le=16384)] = 64
    """Number of symbols that the model sees at once."""
    tokenizer: Tokenizer = "characters"
    """`characters`, `bytes`, `bpe` (byte pairs, learned from the training text), or the path of a
    tokenizer.json."""
    vocabulary: Count = 4096
    """For `bpe`: the number of symbols."""


class _Facts(Struct, frozen=True):
    """What the settings depend on: characters and bytes by split, and the alphabet."""

    characters: dict[str, int]
    bytes: dict[str, int]
    alphabet: str


def check(config: Config, run: RunConfig) -> None:
    if config.tokenizer == "words":
        raise ValueError(
            "dataset.tokenizer: words lose capitals and blanks; expected characters, bytes, bpe or "
            "the path of a tokenizer.json for a language model"
        )


def info(config: Config) -> DatasetInfo:
    facts = _user_files.remembered(_facts, _user_files.located(config.path, "a text file"))
    whole = config.tokenizer == "characters"
    symbols = _symbols(config, facts)
    lengths = _lengths(config, facts, symbols)
    needed = _windows.needed(config.context_length)
    if any(lengths[split] < least for split, least in needed.items()):
        enough = _HELD_OUT * max(needed["val"], -(-needed["train"] // (_HELD_OUT - 2)))
        has = "characters" if whole else "tokens"
        raise ConfigError(
            f"dataset.path: {config.path!r} has {sum(lengths.values())} {has}; "
            f"expected at least {enough} for dataset.context_length = {config.context_length}"
        )
    return DatasetInfo(
        input_shape=(config.context_length,),
        num_outputs=symbols,
        num_symbols=symbols,
        task="language",
        samples=_windows.counts(lengths, config.context_length),
        fixed=False,
        names=tuple(facts.alphabet) if whole else (),
    )


def _symbols(config: Config, facts: _Facts) -> int:
    """The size of the vocabulary."""
    if config.tokenizer != "characters":
        return _tokenizers.info_size(
            config.tokenizer, config.vocabulary, str, reserved=_reserved(config)
        )
    if len(facts.alphabet) > _windows.MAX_ALPHABET:
        raise ConfigError(
            f"dataset.path: {config.path!r} has {len(facts.alphabet)} different characters; "
            f"expected at most {_windows.MAX_ALPHABET} (dataset.tokenizer=bytes takes any text)"
        )
    return len(facts.alphabet)


def _reserved(config: Config) -> int:
    """Symbols of a tokenizer.json keep the numbers that other programs know them by."""
    return 0 if config.tokenizer not in ("bytes", "bpe") else RESERVED


def _lengths(config: Config, facts: _Facts, symbols: int) -> dict[str, int]:
    """The number of symbols in each split: of byte pairs an estimate, by which an epoch has about
    as many windows as the text; the text is not tokenised before the run."""
    if config.tokenizer == "characters":
        return facts.characters
    if config.tokenizer == "bytes":
        return facts.bytes
    share = 1 / _bytes_per_token(symbols)
    return {split: int(count * share) for split, count in facts.bytes.items()}


def _bytes_per_token(symbols: int) -> float:
    """About how many bytes of English a symbol of byte pairs stands for, by the size of their
    vocabulary: measured on the Bible for 300 to 8,192 symbols, and for GPT-2's 50,257."""
    known = [(260, 1.0), (300, 1.4), (512, 1.95), (1024, 2.6), (4096, 3.9), (8192, 4.2)]
    known += [(50_257, 4.4)]
    for (low, before), (high, after) in pairwise(known):
        if symbols <= high:
            return before + (after - before) * max(0.0, math.log(symbols / low, high / low))
    return known[-1][1]


def build(config: Config) -> Splits:
    """Windows of the text: the first 90 % are for training, the next 5 % for validation, the last
    5 % for the test. The alphabet is that of the whole file, so that every character is known;
    byte pairs are learned from the training text."""
    sizes = info(config).samples
    text = _user_files.read_text(_user_files.located(config.path, "a text file"), most=MAX_BYTES)
    parts = _parts(text)
    if config.tokenizer == "characters":
        return _windows.splits(parts, "".join(sorted(set(text))), config.context_length)
    codec = _tokenizers.of(
        config.tokenizer, config.vocabulary, lambda: [parts["train"]], reserved=_reserved(config)
    )
    encoded = {split: codec.encode(part).astype("uint32") for split, part in parts.items()}
    for split, least in _windows.needed(config.context_length).items():
        if len(encoded[split]) < least:
            raise ConfigError(
                f"dataset.path: {config.path!r} has {len(encoded[split])} tokens in {split}; "
                f"expected at least {least} for dataset.context_length = {config.context_length}"
            )
    return _windows.of_symbols(encoded, sizes, config.context_length, codec)


def _parts(text: str) -> dict[str, str]:
    held_out = len(text) // _HELD_OUT
    end = len(text) - 2 * held_out
    return {
        "train": text[:end],
        "val": text[end : end + held_out],
        "test": text[end + held_out :],
    }


def _facts(path: Path) -> _Facts:
    text = _user_files.read_text(path, most=MAX_BYTES)
    if not text:
        raise ConfigError(f"dataset.path: {str(path)!r} is empty")
    parts = _parts(text)
    return _Facts(
        {split: len(part) for split, part in parts.items()},
        {split: len(part.encode()) for split, part in parts.items()},
        "".join(sorted(set(text))),
    )


def sample(config: Config) -> dataset_preview.Passage:
    """The beginning of the file."""
    path = _user_files.located(config.path, "a text file")
    return dataset_preview.Passage(
        _user_files.beginning(path, most=dataset_preview.MOST_CHARACTERS)
    )
