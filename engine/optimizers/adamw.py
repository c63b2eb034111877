"""AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from presets.schema import Config as Base
from presets.schema import Fraction, NonNegative, Positive

if TYPE_CHECKING:
    from torch import nn, optim


class Config(Base, frozen=True):
    lr: Positive = 1e-3
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    """Decay of the moving averages of the gradient and of its square."""
    eps: Positive = 1e-8
    weight_decay: NonNegative = 0.01
    """Every step takes lr * weight_decay of each weight away, apart from the gradient."""


def build(config: Config, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
    from torch import optim

    return optim.AdamW(
        parameters,
        lr=config.lr,
        betas=config.betas,
        eps=config.eps,
        weight_decay=config.weight_decay,
        fused=True,
    )
