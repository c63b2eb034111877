"""LAMB (You et al. 2020, arXiv:1904.00962): Adam's update, for each tensor scaled by the norm of
its weights, for very large batches. Without bias correction, as in the paper's last version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from engine.optimizers import _packages
from engine.training.updates.parameter_groups import Groups, tuned
from presets.schema import Config as Base
from presets.schema import Fraction, NonNegative, Positive, RunConfig

if TYPE_CHECKING:
    from torch import optim

STATE_TENSORS = 2
GROUP_MEMORY = ("step",)


class Config(Base, frozen=True):
    lr: Positive = 1e-3
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    """Decay of the moving averages of the gradient and of its square."""
    eps: Positive = 1e-6
    weight_decay: NonNegative = 0.0
    """Every step takes lr * weight_decay of each weight away, apart from the gradient."""


def check(config: Config, run: RunConfig) -> None:
    _packages.require("pytorch_optimizer", run.optimizer.name)


def build(config: Config, groups: Groups) -> optim.Optimizer:
    optimizer: optim.Optimizer = _packages.load("pytorch_optimizer", "Lamb")(
        tuned(groups, config), **structs.asdict(config)
    )
    return optimizer
