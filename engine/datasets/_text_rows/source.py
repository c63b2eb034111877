"""Rows as samples of a `registry.Source`: in memory where they are small, else read when needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.config.registry import Source, Split
from engine.datasets._sequences import Sequences
from engine.datasets._text_rows.rows_by_split import Rows

MAX_BYTES = 2**26
"""Rows of more bytes than this are read when they are needed."""
_BYTES_PER_SYMBOL = 4  # rough; only the order of lengths counts

Pair: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64] | None]
Encode: TypeAlias = Callable[[Sequence[str]], Pair]
"""Makes the texts of a row inputs and, where they are symbols too, targets."""


def of(rows: Rows, encode: Encode, targets: NDArray[np.generic] | None = None) -> Source:
    """The samples of these rows; `targets` (rows, ...), or None where `encode` gives them."""
    return OnDemand(rows, encode, targets).loaded(MAX_BYTES)


class OnDemand:
    """Samples whose rows are read and encoded when a batch asks for them."""

    def __init__(self, rows: Rows, encode: Encode, targets: NDArray[np.generic] | None) -> None:
        self._rows = rows
        self._encode = encode
        self._targets = targets
        self.lengths: NDArray[np.int64] = rows.sizes // _BYTES_PER_SYMBOL + 1

    def __len__(self) -> int:
        return len(self._rows)

    def loaded(self, most: int) -> Source:
        """The same samples in memory, if their rows have no more than `most` bytes."""
        return self if self._rows.num_bytes > most else self._sequences(np.arange(len(self)))

    def batch(self, index: NDArray[np.int64]) -> Split:
        """These samples, padded to the longest of them."""
        return self._sequences(index).batch(np.arange(len(index)))

    def _sequences(self, index: NDArray[np.int64]) -> Sequences:
        pairs = [self._encode(self._rows[row]) for row in index.tolist()]
        x = [inputs for inputs, _ in pairs]
        if self._targets is not None:
            return Sequences(x, self._targets[index])
        return Sequences(x, [targets for _, targets in pairs if targets is not None])

    def fingerprint(self) -> str:
        """SHA-256 of what they are read from."""
        return self._rows.fingerprint()
