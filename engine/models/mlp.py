"""A multilayer perceptron: dense layers with ReLU, batch norm and dropout."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from engine.config.registry import Cost, DatasetInfo
from presets.schema import Config as Base
from presets.schema import Count, Fraction, RunConfig

if TYPE_CHECKING:
    from torch import nn


TASKS = ("classification", "regression", "imitation", "self-play")
INPUTS = ("numbers", "board")


class Config(Base, frozen=True):
    hidden: tuple[Count, ...] = (256, 128, 64)
    """Units of each hidden layer."""
    batch_norm: bool = True
    dropout: Fraction = 0.5
    """Probability of zeroing a hidden unit in training."""


def check(config: Config, run: RunConfig) -> None:
    if config.batch_norm and run.batch_size == 1:
        raise ValueError("batch_size: batch norm has no variance for 1 sample; expected >= 2")


def cost(config: Config, data: DatasetInfo) -> Cost:
    widths = (math.prod(data.input_shape), *config.hidden, data.num_outputs)
    weights = sum(inputs * outputs for inputs, outputs in pairwise(widths))
    norms = 2 * sum(config.hidden) if config.batch_norm else 0
    # The outputs of ReLU, the inputs of batch norm, the outputs of dropout and its mask.
    kept = 1 + config.batch_norm + 2 * (config.dropout > 0)
    return Cost(
        num_parameters=weights + sum(widths[1:]) + norms,
        multiply_adds=weights,
        activations=widths[0] + kept * sum(config.hidden) + data.num_outputs,
    )


def build(config: Config, data: DatasetInfo) -> nn.Module:
    """Maps float32 (n, *input_shape) to logits or numbers (n, num_outputs); softmax belongs to the
    loss."""
    from torch import nn

    layers: list[nn.Module] = [nn.Flatten()]
    inputs = math.prod(data.input_shape)
    for units in config.hidden:
        layers.append(nn.Linear(inputs, units))
        if config.batch_norm:
            layers.append(nn.BatchNorm1d(units))
        layers += [nn.ReLU(), nn.Dropout(config.dropout)]
        inputs = units
    return nn.Sequential(*layers, nn.Linear(inputs, data.num_outputs))
