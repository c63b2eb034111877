"""The steps of a series: a rule while they are evenly spaced, an array once they are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Steps:
    """A growing list of steps that never fall.

    Nearly every metric is recorded at every step or at every n-th one, so ten million steps take
    three numbers.
    """

    def __init__(self, first: float = 0.0, stride: float = 1.0, length: int = 0) -> None:
        self._first, self._stride, self._length = first, stride, length
        self._array: Floats | None = None

    @classmethod
    def of(cls, array: Floats, length: int) -> Steps:
        """Steps that take over an array: the first `length` values are steps, the rest room."""
        made = cls(length=length)
        made._array = array
        return made

    def __len__(self) -> int:
        return self._length

    @property
    def rule(self) -> tuple[float, float] | None:
        """The first step and the stride; None if the steps are an array."""
        return None if self._array is not None else (self._first, self._stride)

    @property
    def last(self) -> float | None:
        """The newest step; None without any."""
        if not self._length:
            return None
        if self._array is not None:
            return float(self._array[self._length - 1])
        return self._first + self._stride * (self._length - 1)

    def extend(self, steps: Sequence[float] | Floats) -> None:
        """Append steps."""
        new = np.asarray(steps, dtype=np.float64)
        if not len(new):
            return
        if self._array is None and not self._continue(new):
            self._array = np.empty(max(256, 2 * self._length))
            self._array[: self._length] = self.between(0, self._length, array=False)
        self._length += len(new)
        if self._array is not None:
            self._array = grown(self._array, self._length - len(new), self._length)
            self._array[self._length - len(new) : self._length] = new

    def _continue(self, new: Floats) -> bool:
        """Whether the rule holds for these steps too; the first steps make the rule."""
        first, stride = self._first, self._stride
        if self._length == 0:
            first = float(new[0])
        if self._length < 2 and self._length + len(new) > 1:
            second = float(new[1 - self._length])
            stride = second - first
        if stride <= 0 and self._length + len(new) > 1:
            return False
        begin = self._length
        if len(new) == 1:  # as of a log that grows; the general way takes ten times as long
            if float(new[0]) != first + stride * begin:
                return False
            self._first, self._stride = first, stride
            return True
        if not np.array_equal(new, first + stride * np.arange(begin, begin + len(new))):
            return False
        self._first, self._stride = first, stride
        return True

    def truncate(self, length: int) -> None:
        """Keep the first `length` steps. Arrays that were returned before stay as they are."""
        self._length = length
        if self._array is not None:
            self._array = self._array[:length].copy()

    def between(self, begin: int, end: int, *, array: bool = True) -> Floats:
        """The steps from one index up to another, float64 (n,)."""
        if array and self._array is not None:
            return self._array[begin:end]
        # Not where steps begin late, as with tokens: the array would hold all numbers before them.
        if begin == 0 and self._stride == 1 and 0 <= self._first <= end and self._first % 1 == 0:
            return _counted(int(self._first), int(self._first) + end)
        return self._first + self._stride * np.arange(begin, end, dtype=np.float64)

    def at(self, indices: NDArray[np.intp]) -> Floats:
        """The steps at these indices."""
        if self._array is not None:
            return self._array[indices]
        found: Floats = np.asarray(self._first + self._stride * indices, dtype=np.float64)
        return found

    def search(self, step: float, side: Literal["left", "right"]) -> int:
        """The index of a step, see `numpy.searchsorted`."""
        if self._array is not None:
            return int(np.searchsorted(self._array[: self._length], step, side=side))
        if not self._length or np.isnan(step):
            return self._length
        place = (step - self._first) / self._stride
        if not -1.0 <= place <= self._length:
            return 0 if place < 0 else self._length
        index = int(np.floor(place)) - 1  # rounding is one off at most
        index = min(max(index, 0), self._length)
        while index < self._length:
            here = self._first + self._stride * index
            if here > step or (here == step and side == "left"):
                break
            index += 1
        return index


class _Counting:
    """The numbers 0, 1, 2, ... as one array, shared by all series that count like that."""

    array: Floats = np.arange(1024.0)


def _counted(begin: int, end: int) -> Floats:
    if end > len(_Counting.array):
        _Counting.array = np.arange(float(end + end // 4))
        _Counting.array.flags.writeable = False
    return _Counting.array[begin:end]


def grown(array: Floats, used: int, needed: int) -> Floats:
    """The array, or a copy twice as large if it has no room for `needed` values."""
    if needed <= len(array):
        return array
    larger = np.empty(max(needed, 2 * len(array)))
    larger[:used] = array[:used]
    return larger
