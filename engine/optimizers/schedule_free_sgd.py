"""Schedule-Free SGD (Defazio et al. 2024, arXiv:2405.15682): gradients are taken between a fast
sequence and its average; the average is evaluated, and the learning rate needs no schedule.
To evaluate, batch norm's statistics are estimated anew (see `engine.training.saving.judged`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, structs

from engine.optimizers import _packages
from engine.training.updates.parameter_groups import Groups, tuned
from presets.schema import Config as Base
from presets.schema import NonNegative, Positive, RunConfig

if TYPE_CHECKING:
    from torch import optim

STATE_TENSORS = 1
GROUP_MEMORY = ("k", "weight_sum", "lr_max", "scheduled_lr", "train_mode")

Inside = Annotated[float, Meta(gt=0, lt=1)]


class Config(Base, frozen=True):
    lr: Positive = 1.0
    momentum: Inside = 0.9
    """Weight of the average at the point where gradients are taken."""
    weight_decay: NonNegative = 0.0
    """Strength of the L2 penalty at the weights that are trained, times the learning rate."""
    warmup_steps: Annotated[int, Meta(ge=0)] = 0
    """Steps of a linear rise of the learning rate, which the average takes into account."""


def check(config: Config, run: RunConfig) -> None:
    _packages.require("schedulefree", run.optimizer.name)


def build(config: Config, groups: Groups) -> optim.Optimizer:
    library = _packages.load("schedulefree", "SGDScheduleFree")
    optimizer: optim.Optimizer = library(tuned(groups, config), **structs.asdict(config))
    optimizer.train()  # type: ignore[attr-defined]
    return optimizer
