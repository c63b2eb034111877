"""Nesterov's momentum (Nesterov 1983; Sutskever et al. 2013, ICML): v = momentum v + g,
w -= lr (g + momentum v), v0 = 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, structs

from engine.optimizers.momentum import from_rest
from engine.training.updates.parameter_groups import Groups, tuned
from presets.schema import Config as Base
from presets.schema import NonNegative, Positive

if TYPE_CHECKING:
    from torch import optim

STATE_TENSORS = 1


class Config(Base, frozen=True):
    lr: Positive = 0.01
    momentum: Annotated[float, Meta(gt=0, lt=1)] = 0.9
    """Decay of the sum of gradients."""
    weight_decay: NonNegative = 0.0
    """Strength of the L2 penalty, as a share of the weight added to its gradient."""


def build(config: Config, groups: Groups) -> optim.Optimizer:
    from torch import optim

    options = structs.asdict(config)
    return from_rest(optim.SGD(tuned(groups, config), **options, nesterov=True, fused=True))
