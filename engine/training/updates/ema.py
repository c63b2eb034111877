"""An exponential moving average of the weights, which is evaluated beside them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class MovingAverage:
    """An exponential moving average of the weights w: a = decay a + (1 - decay) w after each step,
    a = w at first (Polyak and Juditsky 1992). Buffers, as those of batch norm, are left out."""

    def __init__(self, parameters: Sequence[nn.Parameter], decay: float) -> None:
        self._weights = [parameter.detach() for parameter in parameters]
        self._decay = decay
        self.averages: list[Tensor] = [weight.clone() for weight in self._weights]

    @torch.no_grad()
    def update(self) -> None:
        """Update the averages with the current weights."""
        torch._foreach_lerp_(self.averages, self._weights, 1 - self._decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside, the model has the averages as its weights."""
        kept = [weight.clone() for weight in self._weights]
        torch._foreach_copy_(self._weights, self.averages)
        try:
            yield
        finally:
            torch._foreach_copy_(self._weights, kept)

    def load(self, averages: Sequence[Tensor]) -> None:
        """Load the averages of a checkpoint. Raises ValueError if their shapes do not fit."""
        shapes = [average.shape for average in averages]
        if shapes != [average.shape for average in self.averages]:
            raise ValueError("the averaged weights have other shapes")
        torch._foreach_copy_(self.averages, list(averages))
