"""Several optimizers as one, each for its own parameters."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, optim


class Composite(optim.Optimizer):
    """Its `param_groups` and `state` are those of its parts, one after another, so that reading,
    setting, saving and loading them is as with any optimizer.

    `defaults` are empty: flags such as `fused` hold for all parts or are not given.
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
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As torch's, which puts new groups and a new state in place of the old ones."""
        super().load_state_dict(state_dict)
        self._share()

    def _share(self) -> None:
        start = 0
        for part in self.parts:
            end = start + len(part.param_groups)
            part.param_groups, part.state = self.param_groups[start:end], self.state
            start = end
