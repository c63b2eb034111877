"""A base for optimizers that train other weights than those that are evaluated."""

from typing import Any

import torch
from torch import Tensor


class Restoring:
    """A mixin, to be named before a class with `eval` and `train`: after a call of both the weights
    are what they were, bit for bit, so that an evaluation does not change the training.

    The libraries compute the trained weights from the evaluated ones, which rounds.
    """

    param_groups: list[dict[str, Any]]
    _trained: list[tuple[Tensor, Tensor]] | None = None

    def eval(self) -> None:
        """Give the model the weights that are evaluated."""
        if self._trained is None:
            weights = [weight for group in self.param_groups for weight in group["params"]]
            self._trained = [(weight, weight.detach().clone()) for weight in weights]
        super().eval()  # type: ignore[misc]

    @torch.no_grad()
    def train(self) -> None:
        """Give the model the weights that are trained."""
        super().train()  # type: ignore[misc]
        if self._trained is not None:
            for weight, trained in self._trained:
                weight.copy_(trained)
            self._trained = None
