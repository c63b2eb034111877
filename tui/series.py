"""A metric over steps that grows cheaply, and thinning that never loses a minimum or a maximum."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tsdownsample import MinMaxDownsampler

Floats = NDArray[np.float64]
NEIGHBOURS = 64
"""How far outside of a window a finite value is looked for."""


class Series:
    """Steps and values in growing arrays; values may be NaN or infinite."""

    def __init__(self) -> None:
        self._data = np.empty((2, 256))
        self._length = 0
        self.cuts = 0
        """How often points were taken away again; whoever computes from a series has to notice."""

    def __len__(self) -> int:
        return self._length

    def extend(
        self, steps: Sequence[float] | Floats, values: Sequence[float | str] | Floats
    ) -> None:
        """Append points; the texts "nan", "inf" and "-inf" are numbers here."""
        needed = self._length + len(steps)
        if needed > self._data.shape[1]:
            grown = np.empty((2, max(needed, 2 * self._data.shape[1])))
            grown[:, : self._length] = self._data[:, : self._length]
            self._data = grown
        self._data[0, self._length : needed] = steps
        self._data[1, self._length : needed] = np.asarray(values, dtype=np.float64)
        self._length = needed

    def truncate(self, step: float) -> None:
        """Forget the points after `step`. Steps never fall from one point to the next."""
        kept = int(np.searchsorted(self.steps, step, side="right"))
        if kept < self._length:
            self._length = kept
            self.cuts += 1

    @property
    def steps(self) -> Floats:
        """float64 (n,), a view that must not be written."""
        return self._data[0, : self._length]

    @property
    def values(self) -> Floats:
        """float64 (n,), a view that must not be written."""
        return self._data[1, : self._length]

    def window(self, low: float, high: float, bins: int) -> tuple[Floats, Floats]:
        """What a plot needs of low <= step <= high: steps and finite values, float64 (n,).

        At most about 2 * bins + 4 points, with the first, the last, and the extremes of each of
        `bins` stretches; besides, the finite neighbours outside, to which a line goes on.
        """
        begin = int(np.searchsorted(self.steps, low, side="left"))
        end = int(np.searchsorted(self.steps, high, side="right"))
        x, y = _finite(self.steps[begin:end], self.values[begin:end])
        x, y = thin(x, y, bins)
        before = _finite(*self._part(begin - NEIGHBOURS, begin))
        after = _finite(*self._part(end, end + NEIGHBOURS))
        return (
            np.concatenate((before[0][-1:], x, after[0][:1])),
            np.concatenate((before[1][-1:], y, after[1][:1])),
        )

    def _part(self, begin: int, end: int) -> tuple[Floats, Floats]:
        return self.steps[max(0, begin) : end], self.values[max(0, begin) : end]

    @property
    def last(self) -> float | None:
        """The newest value."""
        return float(self.values[-1]) if self._length else None

    def best(self, *, largest: bool) -> tuple[int, float] | None:
        """Step and value of the first largest, or smallest, finite value; None without any."""
        finite = np.flatnonzero(np.isfinite(self.values))
        if not len(finite):
            return None
        values = self.values[finite]
        index = finite[np.argmax(values) if largest else np.argmin(values)]
        return int(self.steps[index]), float(self.values[index])


def _finite(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    known = np.isfinite(y)
    return (x, y) if known.all() else (x[known], y[known])


def thin(x: Floats, y: Floats, bins: int) -> tuple[Floats, Floats]:
    """The two ends, and the minimum and maximum of each of `bins` stretches.

    x and y are float64 (n,), y finite.
    """
    if len(x) <= 2 * bins:
        return x, y
    downsampler = MinMaxDownsampler()  # type: ignore[no-untyped-call]
    extremes = downsampler.downsample(np.ascontiguousarray(y), n_out=2 * bins)
    keep = np.sort(np.concatenate(([0], extremes.astype(np.intp), [len(x) - 1])))
    keep = keep[np.diff(keep, prepend=-1) > 0]  # `np.unique` takes longer than all the rest
    return x[keep], y[keep]
