"""Stochastic gradient descent (Robbins and Monro 1951): w -= lr (g + weight_decay w)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from engine.training.updates.parameter_groups import Groups, tuned
from presets.schema import Config as Base
from presets.schema import NonNegative, Positive

if TYPE_CHECKING:
    from torch import optim

STATE_TENSORS = 0


class Config(Base, frozen=True):
    lr: Positive = 0.1
    weight_decay: NonNegative = 0.0
    """Strength of the L2 penalty, as a share of the weight added to its gradient."""


def build(config: Config, groups: Groups) -> optim.Optimizer:
    from torch import optim

    return optim.SGD(tuned(groups, config), **structs.asdict(config), fused=True)
