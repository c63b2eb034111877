"""Adam (Kingma and Ba 2015, arXiv:1412.6980)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from presets.schema import Config as Base
from presets.schema import Fraction, Positive

if TYPE_CHECKING:
    from torch import nn, optim


class Config(Base, frozen=True):
    lr: Positive = 1e-3
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    """Decay of the moving averages of the gradient and of its square."""
    eps: Positive = 1e-8


def build(config: Config, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
    from torch import optim

    # Fused: one kernel over all parameters, on the CPU too; a third faster on small models.
    return optim.Adam(parameters, lr=config.lr, betas=config.betas, eps=config.eps, fused=True)
