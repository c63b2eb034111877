"""Stochastic gradient descent (Robbins and Monro 1951): w -= lr (g + weight_decay w)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from presets.schema import Config as Base
from presets.schema import NonNegative, Positive

if TYPE_CHECKING:
    from torch import nn, optim


class Config(Base, frozen=True):
    lr: Positive = 0.1
    weight_decay: NonNegative = 0.0
    """Strength of the L2 penalty, as a share of the weight added to its gradient."""


def build(config: Config, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
    from torch import optim

    return optim.SGD(parameters, lr=config.lr, weight_decay=config.weight_decay, fused=True)
