"""Lion (Chen et al. 2023, arXiv:2302.06675): the sign of an interpolation between momentum and
gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from engine.optimizers import _packages
from engine.training.updates.parameter_groups import Groups, tuned
from presets.schema import Config as Base
from presets.schema import Fraction, NonNegative, Positive, RunConfig

if TYPE_CHECKING:
    from torch import optim

STATE_TENSORS = 1
GROUP_MEMORY = ("step",)


class Config(Base, frozen=True):
    lr: Positive = 1e-4
    betas: tuple[Fraction, Fraction] = (0.9, 0.99)
    """Weight of the momentum in the interpolation, and decay of the moving average."""
    weight_decay: NonNegative = 0.0
    """Every step takes lr * weight_decay of each weight away, apart from the gradient."""


def check(config: Config, run: RunConfig) -> None:
    _packages.require("pytorch_optimizer", run.optimizer.name)


def build(config: Config, groups: Groups) -> optim.Optimizer:
    optimizer: optim.Optimizer = _packages.load("pytorch_optimizer", "Lion")(
        tuned(groups, config), **structs.asdict(config)
    )
    return optimizer
