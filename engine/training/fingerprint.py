"""Hashes of what a run begins with: equal ones prove that two runs began alike."""

import hashlib
import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from torch import nn

from engine.config.configure import Plan
from engine.config.registry import Splits
from engine.runs.events import Origin
from engine.training import seeds
from presets.schema import RunConfig


def of(model: nn.Module, data: Splits, config: RunConfig, plan: Plan) -> Origin:
    """The hashes of a run before its first step; waits for the device."""
    return Origin(
        weights_sha256=weights(model),
        data_sha256=_arrays(
            array for split in (data.train, data.val, data.test) for array in (split.x, split.y)
        ),
        batches_sha256=batches(
            data,
            seed=config.seed,
            batch_size=plan.batch_size,
            epochs=math.ceil(plan.steps / plan.steps_per_epoch),
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


def batches(data: Splits, *, seed: int, batch_size: int, epochs: int) -> str:
    """SHA-256 of the samples in the batches of the first `epochs` epochs, in order."""
    digest = hashlib.sha256(f"batches of {batch_size}\n".encode())
    samples = len(data.train.y)
    for epoch in range(1, epochs + 1):
        if data.draw_train is not None:
            drawn = data.draw_train(seed, epoch)
            digest.update(_arrays((drawn.x, drawn.y)).encode())
            samples = len(drawn.y)
        if batch_size < samples:  # as `Batches` has it: the full batch needs no order
            digest.update(seeds.order(seed, epoch, samples).tobytes())
    return digest.hexdigest()


def _arrays(arrays: Iterable[NDArray[np.generic]]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
