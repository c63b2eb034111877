"""One linear layer on the flattened input: multinomial logistic regression for classes, linear
regression for numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.config.registry import Cost, DatasetInfo
from presets.schema import Config as Base

if TYPE_CHECKING:
    from torch import nn


class Config(Base, frozen=True):
    pass


def cost(config: Config, data: DatasetInfo) -> Cost:
    weights = math.prod(data.input_shape) * data.num_outputs
    return Cost(
        num_parameters=weights + data.num_outputs,
        multiply_adds=weights,
        activations=math.prod(data.input_shape) + data.num_outputs,
    )


def build(config: Config, data: DatasetInfo) -> nn.Module:
    """Maps float32 (n, *input_shape) to logits or numbers (n, num_outputs); softmax belongs to the
    loss."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(data.input_shape), data.num_outputs))
