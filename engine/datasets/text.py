"""Any UTF-8 text file, character by character."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from engine.config import dataset_samples
from engine.config.registry import DatasetInfo, Splits
from engine.datasets import _files, _windows
from presets import ConfigError
from presets.schema import Config as Base

MAX_BYTES = 128 * _files.MEBIBYTE
_HELD_OUT = 20  # of so many parts, one is for validation and one for the test


class Config(Base, frozen=True):
    path: str = ""
    """Path of the file; `~` is the user's home directory."""
    context_length: Annotated[int, Meta(ge=2, le=4096)] = 64
    """Number of characters that the model sees at once."""


class _Facts(Struct, frozen=True):
    """What the settings depend on: the number of characters by split, and the alphabet."""

    lengths: dict[str, int]
    alphabet: str


def info(config: Config) -> DatasetInfo:
    facts = _files.remembered(_facts, _files.located(config.path, "a text file"))
    needed = _windows.needed(config.context_length)
    if any(facts.lengths[split] < least for split, least in needed.items()):
        enough = _HELD_OUT * max(needed["val"], -(-needed["train"] // (_HELD_OUT - 2)))
        raise ConfigError(
            f"dataset.path: {config.path!r} has {sum(facts.lengths.values())} characters; "
            f"expected at least {enough} for dataset.context_length = {config.context_length}"
        )
    return DatasetInfo(
        input_shape=(config.context_length,),
        num_outputs=len(facts.alphabet),
        task="language",
        samples=_windows.counts(facts.lengths, config.context_length),
        fixed=False,
        names=tuple(facts.alphabet),
    )


def build(config: Config) -> Splits:
    """Windows of the text: the first 90 % are for training, the next 5 % for validation, the last
    5 % for the test. The alphabet is that of the whole file, so that every character is known."""
    info(config)  # for its errors
    text = _files.read_text(_files.located(config.path, "a text file"), most=MAX_BYTES)
    return _windows.splits(_parts(text), "".join(sorted(set(text))), config.context_length)


def _parts(text: str) -> dict[str, str]:
    held_out = len(text) // _HELD_OUT
    end = len(text) - 2 * held_out
    return {
        "train": text[:end],
        "val": text[end : end + held_out],
        "test": text[end + held_out :],
    }


def _facts(path: Path) -> _Facts:
    text = _files.read_text(path, most=MAX_BYTES)
    if not text:
        raise ConfigError(f"dataset.path: {str(path)!r} is empty")
    alphabet = "".join(sorted(set(text)))
    if len(alphabet) > _windows.MAX_ALPHABET:
        raise ConfigError(
            f"dataset.path: {str(path)!r} has {len(alphabet)} different characters; expected at "
            f"most {_windows.MAX_ALPHABET}"
        )
    return _Facts({split: len(part) for split, part in _parts(text).items()}, alphabet)


def sample(config: Config) -> dataset_samples.Passage:
    """The beginning of the file."""
    path = _files.located(config.path, "a text file")
    return dataset_samples.Passage(_files.beginning(path, most=dataset_samples.MOST_CHARACTERS))
