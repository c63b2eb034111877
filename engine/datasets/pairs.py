"""Texts with their translations in files of one's own: TSV, CSV, JSON lines, parquet, or two text
files side by side."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from engine.config import dataset_preview
from engine.config.registry import DatasetInfo, Splits
from engine.datasets import _text_pair_files
from engine.datasets._text_pair_files import Column
from engine.datasets._text_rows import role_column_names
from presets.schema import Config as Base
from presets.schema import Count


class Config(Base, frozen=True):
    """A column is given by its name, or by its number from 1 on."""

    path: str = ""
    """A file, or a folder that has train.tsv, validation.tsv (or dev, val) and test.tsv; also .csv,
    .jsonl and .parquet. With `target_path`, the text file of the sources."""
    target_path: str = ""
    """The text file of the targets: each line is the translation of that line of `path`."""
    source: Column = ""
    """The column to translate; empty: as it is called in common data sets, or the first one."""
    target: Column = ""
    """The column of translations; empty: as it is called in common data sets, or the second one."""
    tokenizer: str = "bpe"
    """`bpe`, `words`, `characters`, `bytes`, or the path of a tokenizer.json."""
    vocabulary: Count = 8000
    """Symbols of both languages together, for `bpe` and `words`."""
    max_length: Annotated[int, Meta(ge=2, le=4096)] = 128
    """Symbols of a text that are used; what comes after is cut."""


def info(config: Config) -> DatasetInfo:
    return _text_pair_files.info("translation", _asked(config))


def build(config: Config) -> Splits:
    """The pairs as symbols; where there is no file for validation or test, 15 % of the training
    rows each, by a hash of their number."""
    return _text_pair_files.build(_asked(config))


def sample(config: Config) -> dataset_preview.Rows:
    """The first pairs."""
    return _text_pair_files.sample(_asked(config))


def _asked(config: Config) -> _text_pair_files.Asked:
    return _text_pair_files.Asked(
        path=config.path,
        target_path=config.target_path,
        roles=(role_column_names.SOURCE, role_column_names.TARGET),
        columns=(config.source, config.target),
        tokenizer=config.tokenizer,
        vocabulary=config.vocabulary,
        most=(config.max_length, config.max_length),
    )
