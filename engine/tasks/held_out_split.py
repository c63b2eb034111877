"""A validation or test split on the device of the model, chunk by chunk."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.config.registry import Samples, Split

Tensors = tuple[Tensor, Tensor]
"""Inputs and targets, in the shapes and dtypes that `registry.Split` describes."""

_SAMPLES = 1024  # at a time, and
_NUMBERS = 2**22  # of inputs at a time: both bound the memory, whatever the size of the set
_PADDED = 128  # of a `Source` at a time


def to_device(split: Split, device: torch.device) -> Tensors:
    """The arrays of a split as tensors on `device`."""
    return torch.from_numpy(split.x).to(device), torch.from_numpy(split.y).to(device)


class HeldOut:
    """The samples of a split, always in the same chunks and the same order.

    A `Split` lies on the device as a whole. A `Source` is read a chunk at a time, the shortest
    samples first, so that little of a chunk is padding.
    """

    def __init__(
        self,
        samples: Samples,
        device: torch.device,
        *,
        chunk: int | None = None,
        final: bool = False,
    ) -> None:
        """`chunk` is the number of samples at a time; None: as memory allows."""
        self.final = final
        """Whether this is the evaluation at the end of a run, which may take longer than those
        that come again and again."""
        self._samples = samples
        self.device = device
        self._chunk = chunk
        self._whole = to_device(samples, device) if isinstance(samples, Split) else None
        self.order: NDArray[np.int64] = np.arange(len(self))
        """The indices of the samples in the order of the chunks."""
        if not isinstance(samples, Split) and samples.lengths is not None:
            self.order = np.argsort(samples.lengths, kind="stable")

    def __len__(self) -> int:
        samples = self._samples
        return len(samples.y) if isinstance(samples, Split) else len(samples)

    def chunks(self, most: int | None = None) -> Iterator[Tensors]:
        """x and y, (chunk, ...), on the device; up to `most` samples at a time."""
        size = min(self._size(), most or len(self) or 1)
        for first in range(0, len(self), size):
            if self._whole is not None:
                x, y = self._whole
                yield x[first : first + size], y[first : first + size]
            else:
                yield self.samples(self.order[first : first + size])

    def samples(self, index: Sequence[int] | NDArray[np.int64]) -> Tensors:
        """x and y of these samples, in this order, on the device."""
        chosen = np.asarray(index, dtype=np.int64)
        if self._whole is not None:
            rows = torch.from_numpy(chosen).to(self.device)
            x, y = self._whole
            return x.index_select(0, rows), y.index_select(0, rows)
        assert not isinstance(self._samples, Split)
        return to_device(self._samples.batch(chosen), self.device)

    def _size(self) -> int:
        """The number of samples at a time that memory allows."""
        if self._chunk is not None:
            return self._chunk
        if self._whole is None:
            return _PADDED
        numbers = self._whole[0][0].numel() if len(self) else 1
        return max(1, min(_SAMPLES, _NUMBERS // max(1, numbers)))
