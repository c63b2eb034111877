"""The training batches of a run: on its device, in an order that (seed, epoch) decides."""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from engine.config.configure import Plan
from engine.config.registry import Samples, Split, Splits
from engine.tasks.experience import Experience, Surroundings
from engine.tasks.held_out_split import Tensors, to_device
from engine.training.data_order import order
from engine.training.data_order.permutation import permutation
from presets.schema import RunConfig

_PREFETCHED = 2
"""Number of batches that are prepared in the host's memory while the device works."""
_CALIBRATION = 8192
"""Number of samples from which batch-norm statistics of averaged weights are estimated."""
_CHUNK, _CHUNK_NUMBERS = 256, 2**22
"""Maximum size of a part of them, in samples and in numbers."""

_Sized = tuple[Tensor, Tensor, int]
"""A batch, and how many samples, tokens, frames or moves it has."""


CountUnits = Callable[[Tensor, Tensor], int]
"""Gives the samples, tokens, frames or moves of a batch."""


def _samples(x: Tensor, y: Tensor) -> int:
    return len(y)


def batches_of(
    data: Splits,
    config: RunConfig,
    plan: Plan,
    *,
    model: nn.Module,
    device: torch.device,
    count_units: CountUnits = _samples,
) -> "Batches | Experienced":
    """The training batches of a run; `count_units` gives the units of one from its x and y."""
    if data.experience is not None:
        around = Surroundings(model, device, config.seed, plan.batch_size)
        return Experienced(data.experience(around), count_units)
    return Batches(
        data,
        batch_size=plan.batch_size,
        per_epoch=plan.steps_per_epoch,
        seed=config.seed,
        device=device,
        on_host=stays_on_host(config.data_on, data.train, device),
        by_tokens=config.batch_tokens is not None,
        count_units=count_units,
    )


def stays_on_host(
    where: Literal["auto", "device", "host"], samples: Samples, device: torch.device
) -> bool:
    """Whether a training set is kept in the host's memory; with `auto` it is if it would take more
    than a quarter of a GPU's free memory. A `Source` is always read there."""
    if device.type != "cuda":
        return where == "host"
    if not isinstance(samples, Split):
        return True
    if where != "auto":
        return where == "host"
    free, _ = torch.cuda.mem_get_info(device)
    return 4 * (samples.x.nbytes + samples.y.nbytes) > free


class Experienced:
    """The batches of a run that come from its model as it learns."""

    def __init__(self, experience: Experience, count_units: CountUnits) -> None:
        self._experience = experience
        self._count_units = count_units
        self.units = 0
        """The samples, tokens, frames or moves of the batch that was asked for last."""

    def at(self, step: int) -> Tensors:
        """The batch of a step, counted from 1, x and y on the device."""
        x, y = self._experience.batch(step)
        self.units = self._count_units(x, y)
        return x, y

    def calibration(self) -> Iterator[Tensor]:
        """Nothing: there are no samples that are always the same."""
        return iter(())

    def state_dict(self) -> dict[str, Any]:
        """The state of the experience."""
        return self._experience.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load such a state. Raises KeyError, TypeError or ValueError if it does not fit."""
        self._experience.load_state_dict(state)


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
        by_tokens: bool = False,
        count_units: CountUnits = _samples,
    ) -> None:
        """`per_epoch` is the number of batches, as `configure.plan` counts them; `by_tokens` has
        all of them hold about the same number of tokens instead of samples. `count_units`
        gives the units of one from its x and y.

        With `on_host` the training set stays in the host's memory: a thread puts the next batches
        into pinned memory, from which they are copied while the device works.
        """
        self._data = data
        self._batch_size = batch_size
        self._per_epoch = per_epoch
        self._seed = seed
        self._device = device
        self._on_host = on_host
        self._by_tokens = by_tokens
        self._count_units = count_units
        self._home = torch.device("cpu") if on_host else device
        self._train = self._at_home(data.train)
        self.units = 0
        """The samples, tokens, frames or moves of the batch that was asked for last."""
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
        x, y, self.units = next(self._stream)
        return x, y

    def calibration(self) -> Iterator[Tensor]:
        """Inputs of up to 8,192 training samples, the same ones each time, in even chunks of two
        or more: (chunk, *input_shape), on the device. Nothing where there are not two samples."""
        train = self._data.train
        samples = _count(train)
        chosen = permutation(self._seed, 0, samples).part(0, _CALIBRATION)  # no epoch's order
        numbers = train.x[0].size if isinstance(train, Split) else 1
        parts = max(1, len(chosen) // max(2, min(_CHUNK, _CHUNK_NUMBERS // max(1, numbers))))
        for rows in np.array_split(chosen, parts) if len(chosen) > 1 else []:
            x = train.x[rows] if isinstance(train, Split) else train.batch(rows).x
            yield torch.from_numpy(x).to(self._device)

    def _at_home(self, samples: Samples) -> Tensors | Samples:
        return to_device(samples, self._home) if isinstance(samples, Split) else samples

    def _begin(self, step: int) -> Generator[_Sized]:
        batches = self._after(step)
        return self._prefetched(batches) if self._on_host else batches

    def _after(self, step: int) -> Generator[_Sized]:
        """All batches after `step` steps; never ends."""
        done, inside = divmod(step, self._per_epoch)
        yield from self._epoch(done + 1, inside)
        for number in count(done + 2):
            yield from self._epoch(number)

    def _prefetched(self, batches: Iterator[_Sized]) -> Generator[_Sized]:
        """The same batches, on the device."""
        with ThreadPoolExecutor(1, "batches") as pool:
            ready = deque(pool.submit(self._pick, batches) for _ in range(_PREFETCHED))
            while True:
                x, y, units = ready.popleft().result()
                ready.append(pool.submit(self._pick, batches))
                yield (
                    x.to(self._device, non_blocking=True),
                    y.to(self._device, non_blocking=True),
                    units,
                )

    def _pick(self, batches: Iterator[_Sized]) -> _Sized:
        """In the thread: the next batch, in memory from which a GPU can copy by itself."""
        x, y, units = next(batches)
        if self._device.type == "cuda":
            return x.pin_memory(), y.pin_memory(), units
        return x, y, units

    def epoch(self, number: int) -> Iterator[Tensors]:
        """The batches of epoch `number`, counted from 1, on the host or device that has the set."""
        for x, y, _ in self._epoch(number):
            yield x, y

    def _epoch(self, number: int, skipped: int = 0) -> Iterator[_Sized]:
        """The batches of an epoch behind the first `skipped` ones."""
        drawn = self._data.train
        if self._data.draw_train is not None:
            drawn = self._data.draw_train(self._seed, number)
            self._train = self._at_home(drawn)
        samples = _count(drawn)
        if isinstance(self._train, tuple) and self._batch_size >= samples:
            x, y = self._train  # the full batch needs no order
            yield x, y, self._count_units(x, y)
            return
        groups = order.batches(
            drawn,
            seed=self._seed,
            epoch=number,
            batch_size=self._batch_size,
            number=self._per_epoch,
            by_tokens=self._by_tokens,
            skipped=skipped,
        )
        for index in groups:
            if isinstance(self._train, tuple):
                rows = torch.from_numpy(index).to(self._home)
                x, y = (tensor.index_select(0, rows) for tensor in self._train)
            else:
                x, y = to_device(self._train.batch(index), self._home)  # type: ignore[union-attr]
            yield x, y, self._count_units(x, y)


def _count(samples: Samples) -> int:
    return len(samples.y) if isinstance(samples, Split) else len(samples)
