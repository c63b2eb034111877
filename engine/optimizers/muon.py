"""Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon; Liu et al. 2025, arXiv:2502.16982):
momentum, made orthogonal by Newton-Schulz iterations, for the weight matrices of hidden layers.

AdamW takes embeddings, the output layer, kernels, norms and biases. That, and the default settings,
are from the first author's repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from engine.training.updates.parameter_groups import Groups, only, tuned
from presets import ConfigError
from presets.schema import Config as Base
from presets.schema import Count, Fraction, NonNegative, Positive

if TYPE_CHECKING:
    from torch import optim

STATE_TENSORS = 2  # 1 for the matrices


class Config(Base, frozen=True):
    lr: Positive = 0.02
    """Learning rate of the matrices."""
    momentum: Fraction = 0.95
    nesterov: bool = True
    ns_steps: Count = 5
    """Newton-Schulz iterations."""
    adjust_lr_fn: Literal["original", "match_rms_adamw"] = "original"
    """How a matrix's learning rate depends on its shape; `match_rms_adamw` suits those of AdamW."""
    weight_decay: NonNegative = 0.01
    """Every step takes lr * weight_decay of each weight away, apart from the gradient."""
    adamw_lr: Positive = 3e-4
    """Learning rate of the others; the schedule and changes of `lr` keep the ratio."""
    adamw_betas: tuple[Fraction, Fraction] = (0.9, 0.95)
    adamw_eps: Positive = 1e-10


def build(config: Config, groups: Groups) -> optim.Optimizer:
    """Raises ConfigError for a model without hidden matrices."""
    from torch import optim

    from engine.optimizers._composite import Composite

    matrices = only(groups, ["matrix"])
    rest = only(groups, ["table", "sparse table", "head", "other"])
    if not matrices:
        raise ConfigError(
            "optimizer: muon is for the weight matrices between input and output layer, of which "
            "this model has none; adamw takes the rest of it"
        )
    for group in rest:
        group["lr_scale"] *= config.adamw_lr / config.lr
    parts: list[optim.Optimizer] = [
        optim.Muon(
            tuned(matrices, config),
            momentum=config.momentum,
            nesterov=config.nesterov,
            ns_steps=config.ns_steps,
            adjust_lr_fn=config.adjust_lr_fn,
        )
    ]
    if rest:
        betas, eps = config.adamw_betas, config.adamw_eps
        parts.append(optim.AdamW(tuned(rest, config), betas=betas, eps=eps, fused=True))
    return Composite(parts)
