"""The training batches of a run: on its device, in an order that (seed, epoch) decides."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from engine.config.registry import Split, Splits
from engine.training import seeds

Tensors = tuple[Tensor, Tensor]
"""Inputs and targets, in the shapes and dtypes that `registry.Split` describes."""

_PREFETCHED = 2
"""Number of batches that are prepared in the host's memory while the device works."""
_CALIBRATION = 8192
"""Number of samples from which batch-norm statistics of averaged weights are estimated."""
_CHUNK, _CHUNK_NUMBERS = 256, 2**22
"""Maximum size of a part of them, in samples and in numbers."""


def to_device(split: Split, device: torch.device) -> Tensors:
    """The arrays of a split as tensors on `device`."""
    return torch.from_numpy(split.x).to(device), torch.from_numpy(split.y).to(device)


def stays_on_host(
    where: Literal["auto", "device", "host"], split: Split, device: torch.device
) -> bool:
    """Whether a training set is kept in the host's memory; with `auto` it is if it would take more
    than a quarter of a GPU's free memory."""
    if device.type != "cuda" or where != "auto":
        return where == "host"
    free, _ = torch.cuda.mem_get_info(device)
    return 4 * (split.x.nbytes + split.y.nbytes) > free


class Batches:
    """The training batches of a run, epoch by epoch, on its device."""

    def __init__(
        self,
        data: Splits,
        *,
        batch_size: int,
        per_epoch: int,
        seed: int,
        device: torch.device,
        on_host: bool = False,
    ) -> None:
        """`per_epoch` is the number of batches, as `configure.batches_per_epoch` counts them.

        With `on_host` the training set stays in the host's memory: a thread puts the next batches
        into pinned memory, from which they are copied while the device works.
        """
        self._data = data
        self._batch_size = batch_size
        self._per_epoch = per_epoch
        self._seed = seed
        self._device = device
        self._on_host = on_host
        self._home = torch.device("cpu") if on_host else device
        self._train = to_device(data.train, self._home)
        self._next_step = 1
        self._stream = self._begin(0)

    def at(self, step: int) -> Tensors:
        """The batch of a step, counted from 1; quickest for the step after the last one asked for.

        x: (batch, *input_shape), y: as `registry.Split` says, both on the device.
        """
        if step != self._next_step:
            self._stream.close()
            self._stream = self._begin(step - 1)
        self._next_step = step + 1
        return next(self._stream)

    def calibration(self) -> Iterator[Tensor]:
        """Inputs of up to 8,192 training samples, the same ones each time, in even chunks of two
        or more: (chunk, *input_shape), on the device. Nothing where there are not two samples."""
        x = self._data.train.x
        chosen = seeds.order(self._seed, 0, len(x))[:_CALIBRATION]  # epochs are counted from 1
        size = max(2, min(_CHUNK, _CHUNK_NUMBERS // max(1, x[0].size)))
        parts = max(1, len(chosen) // size)
        for rows in np.array_split(chosen, parts) if len(chosen) > 1 else []:
            yield torch.from_numpy(x[rows]).to(self._device)

    def _begin(self, step: int) -> Generator[Tensors]:
        batches = self._after(step)
        return self._prefetched(batches) if self._on_host else batches

    def _after(self, step: int) -> Generator[Tensors]:
        """All batches after `step` steps; never ends."""
        done, inside = divmod(step, self._per_epoch)
        yield from islice(self.epoch(done + 1), inside, None)
        for number in count(done + 2):
            yield from self.epoch(number)

    def _prefetched(self, batches: Iterator[Tensors]) -> Generator[Tensors]:
        """The same batches, on the device."""
        with ThreadPoolExecutor(1, "batches") as pool:
            ready = deque(pool.submit(self._pick, batches) for _ in range(_PREFETCHED))
            while True:
                x, y = ready.popleft().result()
                ready.append(pool.submit(self._pick, batches))
                yield (
                    x.to(self._device, non_blocking=True),
                    y.to(self._device, non_blocking=True),
                )

    def _pick(self, batches: Iterator[Tensors]) -> Tensors:
        """In the thread: the next batch, in memory from which a GPU can copy by itself."""
        x, y = next(batches)
        return (x.pin_memory(), y.pin_memory()) if self._device.type == "cuda" else (x, y)

    def epoch(self, number: int) -> Iterator[Tensors]:
        """The batches of epoch `number`, counted from 1, on the host or device that has the set."""
        if self._data.draw_train is not None:
            self._train = to_device(self._data.draw_train(self._seed, number), self._home)
        x, y = self._train
        if self._batch_size >= len(y):
            yield x, y  # the full batch needs no order
            return
        order = torch.from_numpy(seeds.order(self._seed, number, len(y))).to(self._home)
        for index in torch.split(order, self._batch_size)[: self._per_epoch]:
            yield x.index_select(0, index), y.index_select(0, index)
