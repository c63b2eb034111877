"""Pairs of texts in files of one's own, as symbols."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.config import dataset_preview
from engine.config.padding_constants import END
from engine.config.registry import DatasetInfo, Splits
from engine.datasets import _tokenizers, _user_files
from engine.datasets._text_rows import Role, Table, format_detection, opened, split_files
from engine.datasets._text_rows.split_files import SPLITS
from engine.datasets._tokenizers import length_estimates

if TYPE_CHECKING:  # the launch screen reads this module and must not wait for NumPy
    import numpy as np
    from numpy.typing import NDArray

    from engine.datasets._text_rows.source import Pair

Column = str | int

_LEARNED_FROM = 2**25
"""Characters of the training texts that a vocabulary is learned from at most."""
_COUNTED = 2000
"""Rows by which the number of symbols is estimated."""


class Asked(Struct, frozen=True, kw_only=True):
    """Which files, and how their texts become symbols."""

    path: str
    target_path: str = ""
    """The second of two files side by side; empty if a file has both columns."""
    roles: tuple[Role, Role]
    """Those of the source and of the target."""
    columns: tuple[Column, Column]
    """The columns as a person says them; empty: by their usual names."""
    tokenizer: str
    vocabulary: int
    most: tuple[int, int]
    """Symbols of a source and of a target that are used, with the END."""


def info(task: str, asked: Asked) -> DatasetInfo:
    """What is known of the pairs; the numbers of symbols are those of some rows, and estimated
    where they are pieces of words. Raises UserError, in one line."""
    table = _table(asked)
    size = _tokenizers.info_size(
        asked.tokenizer, asked.vocabulary, lambda: {sign for text in _train(table) for sign in text}
    )
    counts = {split: _counts(table, split, asked) for split in SPLITS}
    return DatasetInfo(
        input_shape=(max(map(max, counts.values())),),
        num_outputs=size,
        task=task,
        input="symbols",
        num_symbols=size,
        tokens={
            split: sum(found) * len(table.splits[split]) // len(found)
            for split, found in counts.items()
        },
        samples={split: len(table.splits[split]) for split in SPLITS},
        notes=table.notes,
        cautions=table.cautions,
    )


def build(asked: Asked) -> Splits:
    """The pairs as symbols, each text cut and with an END. One codec, learned from both sides of
    the training rows, writes both."""
    import numpy as np

    from engine.datasets._text_rows import source

    table = _table(asked)
    codec = _tokenizers.of(asked.tokenizer, asked.vocabulary, lambda: _train(table))

    def ended(text: str, most: int) -> NDArray[np.int64]:
        return np.append(codec.encode(text)[: most - 1], END)

    def encode(texts: Sequence[str]) -> Pair:
        return ended(texts[0], asked.most[0]), ended(texts[1], asked.most[1])

    train, val, test = (source.of(table.splits[split], encode) for split in SPLITS)
    return Splits(train=train, val=val, test=test, codec=codec)


def sample(asked: Asked) -> dataset_preview.Rows:
    """The first rows as the file has them; of two files side by side, their first lines."""
    if asked.target_path:
        train = _table(asked).splits["train"]
        rows = tuple(train[row] for row in range(min(len(train), dataset_preview.MOST_ROWS)))
        return dataset_preview.Rows(("source", "target"), rows)
    files, _ = split_files.files(_user_files.located(asked.path, "a file or folder of texts"))
    file = format_detection.opened(files["train"][0], asked.roles, _given(asked))
    cells = tuple(tuple(row.cells) for row in islice(file.rows(), dataset_preview.MOST_ROWS))
    names = file.names if file.header else [f"column {name}" for name in file.names]
    return dataset_preview.Rows(tuple(names), cells)


def _table(asked: Asked) -> Table:
    return opened(asked.path, asked.roles, _given(asked), target_path=asked.target_path)


def _given(asked: Asked) -> dict[str, tuple[Column, ...]]:
    pairs = zip(("source", "target"), asked.columns, strict=True)
    return {key: (column,) for key, column in pairs if column != ""}


def _train(table: Table) -> Iterator[str]:
    """The training texts of both sides, of many as much as a vocabulary is learned from."""
    rows, read = table.splits["train"], 0
    for row in range(len(rows)):
        for text in rows[row]:
            yield text
            read += len(text)
        if read > _LEARNED_FROM:
            return


def _counts(table: Table, split: str, asked: Asked) -> list[int]:
    """The symbols of some sources of a split, spread evenly."""
    rows, most = table.splits[split], asked.most[0]
    some = min(len(rows), _COUNTED)
    texts = (rows[place * len(rows) // some][0] for place in range(some))
    return [
        min(most, 1 + length_estimates.expected(text, asked.tokenizer, asked.vocabulary))
        for text in texts
    ]
