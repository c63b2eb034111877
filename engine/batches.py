"""The training batches of a run: on its device, in an order that (seed, epoch) decides."""

from collections.abc import Iterator
from itertools import count, islice

import torch
from torch import Tensor

from engine import seeds
from engine.registry import Split, Splits

Tensors = tuple[Tensor, Tensor]
"""Inputs float32 (n, *input_shape) and labels int64 (n,)."""


def to_device(split: Split, device: torch.device) -> Tensors:
    """The arrays of a split as tensors on `device`."""
    return torch.from_numpy(split.x).to(device), torch.from_numpy(split.y).to(device)


class Batches:
    """Deals out the training set, epoch by epoch; the data stays on the device."""

    def __init__(
        self, data: Splits, *, batch_size: int, per_epoch: int, seed: int, device: torch.device
    ) -> None:
        """`per_epoch` is the number of batches, as `configure.batches_per_epoch` counts them."""
        self._data = data
        self._batch_size = batch_size
        self._per_epoch = per_epoch
        self._seed = seed
        self._device = device
        self._train = to_device(data.train, device)
        self._next_step = 1
        self._stream = self._after(0)

    def at(self, step: int) -> Tensors:
        """The batch of a step, counted from 1; following steps are dealt out without a search."""
        if step != self._next_step:
            self._stream = self._after(step - 1)
        self._next_step = step + 1
        return next(self._stream)

    def _after(self, step: int) -> Iterator[Tensors]:
        """All batches after `step` steps, without end."""
        done, inside = divmod(step, self._per_epoch)
        yield from islice(self.epoch(done + 1), inside, None)
        for number in count(done + 2):
            yield from self.epoch(number)

    def epoch(self, number: int) -> Iterator[Tensors]:
        """The batches of epoch `number`, counted from 1."""
        if self._data.draw_train is not None:
            self._train = to_device(self._data.draw_train(self._seed, number), self._device)
        x, y = self._train
        if self._batch_size >= len(y):
            yield x, y  # the full batch needs no order
            return
        order = torch.from_numpy(seeds.order(self._seed, number, len(y))).to(self._device)
        for index in torch.split(order, self._batch_size)[: self._per_epoch]:
            yield x.index_select(0, index), y.index_select(0, index)
