"""Shampoo (Gupta, Koren and Singer 2018, arXiv:1802.09568): each dimension of a gradient multiplied
by an inverse root of its summed second moments. The interval is the paper's; `lr` and `matrix_eps`
are the defaults of torch-optimizer, whose code most others descend from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from engine.optimizers import _packages
from engine.training.updates.parameter_groups import Groups, tuned
from presets import ConfigError
from presets.schema import Config as Base
from presets.schema import Count, Fraction, NonNegative, Positive, RunConfig

if TYPE_CHECKING:
    from torch import optim

STATE_TENSORS = 5
GROUP_MEMORY = ("step",)

_LARGEST = 8192
"""Maximum size of a dimension; its two matrices take 512 MiB, and their roots minutes."""


class Config(Base, frozen=True):
    lr: Positive = 0.1
    momentum: Fraction = 0.0
    """Share of the last update in the next one."""
    weight_decay: NonNegative = 0.0
    """Strength of the L2 penalty, as a share of the weight added to its gradient."""
    preconditioning_compute_steps: Count = 20
    """Steps between two computations of the roots; before the first, weights do not change."""
    matrix_eps: Positive = 1e-4
    """First value of the moments, on the diagonal; roots that are kept longer need a larger one."""


def check(config: Config, run: RunConfig) -> None:
    _packages.require("pytorch_optimizer", run.optimizer.name)


def build(config: Config, groups: Groups) -> optim.Optimizer:
    """Raises ConfigError for tensors with dimensions of more than 8192."""
    for group in groups:
        for name, weight in zip(group["names"], group["params"], strict=True):
            if max(weight.shape, default=0) > _LARGEST:
                raise ConfigError(
                    f"optimizer: shampoo keeps a square matrix for each dimension, of {_LARGEST} "
                    f"at most; {name} has shape {tuple(weight.shape)} (soap skips such dimensions)"
                )
    optimizer: optim.Optimizer = _packages.load("pytorch_optimizer", "Shampoo")(
        tuned(groups, config), **structs.asdict(config)
    )
    return optimizer


def state_shapes(shape: tuple[int, ...], total: int) -> set[tuple[int, ...]]:
    """Moments and their roots for each dimension."""
    return {(size, size) for size in shape}
