"""Texts with their summaries or headings in files of one's own: JSON lines, CSV, TSV, parquet."""

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
    """A file, or a folder that has train.jsonl, validation.jsonl (or dev, val) and test.jsonl; also
    .csv, .tsv and .parquet."""
    source: Column = ""
    """The column to summarise; empty: as it is called in common data sets."""
    target: Column = ""
    """The column of summaries; empty: as it is called in common data sets."""
    tokenizer: str = "bpe"
    """`bpe`, `words`, `characters`, `bytes`, or the path of a tokenizer.json."""
    vocabulary: Count = 8000
    """Symbols, for `bpe` and `words`."""
    max_length: Annotated[int, Meta(ge=2, le=4096)] = 400
    """Symbols of a source that are used; what comes after is cut."""
    max_target: Annotated[int, Meta(ge=2, le=4096)] = 100
    """Symbols of a summary that are used."""


def info(config: Config) -> DatasetInfo:
    return _text_pair_files.info("summarisation", _asked(config))


def build(config: Config) -> Splits:
    """The pairs as symbols; where there is no file for validation or test, 15 % of the training
    rows each, by a hash of their number."""
    return _text_pair_files.build(_asked(config))


def sample(config: Config) -> dataset_preview.Rows:
    """The first texts with their summaries."""
    return _text_pair_files.sample(_asked(config))


def _asked(config: Config) -> _text_pair_files.Asked:
    return _text_pair_files.Asked(
        path=config.path,
        roles=(role_column_names.DOCUMENT, role_column_names.SUMMARY),
        columns=(config.source, config.target),
        tokenizer=config.tokenizer,
        vocabulary=config.vocabulary,
        most=(config.max_length, config.max_target),
    )
