"""Adafactor (Shazeer and Stern 2018, arXiv:1804.04235): Adam's scale from the means of rows and
columns of squared gradients, without momentum: almost no memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, structs

from engine.training.updates.parameter_groups import Groups, tuned
from presets.schema import Config as Base
from presets.schema import NonNegative, Positive

if TYPE_CHECKING:
    from torch import optim

STATE_TENSORS = 0


class Config(Base, frozen=True):
    lr: Positive = 0.01
    """The largest step, relative to the root mean square of a tensor's weights."""
    beta2_decay: Annotated[float, Meta(le=0)] = -0.8
    """The decay of the averages at step t is 1 - t^beta2_decay."""
    eps: tuple[Positive | None, Positive] = (None, 1e-3)
    """Minimum of squared gradients (null: the precision of float32), and of the size of weights."""
    d: Positive = 1.0
    """Updates with a larger root mean square are scaled down to it."""
    weight_decay: NonNegative = 0.0
    """Every step takes lr * weight_decay of each weight away, apart from the gradient."""


def build(config: Config, groups: Groups) -> optim.Optimizer:
    from torch import optim

    # Not foreach, which keeps a copy of all parameters: Adafactor is there to save memory.
    return optim.Adafactor(tuned(groups, config), **structs.asdict(config))


def state_shapes(shape: tuple[int, ...], total: int) -> set[tuple[int, ...]]:
    """A mean for each row, and for each column, of the last two dimensions."""
    return {(*shape[:-1], 1), (*shape[:-2], 1, *shape[-1:])}
