"""Hashes of what a run begins with: equal ones prove that two runs began alike."""

import hashlib
import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from torch import nn

from engine.config.configure import Plan
from engine.config.registry import Samples, Split, Splits
from engine.runs.events import Origin
from engine.training.data_order import order, seeds
from engine.training.data_order.permutation import MOST_IN_MEMORY
from presets.schema import RunConfig


def of(model: nn.Module, data: Splits, config: RunConfig, plan: Plan) -> Origin:
    """The hashes of a run before its first step; waits for the device."""
    return Origin(
        weights_sha256=weights(model),
        data_sha256=_data(data),
        batches_sha256=batches(
            data,
            seed=config.seed,
            batch_size=plan.batch_size,
            epochs=math.ceil(plan.steps / plan.steps_per_epoch),
            number=plan.steps_per_epoch,
            by_tokens=config.batch_tokens is not None,
        ),
    )


def weights(model: nn.Module) -> str:
    """SHA-256 of all parameters and buffers, in order, with names, dtypes and shapes."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        array = tensor.detach().cpu().contiguous().numpy()
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def batches(
    data: Splits,
    *,
    seed: int,
    batch_size: int,
    epochs: int,
    number: int,
    by_tokens: bool = False,
) -> str:
    """SHA-256 of the samples in the batches of the first `epochs` epochs, in order, of `number`
    batches each. Where they come from the model as it learns, they are not known before."""
    digest = hashlib.sha256(f"batches of {batch_size}\n".encode())
    if data.experience is not None:
        return digest.hexdigest()
    train = data.train
    for epoch in range(1, epochs + 1):
        if data.draw_train is not None:
            train = data.draw_train(seed, epoch)
            digest.update(_samples(train).encode())
        if not isinstance(train, Split) and len(train) > MOST_IN_MEMORY:
            digest.update(f"order {len(train)} {seed} {epoch}\n".encode())  # decide all of it
        elif not isinstance(train, Split):
            for index in order.batches(
                train,
                seed=seed,
                epoch=epoch,
                batch_size=batch_size,
                number=number,
                by_tokens=by_tokens,
            ):
                digest.update(index.tobytes() + b"\n")
        elif batch_size < len(train.y):  # as `Batches` has it: the full batch needs no order
            digest.update(seeds.order(seed, epoch, len(train.y)).tobytes())
    return digest.hexdigest()


def _data(data: Splits) -> str:
    """SHA-256 of all samples of all splits."""
    splits = (data.train, data.val, data.test)
    if all(isinstance(split, Split) for split in splits):
        return _arrays(
            array for split in splits if isinstance(split, Split) for array in (split.x, split.y)
        )
    return hashlib.sha256("\n".join(map(_samples, splits)).encode()).hexdigest()


def _samples(samples: Samples) -> str:
    if isinstance(samples, Split):
        return _arrays((samples.x, samples.y))
    return samples.fingerprint()


def _arrays(arrays: Iterable[NDArray[np.generic]]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
