"""A metric over steps that grows cheaply, and thinning that never loses a minimum or a maximum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tui.runs.points.block_sums import BLOCK, Blocks, no_blocks
from tui.runs.points.steps import Floats, Steps, grown

__all__ = ["Floats", "Series", "thin"]

NEIGHBOURS = 64
"""How far outside of a window a finite value is looked for."""
_PLAIN_POINTS = 2**17
"""So many points are thinned one by one; of more, the sums of their blocks are."""


class Series:
    """Steps and values; values may be NaN or infinite."""

    def __init__(self) -> None:
        self._steps = Steps()
        self._values = np.empty(256)
        self._length = 0
        self._blocks = no_blocks()
        self.cuts = 0
        """How often points were taken away again; whoever computes from a series has to notice."""

    @classmethod
    def of(cls, steps: Steps, values: Floats, blocks: Blocks) -> Series:
        """Takes over arrays: `values` may have room behind the last of the `steps`."""
        made = cls()
        made._steps, made._values, made._blocks = steps, values, blocks
        made._length = len(steps)
        return made

    def __len__(self) -> int:
        return self._length

    def extend(
        self, steps: Sequence[float] | Floats, values: Sequence[float | str] | Floats
    ) -> None:
        """Append points; the texts "nan", "inf" and "-inf" are numbers here."""
        needed = self._length + len(steps)
        self._values = grown(self._values, self._length, needed)
        self._values[self._length : needed] = np.asarray(values, dtype=np.float64)
        self._steps.extend(steps)
        self._length = needed

    def truncate(self, step: float) -> None:
        """Forget the points after `step`. Steps never fall from one point to the next.

        What was handed out before stays as it is.
        """
        kept = self.index_after(step)
        if kept < self._length:
            self._values = self._values[:kept].copy()
            self._steps.truncate(kept)
            self._blocks = self._blocks.cut(kept // BLOCK)
            self._length = kept
            self.cuts += 1

    @property
    def steps(self) -> Floats:
        """float64 (n,), must not be written. Of a long series, ask for a part of it."""
        return self._steps.between(0, self._length)

    @property
    def values(self) -> Floats:
        """float64 (n,), a view that must not be written."""
        return self._values[: self._length]

    @property
    def rule(self) -> Steps:
        """The steps in the shape in which they are kept."""
        return self._steps

    def index_after(self, step: float) -> int:
        """How many points are at `step` or before it."""
        return self._steps.search(step, "right")

    def index_before(self, step: float) -> int:
        """How many points are before `step`."""
        return self._steps.search(step, "left")

    def point(self, index: int) -> tuple[float, float]:
        """Step and value at an index, which may count from the end."""
        place = range(self._length)[index]
        return float(self._steps.at(np.array([place]))[0]), float(self._values[place])

    def blocks(self) -> Blocks:
        """The sums of its blocks, those of new points included."""
        self._blocks = self._blocks.continued(self.values)
        return self._blocks

    @property
    def summed(self) -> Blocks:
        """The sums that were made until now, which cost nothing."""
        return self._blocks

    def window(self, low: float, high: float, bins: int) -> tuple[Floats, Floats]:
        """What a plot needs of low <= step <= high: steps and finite values, float64 (n,).

        At most about 2 * bins + 4 points, with the first, the last, and the extremes of each of
        `bins` stretches; besides, the finite neighbours outside, to which a line goes on.
        """
        begin, end = self._steps.search(low, "left"), self._steps.search(high, "right")
        if end - begin > max(_PLAIN_POINTS, 4 * BLOCK * bins):
            indices, y = self._extremes(begin, end, bins)
            x = self._steps.at(indices)
        else:
            x, y = thin(*self._finite(begin, end), bins)
        before = self._finite(begin - NEIGHBOURS, begin)
        after = self._finite(end, end + NEIGHBOURS)
        return (
            np.concatenate((before[0][-1:], x, after[0][:1])),
            np.concatenate((before[1][-1:], y, after[1][:1])),
        )

    def _extremes(self, begin: int, end: int, bins: int) -> tuple[NDArray[np.intp], Floats]:
        """Indices and values: of the whole blocks by their sums, of the rest at both ends."""
        first, last = -(-begin // BLOCK), end // BLOCK
        indices, values = self.blocks().extremes(first, last, bins)
        for left, right in ((begin, first * BLOCK), (last * BLOCK, end)):
            part = self._values[left:right]
            places = np.flatnonzero(np.isfinite(part))
            if len(places):
                ends = places[[0, -1]]
                tops = places[[np.argmin(part[places]), np.argmax(part[places])]]
                few = np.concatenate((ends, tops))
                indices = np.concatenate((indices, left + few))
                values = np.concatenate((values, part[few]))
        chosen, where = np.unique(indices.astype(np.intp), return_index=True)
        return chosen, values[where]

    def _finite(self, begin: int, end: int) -> tuple[Floats, Floats]:
        begin, end = max(0, begin), min(max(0, end), self._length)
        x, y = self._steps.between(begin, end), self._values[begin:end]
        known = np.isfinite(y)
        return (x, y) if known.all() else (x[known], y[known])

    def lost(self, since: int = 0) -> Floats:
        """The steps from an index on at which the value is not finite."""
        blocks = self.blocks()
        bad = np.flatnonzero(blocks.finite[since // BLOCK :] < BLOCK) + since // BLOCK
        stretches = [(max(since, b * BLOCK), (b + 1) * BLOCK) for b in bad.tolist()]
        stretches.append((max(since, len(blocks) * BLOCK), self._length))
        found = [a + np.flatnonzero(~np.isfinite(self._values[a:b])) for a, b in stretches]
        return self._steps.at(np.concatenate(found))

    def positive(self, borders: NDArray[np.intp]) -> NDArray[np.intp]:
        """How many values before each of these indices are greater than 0.

        In a long series a border counts as the nearest one of a block, but for the last: a column
        that is wider than a block gets all of its own.
        """
        blocks = self.blocks()
        sums = np.concatenate(([0.0], np.cumsum(blocks.positive)))
        if self._length <= _PLAIN_POINTS:
            each = np.concatenate(([0], np.cumsum(self.values > 0)))
            return each[borders]
        places = np.minimum(np.rint(borders / BLOCK).astype(np.intp), len(blocks))
        tail = int((self._values[len(blocks) * BLOCK : self._length] > 0).sum())
        return (sums[places] + np.where(borders >= self._length, tail, 0)).astype(np.intp)

    @property
    def last_step(self) -> float | None:
        """The newest step."""
        return self.point(-1)[0] if self._length else None

    @property
    def last(self) -> float | None:
        """The newest value."""
        return float(self._values[self._length - 1]) if self._length else None

    def best(self, *, largest: bool) -> tuple[int, float] | None:
        """Step and value of the first largest, or smallest, finite value; None without any."""
        sign = -1.0 if largest else 1.0
        blocks = self.blocks()
        tops, places = (blocks.high, blocks.high_at) if largest else (blocks.low, blocks.low_at)
        begin = len(blocks) * BLOCK
        rest = sign * self._values[begin : self._length]
        rest = np.concatenate((sign * tops, np.where(np.isfinite(rest), rest, np.inf)))
        if not len(rest) or not np.isfinite(rest.min()):
            return None
        place = int(np.argmin(rest))
        index = int(places[place]) if place < len(blocks) else begin + place - len(blocks)
        step, value = self.point(index)
        return int(step), value


def thin(x: Floats, y: Floats, bins: int) -> tuple[Floats, Floats]:
    """The two ends, and the minimum and maximum of each of `bins` stretches.

    x and y are float64 (n,), y finite.
    """
    if len(x) <= 2 * bins:
        return x, y
    from tsdownsample import MinMaxDownsampler

    downsampler = MinMaxDownsampler()  # type: ignore[no-untyped-call]
    extremes = downsampler.downsample(np.ascontiguousarray(y), n_out=2 * bins)
    keep = np.sort(np.concatenate(([0], extremes.astype(np.intp), [len(x) - 1])))
    keep = keep[np.diff(keep, prepend=-1) > 0]  # `np.unique` takes longer than all the rest
    return x[keep], y[keep]
