"""A metric over steps that grows cheaply, and thinning that never loses a minimum or a maximum."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tsdownsample import MinMaxDownsampler

Floats = NDArray[np.float64]


class Series:
    """Steps and values in growing arrays; values may be NaN or infinite."""

    def __init__(self) -> None:
        self._data = np.empty((2, 256))
        self._length = 0
        self.cuts = 0
        """How often points were taken away again; whoever computes from a series has to notice."""

    def __len__(self) -> int:
        return self._length

    def extend(self, steps: Sequence[float], values: Sequence[float | str]) -> None:
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


def thin(x: Floats, y: Floats, bins: int) -> tuple[Floats, Floats]:
    """The two ends, and the minimum and maximum of each of `bins` stretches.

    x and y are float64 (n,), y finite.
    """
    if len(x) <= 2 * bins:
        return x, y
    downsampler = MinMaxDownsampler()  # type: ignore[no-untyped-call]
    extremes = downsampler.downsample(np.ascontiguousarray(y), n_out=2 * bins)
    keep = np.unique(np.concatenate(([0], extremes.astype(np.intp), [len(x) - 1])))
    return x[keep], y[keep]


class Smoothed:
    """The smoothed values of a series that grows; only what is new is computed."""

    def __init__(self, beta: float = 0.9) -> None:
        self._series = Series()
        self._beta = beta
        self._average = 0.0
        self._weight = 0.0
        self._cuts = 0

    def of(self, source: Series) -> Series:
        """`source` smoothed by an exponential moving average with bias correction.

        s_t = beta s_(t-1) + (1 - beta) y_t, divided by 1 - beta^t, as Adam corrects its moments
        (Kingma and Ba 2015). Non-finite values are passed over.
        """
        if source.cuts != self._cuts:  # some of what was averaged is void: begin again
            self._series, self._average, self._weight = Series(), 0.0, 0.0
            self._cuts = source.cuts
        done = len(self._series)
        values = [self._next(value) for value in source.values[done:].tolist()]
        self._series.extend(source.steps[done:].tolist(), values)
        return self._series

    def _next(self, value: float) -> float:
        if math.isfinite(value):
            self._average = self._beta * self._average + (1 - self._beta) * value
            self._weight = self._beta * self._weight + (1 - self._beta)
        return self._average / self._weight if self._weight else math.nan
