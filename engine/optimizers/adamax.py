"""Adamax (Kingma and Ba 2015, arXiv:1412.6980, section 7): Adam with a decaying maximum of the
gradient in place of its root mean square."""

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
    lr: Positive = 2e-3
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    """Decay of the moving average of the gradient, and of its largest magnitude."""
    eps: Positive = 1e-8
    weight_decay: NonNegative = 0.0
    """Strength of the L2 penalty, as a share of the weight added to its gradient."""


def build(config: Config, groups: Groups) -> optim.Optimizer:
    from torch import optim

    return optim.Adamax(tuned(groups, config), **structs.asdict(config), foreach=batched(groups))
