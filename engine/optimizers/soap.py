"""SOAP (Vyas et al. 2024, arXiv:2409.11321): Adam in the eigenbasis of Shampoo's preconditioner.
Its first step only measures the gradient and changes no weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from engine.optimizers import _packages
from engine.training.updates.parameter_groups import Groups, tuned
from presets.schema import Config as Base
from presets.schema import Count, Fraction, NonNegative, Positive, RunConfig

if TYPE_CHECKING:
    from torch import optim

STATE_TENSORS = 6
GROUP_MEMORY = ("step",)


class Config(Base, frozen=True):
    lr: Positive = 3e-3
    betas: tuple[Fraction, Fraction] = (0.95, 0.95)
    """Decay of the moving averages of the gradient and of its square."""
    eps: Positive = 1e-8
    weight_decay: NonNegative = 0.01
    """Every step takes lr * weight_decay of each weight away, apart from the gradient."""
    precondition_frequency: Count = 10
    """Steps between two updates of the basis."""
    max_precondition_dim: Count = 10000
    """Larger dimensions, such as vocabularies, are not transformed."""


def check(config: Config, run: RunConfig) -> None:
    _packages.require("pytorch_optimizer", run.optimizer.name)


def build(config: Config, groups: Groups) -> optim.Optimizer:
    optimizer: optim.Optimizer = _packages.load("pytorch_optimizer", "SOAP")(
        tuned(groups, config), **structs.asdict(config)
    )
    return optimizer


def state_shapes(shape: tuple[int, ...], total: int) -> set[tuple[int, ...]]:
    """A statistic and a basis for each dimension."""
    return {(size, size) for size in shape}
