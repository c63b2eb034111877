"""Gradient descent on the whole training set at every step (Cauchy 1847): w -= lr g."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.training.updates.parameter_groups import Groups, tuned
from presets.schema import Config as Base
from presets.schema import Positive, RunConfig

if TYPE_CHECKING:
    from torch import optim

STATE_TENSORS = 0


class Config(Base, frozen=True):
    lr: Positive = 0.5


def check(config: Config, run: RunConfig) -> None:
    if run.batch_size != "full":
        raise ValueError(
            "batch_size: gd uses the whole training set at every step; expected 'full', "
            f"got {run.batch_size} (sgd uses mini-batches)"
        )


def build(config: Config, groups: Groups) -> optim.Optimizer:
    from torch import optim

    return optim.SGD(tuned(groups, config), fused=True)
