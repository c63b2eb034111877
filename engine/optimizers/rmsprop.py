"""RMSprop (Tieleman and Hinton 2012, Coursera lecture 6.5): gradients over their moving root mean
square."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from engine.training.updates.parameter_groups import Groups, batched, tuned
from presets.schema import Config as Base
from presets.schema import Fraction, NonNegative, Positive

if TYPE_CHECKING:
    from torch import optim

STATE_TENSORS = 1


class Config(Base, frozen=True):
    lr: Positive = 0.01
    alpha: Fraction = 0.99
    """Decay of the moving average of the squared gradient."""
    eps: Positive = 1e-8
    weight_decay: NonNegative = 0.0
    """Strength of the L2 penalty, as a share of the weight added to its gradient."""
    momentum: Fraction = 0.0
    """Decay of a sum of updates; if > 0, another tensor is kept."""
    centered: bool = False
    """Whether to divide by the standard deviation instead; if so, another tensor is kept."""


def build(config: Config, groups: Groups) -> optim.Optimizer:
    from torch import optim

    return optim.RMSprop(tuned(groups, config), **structs.asdict(config), foreach=batched(groups))
