"""Gradient descent on the whole training set at every step (Cauchy 1847): w -= lr g."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from presets.schema import Config as Base
from presets.schema import Positive, RunConfig

if TYPE_CHECKING:
    from torch import nn, optim


class Config(Base, frozen=True):
    lr: Positive = 0.5


def check(config: Config, run: RunConfig) -> None:
    if run.batch_size != "full":
        raise ValueError(
            "batch_size: gd takes the whole training set at every step; expected 'full', "
            f"got {run.batch_size} (sgd takes mini-batches)"
        )


def build(config: Config, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
    from torch import optim

    return optim.SGD(parameters, lr=config.lr, fused=True)
