"""Classic momentum (Polyak 1964; Sutskever et al. 2013, ICML): v = momentum v + g, w -= lr v,
v0 = 0. The step is 1 / (1 - momentum) times that of a moving average."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from engine.optimizers.momentum import from_rest
from engine.training.updates.parameter_groups import Groups, tuned
from presets.schema import Config as Base
from presets.schema import Fraction, NonNegative, Positive

if TYPE_CHECKING:
    from torch import optim

STATE_TENSORS = 1


class Config(Base, frozen=True):
    lr: Positive = 0.01
    momentum: Fraction = 0.9
    """Decay of the sum of gradients."""
    weight_decay: NonNegative = 0.0
    """Strength of the L2 penalty, as a share of the weight added to its gradient."""


def build(config: Config, groups: Groups) -> optim.Optimizer:
    from torch import optim

    options = structs.asdict(config)
    return from_rest(optim.SGD(tuned(groups, config), **options, fused=True))
