"""The network of `actor_critic`."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

_POLICY_GAIN, _VALUE_GAIN = 0.01, 1.0


class ActorCritic(nn.Module):
    """A policy and a value, each from hidden layers with tanh of its own."""

    def __init__(self, numbers: int, hidden: Sequence[int], actions: int) -> None:
        super().__init__()
        self.policy = _tower((numbers, *hidden, actions), _POLICY_GAIN)
        self.value = _tower((numbers, *hidden, 1), _VALUE_GAIN)

    def forward(self, x: Tensor) -> Tensor:
        """Map observations float32 (n, numbers) to logits and value, float32 (n, actions + 1)."""
        return torch.cat([self.policy(x), self.value(x)], dim=1)


def _tower(widths: Sequence[int], last_gain: float) -> nn.Sequential:
    layers: list[nn.Module] = []
    for below, above in pairwise(widths):
        layers += [_layer(below, above, math.sqrt(2)), nn.Tanh()]
    layers[-2:] = [_layer(widths[-2], widths[-1], last_gain)]
    return nn.Sequential(*layers)


def _layer(inputs: int, outputs: int, gain: float) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer
