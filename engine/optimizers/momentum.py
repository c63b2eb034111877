"""Momentum (Polyak 1964) as a moving average: v = beta v + (1 - beta) g, w -= lr v, v0 = 0."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from presets.schema import Config as Base
from presets.schema import Fraction, Positive

if TYPE_CHECKING:
    from torch import nn, optim


class Config(Base, frozen=True):
    lr: Positive = 0.3
    beta: Fraction = 0.9
    """Decay of the moving average of the gradient."""


def build(config: Config, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
    import torch
    from torch import optim

    weights = list(parameters)
    # Torch has v = momentum v + (1 - dampening) g.
    optimizer = optim.SGD(
        weights, lr=config.lr, momentum=config.beta, dampening=config.beta, fused=True
    )
    if config.beta > 0:
        # Without a buffer torch takes the first gradient whole, undamped: 1 / (1 - beta) times
        # the first step of the formula.
        for weight in weights:
            optimizer.state[weight]["momentum_buffer"] = torch.zeros_like(weight)
    return optimizer
