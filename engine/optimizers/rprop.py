"""Rprop (Riedmiller and Braun 1993, doi:10.1109/ICNN.1993.298623): each weight has a step size of
its own, which grows while the sign of its gradient stays. Signs need gradients of the whole
training set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from engine.training.updates.parameter_groups import Groups, tuned
from presets.schema import Config as Base
from presets.schema import Fraction, Positive

if TYPE_CHECKING:
    from torch import optim

STATE_TENSORS = 2


class Config(Base, frozen=True):
    lr: Positive = 0.01
    """The first step size of all weights."""
    etas: tuple[Fraction, Positive] = (0.5, 1.2)
    """Factors of a step size when the sign changes, and when it stays."""
    step_sizes: tuple[Positive, Positive] = (1e-6, 50.0)
    """Minimum and maximum of a step size."""


def build(config: Config, groups: Groups) -> optim.Optimizer:
    from torch import optim

    return optim.Rprop(tuned(groups, config), **structs.asdict(config), foreach=True)
