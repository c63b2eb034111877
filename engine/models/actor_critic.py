"""A policy and a value in one model: two multilayer perceptrons that share nothing."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from engine.config.registry import Cost, DatasetInfo
from presets.schema import Config as Base
from presets.schema import Count

if TYPE_CHECKING:
    from torch import nn

TASKS = ("control",)


class Config(Base, frozen=True):
    hidden: tuple[Count, ...] = (64, 64)
    """Units of each hidden layer, of the policy and of the value."""


def cost(config: Config, data: DatasetInfo) -> Cost:
    inputs = math.prod(data.input_shape)
    weights = biases = 0
    for outputs in (data.num_outputs, 1):
        widths = (inputs, *config.hidden, outputs)
        weights += sum(below * above for below, above in pairwise(widths))
        biases += sum(widths[1:])
    return Cost(
        num_parameters=weights + biases,
        multiply_adds=weights,
        activations=2 * (inputs + sum(config.hidden)) + data.num_outputs + 1,
    )


def build(config: Config, data: DatasetInfo) -> nn.Module:
    """Maps float32 (n, numbers) to float32 (n, actions + 1): the logits of the actions, and last
    the value. Weights begin orthogonal, those of the policy's last layer near 0, so that at first
    all actions are about as likely (Andrychowicz et al. 2021, arXiv:2006.05990)."""
    from engine.models._actor_critic import ActorCritic

    return ActorCritic(math.prod(data.input_shape), config.hidden, data.num_outputs)
