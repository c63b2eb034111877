"""RAdam (Liu et al. 2020, arXiv:1908.03265): Adam that scales no update until enough gradients
were seen to know their variance, in place of a warm-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from engine.training.updates.parameter_groups import Groups, tuned
from presets.schema import Config as Base
from presets.schema import Fraction, NonNegative, Positive

if TYPE_CHECKING:
    from torch import optim

STATE_TENSORS = 2


class Config(Base, frozen=True):
    lr: Positive = 1e-3
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    """Decay of the moving averages of the gradient and of its square."""
    eps: Positive = 1e-8
    weight_decay: NonNegative = 0.0
    """Strength of the L2 penalty, as a share of the weight added to its gradient."""


def build(config: Config, groups: Groups) -> optim.Optimizer:
    from torch import optim

    return optim.RAdam(tuned(groups, config), **structs.asdict(config), foreach=True)
