"""Training batches that come from the model as it learns, such as games against itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Surroundings:
    """What training gives to an experience."""

    model: nn.Module
    device: torch.device
    seed: int
    batch_size: int


class Experience(Protocol):
    """What a model learns from where there is no data.

    Its batches are a function of seed, step, weights and its own state, so that a run goes on
    exactly where it was interrupted.
    """

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """x and y of a step, counted from 1, on the device of the model; asked for in order. The
        model's mode and torch's random streams are left as they are."""

    def state_dict(self) -> dict[str, Any]:
        """Plain values and tensors, for the checkpoint."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load such a state. Raises KeyError, TypeError or ValueError if it does not fit."""
