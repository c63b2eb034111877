"""Passes of a model for those who only watch, which leave no trace in the training."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def untouched(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Inside, forward and backward passes of `model` change nothing that training goes on with.

    Every observer's passes run in here: buffers are copies, so that no tensor is written to which a
    graph with second derivatives may still need; there are no gradients; afterwards buffers,
    gradients, the mode of each module and torch's random streams are those of before, bit for bit.
    Weights are the observer's own business (see `two_sets` and `ema`).
    """
    modes = [(module, module.training) for module in model.modules()]
    buffers = [
        (module, name, buffer)
        for module in model.modules()
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    gradients = [(parameter, parameter.grad) for parameter in model.parameters()]
    copies: dict[int, Tensor] = {}
    for module, name, buffer in buffers:
        module._buffers[name] = copies.setdefault(id(buffer), buffer.clone())
    for parameter, _ in gradients:
        parameter.grad = None
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            yield
    finally:
        for module, name, buffer in buffers:
            module._buffers[name] = buffer
        for parameter, gradient in gradients:
            parameter.grad = gradient
        for module, mode in modes:
            module.training = mode
