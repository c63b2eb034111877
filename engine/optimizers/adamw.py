"""AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101)."""

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
    weight_decay: NonNegative = 0.01
    """Every step takes lr * weight_decay of each weight away, apart from the gradient."""


def build(config: Config, groups: Groups) -> optim.Optimizer:
    from torch import optim

    return optim.AdamW(tuned(groups, config), **structs.asdict(config), fused=True)
