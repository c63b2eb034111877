"""Adagrad (Duchi, Hazan and Singer 2011, JMLR 12): gradients over the root of the sum of all their
squares."""

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
    lr_decay: NonNegative = 0.0
    """The learning rate at step t is lr / (1 + (t - 1) lr_decay)."""
    eps: Positive = 1e-10
    initial_accumulator_value: NonNegative = 0.0
    """The first value of the sums of squares."""
    weight_decay: NonNegative = 0.0
    """Strength of the L2 penalty, as a share of the weight added to its gradient."""


def build(config: Config, groups: Groups) -> optim.Optimizer:
    import torch
    from torch import optim

    # The CPU always has the fused kernel, CUDA only in newer versions of torch.
    device = groups[0]["params"][0].device.type.upper()
    fused = torch._C._dispatch_has_kernel_for_dispatch_key("aten::_fused_adagrad_", device)
    return optim.Adagrad(
        tuned(groups, config), **structs.asdict(config), fused=fused, foreach=not fused
    )
