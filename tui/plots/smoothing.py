"""Smooth series that grow, by an exponential average or a moving median; pure.

Only what is new is computed, and that block by block, so that a long series costs no Python loop.
"""

from abc import ABC, abstractmethod
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tui.runs.points.series import Floats, Series

BLOCK = 256
"""Number of values that one matrix product averages."""
_MEDIANS = 4096
"""Number of medians that are computed at once, which bounds the memory."""


class Smoother(ABC):
    """A smoothed copy of a series that grows. Non-finite values are passed over: where one
    stands, the result goes on as it was."""

    def __init__(self) -> None:
        self._series = Series()
        self._cuts = 0

    def of(self, source: Series) -> Series:
        """`source` smoothed, which must be the same at each call."""
        if source.cuts != self._cuts:  # some of what was smoothed is void: begin again
            self._series, self._cuts = Series(), source.cuts
            self._begin()
        done = len(self._series)
        if done < len(source):
            values = source.values[done:]
            known = np.isfinite(values)
            before = np.nan if self._series.last is None else self._series.last
            smooth = np.concatenate(([before], self._next(values[known])))
            self._series.extend(source.steps[done:], smooth[np.cumsum(known)])
        return self._series

    @abstractmethod
    def _begin(self) -> None:
        """Forget all values."""

    @abstractmethod
    def _next(self, values: Floats) -> Floats:
        """The smoothed value at each of some more values, which are finite."""


@cache
def _weights(beta: float) -> tuple[Floats, Floats]:
    """beta^(i + 1) for each i of a block, and the weight of value j in average i, (BLOCK,
    BLOCK)."""
    lags = np.subtract.outer(np.arange(float(BLOCK)), np.arange(float(BLOCK)))
    return (
        beta ** np.arange(1.0, BLOCK + 1),
        np.where(lags >= 0, (1 - beta) * beta ** np.maximum(lags, 0), 0.0),
    )


class Average(Smoother):
    """An exponential moving average with bias correction.

    s_t = beta s_(t-1) + (1 - beta) y_t, divided by 1 - beta^t, as Adam corrects its moments
    (Kingma and Ba 2015).
    """

    def __init__(self, beta: float = 0.9) -> None:
        super().__init__()
        self._decay, self._weights = _weights(beta)
        self._begin()

    def _begin(self) -> None:
        self._average, self._weight = 0.0, 0.0

    def _next(self, values: Floats) -> Floats:
        smooth = np.empty(len(values))
        for begin in range(0, len(values), BLOCK):
            block = values[begin : begin + BLOCK]
            size = len(block)
            decay = self._decay[:size]
            averages = self._weights[:size, :size] @ block + decay * self._average
            weights = 1 - decay * (1 - self._weight)
            smooth[begin : begin + size] = averages / weights
            self._average, self._weight = float(averages[-1]), float(weights[-1])
        return smooth


class Median(Smoother):
    """A moving median of the last `size` values, an odd number; of fewer at the beginning."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size
        self._begin()

    def _begin(self) -> None:
        self._before: Floats = np.empty(0)
        """The last values so far, fewer than `size`."""

    def _next(self, values: Floats) -> Floats:
        size, known = self._size, len(self._before)
        everything = np.concatenate((self._before, values))
        self._before = everything[max(0, len(everything) - size + 1) :].copy()
        few = range(known + 1, min(size, len(everything) + 1))  # while there are fewer than `size`
        first = [float(np.median(everything[:count])) for count in few]
        if len(everything) < size:
            return np.array(first)
        windows = sliding_window_view(everything, size)
        parts = [
            np.partition(windows[begin : begin + _MEDIANS], size // 2, axis=1)[:, size // 2]
            for begin in range(0, len(windows), _MEDIANS)
        ]
        return np.concatenate((first, *parts))
