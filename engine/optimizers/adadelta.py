"""Adadelta (Zeiler 2012, arXiv:1212.5701): the root mean square of past updates, over that of past
gradients, is the learning rate of each weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from engine.training.updates.parameter_groups import Groups, batched, tuned
from presets.schema import Config as Base
from presets.schema import Fraction, NonNegative, Positive

if TYPE_CHECKING:
    from torch import optim

STATE_TENSORS = 2


class Config(Base, frozen=True):
    lr: Positive = 1.0
    rho: Fraction = 0.9
    """Decay of the moving averages of both squares."""
    eps: Positive = 1e-6
    """Added under both roots; the first updates come from it alone."""
    weight_decay: NonNegative = 0.0
    """Strength of the L2 penalty, as a share of the weight added to its gradient."""


def build(config: Config, groups: Groups) -> optim.Optimizer:
    from torch import optim

    return optim.Adadelta(tuned(groups, config), **structs.asdict(config), foreach=batched(groups))
