"""Held-out samples from tensors."""

import torch
from torch import Tensor

from engine.config.registry import Split
from engine.tasks.held_out_split import HeldOut


def held(x: Tensor, y: Tensor) -> HeldOut:
    """The samples as a split on the CPU."""
    return HeldOut(Split(x.numpy(), y.numpy()), torch.device("cpu"))
