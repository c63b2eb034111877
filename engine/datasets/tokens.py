"""A folder of tokens that `bigmodel-tui prepare` made of a text: of any size, on little memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from engine.config import dataset_preview
from engine.config.registry import DatasetInfo, Splits
from engine.datasets import _windows
from engine.datasets._token_files import index
from presets import ConfigError
from presets.schema import Config as Base

if TYPE_CHECKING:
    from engine.datasets._token_files.index import Index
    from engine.datasets._token_files.preparing import Progress

_OFFSET = 3  # the random stream of the offsets: that of `_windows`


class Config(Base, frozen=True):
    path: str = ""
    """Path of the folder; `~` is the user's home directory."""
    context_length: Annotated[int, Meta(ge=2, le=16384)] = 64
    """Number of tokens that the model sees at once."""


def info(config: Config) -> DatasetInfo:
    found = index.read(index.located(config.path))
    lengths = {split: part.tokens for split, part in found.parts.items()}
    for split, least in _windows.needed(config.context_length).items():
        if lengths[split] < least:
            raise ConfigError(
                f"dataset.path: {config.path!r} has {lengths[split]} tokens in {split}; expected "
                f"at least {least} for dataset.context_length = {config.context_length}"
            )
    return DatasetInfo(
        input_shape=(config.context_length,),
        num_outputs=found.symbols,
        num_symbols=found.symbols,
        task="language",
        samples=_windows.counts(lengths, config.context_length),
        fixed=False,
        on_disk=True,
        notes=(facts(found),),
    )


def facts(found: Index) -> str:
    """What a folder holds, in a line."""
    tokens = sum(part.tokens for part in found.parts.values())
    characters = sum(part.characters for part in found.parts.values())
    return (
        f"{tokens:,} tokens of {found.symbols:,} symbols ({found.tokenizer}), "
        f"{characters / max(1, tokens):.2f} characters each, from {found.text.name}"
    )


def build(config: Config) -> Splits:
    """Windows of the tokens, read from the disk as they are needed. Those for training begin at
    another place in every epoch, which seed and epoch decide."""
    import numpy as np

    from engine.datasets._token_files.windows import TokenFile, TokenWindows

    samples = info(config).samples
    folder = index.located(config.path)
    found = index.read(folder)
    length = config.context_length
    files = {split: TokenFile(folder, found, split) for split in samples}

    def draw_train(seed: int, epoch: int) -> TokenWindows:
        offset = int(np.random.default_rng((_OFFSET, seed, epoch)).integers(length))
        return TokenWindows(files["train"], length, count=samples["train"], offset=offset)

    def held_out(split: str) -> TokenWindows:
        return TokenWindows(files[split], length, count=samples[split])

    return Splits(
        train=draw_train(0, 0),
        val=held_out("val"),
        test=held_out("test"),
        draw_train=draw_train,
        codec=index.codec(folder, found),
    )


def sample(config: Config) -> dataset_preview.Passage:
    """The beginning of the text."""
    return dataset_preview.Passage(index.read(index.located(config.path)).beginning)


def prepare(
    path: Path, output: Path, *, tokenizer: str, vocabulary: int, progress: Progress
) -> Index:
    """Make such a folder, as `_token_files.preparing` says."""
    from engine.datasets._token_files import preparing

    return preparing.prepare(
        path, output, tokenizer=tokenizer, vocabulary=vocabulary, progress=progress
    )
