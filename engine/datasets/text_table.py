"""Texts with labels in a file or folder of one's own: CSV, TSV, JSON lines or parquet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, Struct, structs

from engine.config import dataset_preview
from engine.config.registry import DatasetInfo, Splits
from engine.datasets import _tokenizers, _user_files
from engine.datasets._text_rows import (
    Table,
    format_detection,
    opened,
    role_column_names,
    split_files,
)
from engine.datasets._text_rows.split_files import SPLITS
from engine.datasets._tokenizers import length_estimates
from presets import ConfigError
from presets.schema import Config as Base
from presets.schema import Count

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_CLASSES = 1000
_LEARNED_FROM = 2**25
"""Bytes of the training rows that a vocabulary is made from at most."""
_COUNTED = 2000
"""Rows by which the number of symbols is estimated."""

_ROLES = (role_column_names.TEXT, role_column_names.LABEL)

Column = str | int


class Config(Base, frozen=True):
    """A column is given by its name, or by its number from 1 on; several as a list."""

    path: str = ""
    """A file, or a folder that has train.csv, validation.csv (or dev, val) and test.csv; also
    .tsv, .jsonl and .parquet."""
    text: Column | tuple[Column, ...] = ""
    """The column of the text; empty: as it is called in common data sets."""
    label: Column = ""
    """The column of the label; empty: as it is called in common data sets."""
    task: Literal["classification", "regression"] = "classification"
    """`regression` predicts labels that are numbers."""
    tokenizer: str = "words"
    """`words`, `characters`, `bytes`, `bpe`, or the path of a tokenizer.json."""
    vocabulary: Count = 10_000
    """Number of different symbols, for words and byte pairs: the most frequent ones of the training
    texts."""
    max_length: Annotated[int, Meta(ge=1, le=2**16)] = 256
    """Symbols of a text that are used; what comes after is cut."""


class _Facts(Struct, frozen=True):
    """What is known of a table without encoding it."""

    names: tuple[str, ...]
    samples: dict[str, int]
    tokens: dict[str, int]
    longest: int
    alphabet: str


def info(config: Config) -> DatasetInfo:
    table = _table(config)
    facts = _user_files.remembered_by(
        (__name__, table.key, *structs.astuple(config)),
        lambda: _facts(table, config),
    )
    regression = config.task == "regression"
    return DatasetInfo(
        input_shape=(facts.longest,),
        num_outputs=1 if regression else len(facts.names),
        task=config.task,
        input="symbols",
        num_symbols=_tokenizers.info_size(
            config.tokenizer, config.vocabulary, lambda: facts.alphabet
        ),
        tokens=facts.tokens,
        samples=facts.samples,
        names=facts.names,
        notes=table.notes,
        cautions=table.cautions,
    )


def build(config: Config) -> Splits:
    """The splits of the files; where there is none for validation or test, 15 % of the training
    rows each, by a hash of their number. Numbers have mean 0 and deviation 1 over the training
    rows."""
    from engine.datasets._text_rows import source

    names = info(config).names
    table = _table(config)
    codec = _tokenizers.of(config.tokenizer, config.vocabulary, lambda: _training(table))

    def encode(texts: Sequence[str]) -> source.Pair:
        return codec.encode(texts[0])[: config.max_length], None

    targets = _numbers(table) if config.task == "regression" else _places(table, names)
    train, val, test = (source.of(table.splits[split], encode, targets[split]) for split in SPLITS)
    return Splits(train=train, val=val, test=test, codec=codec)


def _table(config: Config) -> Table:
    return opened(config.path, _ROLES, _given(config), keep=True)


def _given(config: Config) -> dict[str, tuple[Column, ...]]:
    """The columns that a person says."""
    texts = config.text if isinstance(config.text, tuple) else (config.text,)
    return {
        "text": tuple(column for column in texts if column != ""),
        "label": (config.label,) if config.label != "" else (),
    }


def _facts(table: Table, config: Config) -> _Facts:
    names = ("label",) if config.task == "regression" else _classes(table)
    (_numbers if config.task == "regression" else _check_labels)(table, names)
    counts = {split: _counts(table, split, config) for split in SPLITS}
    whole = all(len(counts[split]) == len(table.splits[split]) for split in SPLITS)
    exact = whole and config.tokenizer in length_estimates.EXACT
    return _Facts(
        names,
        {split: len(table.splits[split]) for split in SPLITS},
        {
            split: sum(found) * len(table.splits[split]) // len(found)
            for split, found in counts.items()
        },
        max(map(max, counts.values())) if exact else config.max_length,
        "".join(sorted(set().union(*_training(table)))) if config.tokenizer == "characters" else "",
    )


def _counts(table: Table, split: str, config: Config) -> list[int]:
    """The symbols of some rows of a split, spread evenly."""
    rows = table.splits[split]
    some = min(len(rows), _COUNTED)
    texts = (rows[place * len(rows) // some][0] for place in range(some))
    return [
        min(config.max_length, length_estimates.expected(text, config.tokenizer, config.vocabulary))
        for text in texts
    ]


def _training(table: Table) -> Iterator[str]:
    """The training texts, of many as much as a vocabulary is made from."""
    rows, read = table.splits["train"], 0
    for row in range(len(rows)):
        (text, _) = rows[row]
        yield text
        read += len(text)
        if read > _LEARNED_FROM:
            return


def _classes(table: Table) -> tuple[str, ...]:
    """The labels of the training rows, in the order of numbers or of the alphabet."""
    found = set(table.splits["train"].kept)
    if not 2 <= len(found) <= MAX_CLASSES:
        raise ConfigError(
            f"dataset.label: the column has {len(found)} different labels; expected 2 to "
            f"{MAX_CLASSES} (dataset.task=regression predicts numbers)"
        )
    return tuple(sorted(found, key=lambda label: (_number(label), label)))


def _check_labels(table: Table, names: tuple[str, ...]) -> None:
    known = set(names)
    for rows in table.splits.values():
        for row, label in enumerate(rows.kept):
            if label not in known:
                raise rows.fault(row, f"label {label!r:.40} is not in the training rows")


def _places(table: Table, names: tuple[str, ...]) -> dict[str, NDArray[np.generic]]:
    """The class number of each row, int64 (rows,), by split."""
    import numpy as np

    place = {name: number for number, name in enumerate(names)}
    return {
        split: np.array([place[label] for label in rows.kept], dtype=np.int64)
        for split, rows in table.splits.items()
    }


def _numbers(table: Table, names: tuple[str, ...] = ()) -> dict[str, NDArray[np.generic]]:
    """The normalised number of each row, float32 (rows, 1), by split."""
    import numpy as np

    found = {}
    for split, rows in table.splits.items():
        numbers = [_number(label) for label in rows.kept]
        for row, number in enumerate(numbers):
            if not math.isfinite(number):
                raise rows.fault(row, f"expected a number as label, got {rows.kept[row]!r:.40}")
        found[split] = np.array(numbers)
    mean, deviation = found["train"].mean(), found["train"].std() or 1.0
    return {
        split: ((numbers - mean) / deviation).astype(np.float32)[:, None]
        for split, numbers in found.items()
    }


def _number(text: str) -> float:
    """The number that a text is; infinite if it is none."""
    try:
        return float(text)
    except ValueError:
        return math.inf


def sample(config: Config) -> dataset_preview.Rows:
    """The first rows of the training file, as the file has them."""
    files, _ = split_files.files(_user_files.located(config.path, "a file or folder of texts"))
    file = format_detection.opened(files["train"][0], _ROLES, _given(config))
    rows = islice(file.rows(), dataset_preview.MOST_ROWS)
    names = file.names if file.header else [f"column {name}" for name in file.names]
    return dataset_preview.Rows(tuple(names), tuple(tuple(row.cells) for row in rows))
