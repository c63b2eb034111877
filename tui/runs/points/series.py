"""Series of a metric over steps, which grow cheaply and are thinned without losing an extreme."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tui.runs.points.block_sums import BLOCK, Blocks, no_blocks
from tui.runs.points.step_column import Floats, Steps, grown

__all__ = ["Floats", "Series", "thin"]

NEIGHBOURS = 64
"""Number of points outside of a window among which a finite value is searched."""
_PLAIN_POINTS = 2**17
"""Number of points up to which each is thinned; beyond that, their block sums are."""


class Series:
    """A metric over steps; values may be NaN or infinite."""

    def __init__(self) -> None:
        self._steps = Steps()
        self._values = np.empty(256)
        self._length = 0
        self._blocks = no_blocks()
        self.cuts = 0
        """Number of times that points were taken away; whoever computes from a series checks it."""

    @classmethod
    def of(cls, steps: Steps, values: Floats, blocks: Blocks) -> Series:
        """A series that takes over arrays; `values` may have room behind the last step."""
        made = cls()
        made._steps, made._values, made._blocks = steps, values, blocks
        made._length = len(steps)
        return made

    def __len__(self) -> int:
        return self._length

    def extend(
        self, steps: Sequence[float] | Floats, values: Sequence[float | str] | Floats
    ) -> None:
        """Append points; the texts "nan", "inf" and "-inf" count as numbers."""
        needed = self._length + len(steps)
        self._values = grown(self._values, self._length, needed)
        self._values[self._length : needed] = np.asarray(values, dtype=np.float64)
        self._steps.extend(steps)
        self._length = needed

    def merge(
        self, steps: Sequence[float] | Floats, values: Sequence[float | str] | Floats
    ) -> None:
        """Add points whose steps do not fall, each after those of its step or lower ones.

        Points that come late cost time for all points after them.
        """
        last = self.last_step
        if not len(steps) or last is None or steps[0] >= last:
            self.extend(steps, values)
            return
        kept = self.index_after(steps[0])
        old_steps, old_values = self.steps[kept:].copy(), self.values[kept:].copy()
        self.truncate(steps[0])
        all_steps = np.concatenate((old_steps, np.asarray(steps, dtype=np.float64)))
        order = np.argsort(all_steps, kind="stable")
        all_values = np.concatenate((old_values, np.asarray(values, dtype=np.float64)))
        self.extend(all_steps[order], all_values[order])

    def truncate(self, step: float) -> None:
        """Forget the points after `step`. Steps never fall from one point to the next.

        Arrays that were returned before stay as they are.
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
        """float64 (n,), must not be written to. Costs memory for a long series."""
        return self._steps.between(0, self._length)

    @property
    def values(self) -> Floats:
        """float64 (n,), a view that must not be written to."""
        return self._values[: self._length]

    @property
    def rule(self) -> Steps:
        """The steps as they are stored."""
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
        """The block sums, with those of new points."""
        self._blocks = self._blocks.continued(self.values)
        return self._blocks

    @property
    def summed(self) -> Blocks:
        """The block sums that were made so far, at no cost."""
        return self._blocks

    def window(self, low: float, high: float, bins: int) -> tuple[Floats, Floats]:
        """The points that a plot of low <= step <= high needs: steps and finite values,
        float64 (n,) each.

        About 2 * bins + 4 points at most: the first, the last, the extremes of each of `bins`
        stretches, and the finite neighbours outside, to which the line goes on.
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
        """Indices and values of the extremes: of block sums, and of points at both ends."""
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
        """The steps from index `since` on at which the value is not finite, float64 (n,)."""
        blocks = self.blocks()
        bad = np.flatnonzero(blocks.finite[since // BLOCK :] < BLOCK) + since // BLOCK
        stretches = [(max(since, b * BLOCK), (b + 1) * BLOCK) for b in bad.tolist()]
        stretches.append((max(since, len(blocks) * BLOCK), self._length))
        found = [a + np.flatnonzero(~np.isfinite(self._values[a:b])) for a, b in stretches]
        return self._steps.at(np.concatenate(found))

    def positive(self, borders: NDArray[np.intp]) -> NDArray[np.intp]:
        """The number of values greater than 0 before each of these indices, int (n,).

        In a long series an index is rounded to the nearest border of a block, except the last.
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
        return self._steps.last

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
    """Keep the two ends, and the minimum and maximum of each of `bins` stretches.

    x and y are float64 (n,) each, y finite.
    """
    if len(x) <= 2 * bins:
        return x, y
    from tsdownsample import MinMaxDownsampler

    downsampler = MinMaxDownsampler()  # type: ignore[no-untyped-call]
    extremes = downsampler.downsample(np.ascontiguousarray(y), n_out=2 * bins)
    keep = np.sort(np.concatenate(([0], extremes.astype(np.intp), [len(x) - 1])))
    keep = keep[np.diff(keep, prepend=-1) > 0]  # `np.unique` takes longer than all the rest
    return x[keep], y[keep]
