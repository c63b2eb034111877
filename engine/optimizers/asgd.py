"""Averaged SGD (Polyak and Juditsky 1992, doi:10.1137/0330046): SGD with a falling learning rate.
The average of the weights from step t0 on is evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from engine.training.updates.parameter_groups import Groups, tuned
from presets.schema import Config as Base
from presets.schema import NonNegative, Positive

if TYPE_CHECKING:
    from torch import optim

STATE_TENSORS = 1


class Config(Base, frozen=True):
    lr: Positive = 0.01
    lambd: NonNegative = 1e-4
    """Every step takes this share of each weight away, times the learning rate."""
    alpha: Positive = 0.75
    """The learning rate at step t is lr / (1 + lambd lr t)^alpha."""
    t0: NonNegative = 1e6
    """The step at which averaging begins."""
    weight_decay: NonNegative = 0.0
    """Strength of the L2 penalty, as a share of the weight added to its gradient."""


def build(config: Config, groups: Groups) -> optim.Optimizer:
    import torch
    from torch import optim

    class ASGD(optim.ASGD):
        """Torch's optimizer, which keeps averages, with methods that put them into the model."""

        @torch.no_grad()
        def eval(self) -> None:
            for group in self.param_groups:
                for weight in group["params"]:
                    if "ax" in self.state[weight]:
                        weight.copy_(self.state[weight]["ax"])

        def train(self) -> None:
            """Nothing to do: whoever evaluates puts the trained weights back."""

    # Without `foreach`: it is slower on the CPU, and torch's default on a GPU.
    return ASGD(tuned(groups, config), **structs.asdict(config))
