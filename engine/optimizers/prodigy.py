"""Prodigy (Mishchenko and Defazio 2023, arXiv:2306.06101): Adam that estimates its learning rate
from the distance to the start. The host waits for that estimate at every step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from engine.optimizers import _packages
from engine.training.updates.parameter_groups import Groups, tuned
from presets.schema import Config as Base
from presets.schema import Fraction, NonNegative, Positive, RunConfig

if TYPE_CHECKING:
    from torch import optim

STATE_TENSORS = 4
GROUP_MEMORY = ("step", "d", "d_max", "d_hat", "d_numerator", "d_de_nom")


class Config(Base, frozen=True):
    lr: Positive = 1.0
    """Factor of the estimated learning rate; leave it at 1, with a schedule or without."""
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    """Decay of the moving averages of the gradient and of its square."""
    eps: Positive = 1e-8
    d0: Positive = 1e-6
    """First value of the estimate; a small number."""
    d_coef: Positive = 1.0
    """Factor of the estimate."""
    weight_decay: NonNegative = 0.0
    """Every step takes lr * weight_decay of each weight away, apart from the gradient."""


def check(config: Config, run: RunConfig) -> None:
    _packages.require("pytorch_optimizer", run.optimizer.name)
    if run.groups.lr_scale:
        raise ValueError("groups.lr_scale: prodigy estimates a single learning rate; expected {}")


def build(config: Config, groups: Groups) -> optim.Optimizer:
    optimizer: optim.Optimizer = _packages.load("pytorch_optimizer", "Prodigy")(
        tuned(groups, config), **structs.asdict(config)
    )
    return optimizer
