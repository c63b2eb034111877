"""Several optimizers as one, each for its own parameters."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, optim


class Composite(optim.Optimizer):
    """An optimizer of several parts. Its `param_groups` and `state` are those of the parts, one
    after another, so that they are read, set, saved and loaded as those of any optimizer.

    `defaults` is empty, since flags such as `fused` need not hold for all parts.
    """

    def __init__(self, parts: Sequence[optim.Optimizer]) -> None:
        self.parts = list(parts)
        groups = [group for part in self.parts for group in part.param_groups]
        super().__init__([{"params": group["params"]} for group in groups], {})
        self.param_groups = groups
        for part in self.parts:
            self.state.update(part.state)
        self._share()

    @torch.no_grad()
    def step(  # type: ignore[override]
        self, closure: Callable[[], Tensor] | None = None
    ) -> Tensor | None:
        """Take a step with each part; returns the loss of `closure`, None without one."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a state as any optimizer does, and hand the new groups and state to the parts."""
        super().load_state_dict(state_dict)
        self._share()

    def _share(self) -> None:
        start = 0
        for part in self.parts:
            end = start + len(part.param_groups)
            part.param_groups, part.state = self.param_groups[start:end], self.state
            start = end
