"""Summaries of a series by blocks of points: all that a plot of it needs, a thousandth as large."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tui.runs.points.step_column import Floats

BLOCK = 1024
"""Number of points in a block."""
_AT_ONCE = 64
"""Number of blocks that are summed up at once, which bounds the memory."""


@dataclass(frozen=True)
class Blocks:
    """The summaries of the complete blocks of a series, as columns, float64 (n,) each."""

    low: Floats
    """The smallest finite value; infinity where there is none."""
    high: Floats
    """The largest one; minus infinity where there is none."""
    low_at: Floats
    """The index of the first smallest one in the series."""
    high_at: Floats
    finite: Floats
    """How many values are finite."""
    positive: Floats
    """How many values are greater than 0."""

    def __len__(self) -> int:
        return len(self.low)

    @property
    def columns(self) -> list[Floats]:
        return [self.low, self.high, self.low_at, self.high_at, self.finite, self.positive]

    def cut(self, count: int) -> Blocks:
        """The summaries of the first `count` blocks."""
        return self if count >= len(self) else Blocks(*(c[:count] for c in self.columns))

    def continued(self, values: Floats) -> Blocks:
        """These and the summaries of the complete blocks of a series that are not in them yet."""
        begin, end = len(self), len(values) // BLOCK
        if begin >= end:
            return self
        parts = [
            _sums(values[first * BLOCK : min(end, first + _AT_ONCE) * BLOCK], first)
            for first in range(begin, end, _AT_ONCE)
        ]
        return Blocks(
            *(np.concatenate(column) for column in zip(self.columns, *parts, strict=True))
        )

    def extremes(self, begin: int, end: int, groups: int) -> tuple[Floats, Floats]:
        """Indices and values of the minima and maxima of about `groups` groups of blocks."""
        size = max(1, -(-(end - begin) // groups))
        found = []
        for values, places, pick, filler in (
            (self.low, self.low_at, np.argmin, np.inf),
            (self.high, self.high_at, np.argmax, -np.inf),
        ):
            padded = np.full(-(-(end - begin) // size) * size, filler)
            padded[: end - begin] = values[begin:end]
            rows = pick(padded.reshape(-1, size), axis=1)
            blocks = begin + np.minimum(np.arange(len(rows)) * size + rows, end - begin - 1)
            found.append((places[blocks], values[blocks]))
        indices, values = (np.concatenate(column) for column in zip(*found, strict=True))
        known = np.isfinite(values)
        return indices[known], values[known]


def no_blocks() -> Blocks:
    return Blocks(*(np.empty(0) for _ in range(6)))


def _sums(values: Floats, first: int) -> list[Floats]:
    """The columns for complete blocks, the first of which has the number `first`."""
    rows = values.reshape(-1, BLOCK)
    known = np.isfinite(rows)
    lows, highs = np.where(known, rows, np.inf), np.where(known, rows, -np.inf)
    low_at, high_at = lows.argmin(axis=1), highs.argmax(axis=1)
    each = np.arange(len(rows))
    begin = (first + each) * BLOCK
    return [
        lows[each, low_at],
        highs[each, high_at],
        (begin + low_at).astype(np.float64),
        (begin + high_at).astype(np.float64),
        known.sum(axis=1).astype(np.float64),
        (rows > 0).sum(axis=1).astype(np.float64),
    ]
