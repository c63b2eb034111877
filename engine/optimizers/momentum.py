"""Momentum (Polyak 1964) as a moving average: v = beta v + (1 - beta) g, w -= lr v, v0 = 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.training.updates.parameter_groups import Groups, tuned
from presets.schema import Config as Base
from presets.schema import Fraction, Positive

if TYPE_CHECKING:
    from torch import optim

STATE_TENSORS = 1


class Config(Base, frozen=True):
    lr: Positive = 0.3
    beta: Fraction = 0.9
    """Decay of the moving average of the gradient."""


def build(config: Config, groups: Groups) -> optim.Optimizer:
    from torch import optim

    # Torch has v = momentum v + (1 - dampening) g.
    beta = config.beta
    return from_rest(optim.SGD(tuned(groups, config), momentum=beta, dampening=beta, fused=True))


def from_rest(optimizer: optim.SGD) -> optim.SGD:
    """Make the optimizer begin with v0 = 0, and return it. Without a buffer torch uses the first
    gradient undamped, and leaves the buffer undefined if a GPU skips the first step."""
    import torch

    for group in optimizer.param_groups:
        for weight in group["params"] if group["momentum"] > 0 else []:
            optimizer.state[weight]["momentum_buffer"] = torch.zeros_like(weight)
    return optimizer
