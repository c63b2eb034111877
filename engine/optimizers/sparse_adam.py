"""SparseAdam (the lazy Adam of torch; Kingma and Ba 2015, arXiv:1412.6980): embeddings with sparse
gradients change only in the rows that a batch used. Adam takes all other parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from engine.config import registry
from engine.training.updates.parameter_groups import Groups, only, tuned
from presets import ConfigError
from presets.schema import Config as Base
from presets.schema import Fraction, Positive, RunConfig

if TYPE_CHECKING:
    from torch import optim

SPARSE = True
STATE_TENSORS = 2


class Config(Base, frozen=True):
    lr: Positive = 1e-3
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    """Decay of the moving averages of the gradient and of its square."""
    eps: Positive = 1e-8


def check(config: Config, run: RunConfig) -> None:
    if not getattr(registry.config("model", run.model), "sparse", False):
        raise ValueError(
            f"optimizer: {run.optimizer.name} is for embeddings with sparse gradients, which "
            f"{run.model.name} lacks; gru-char has them with model.sparse = true (or use adam)"
        )


def build(config: Config, groups: Groups) -> optim.Optimizer:
    """Raises ConfigError for a model without sparse embeddings."""
    from torch import optim

    from engine.optimizers._composite import Composite

    tables = only(groups, ["sparse table"])
    rest = only(groups, ["matrix", "table", "head", "other"])
    if not tables:
        raise ConfigError("optimizer: sparse-adam is for embeddings with sparse gradients")
    options = structs.asdict(config)
    parts: list[optim.Optimizer] = [optim.SparseAdam(tuned(tables, config), **options)]
    if rest:
        parts.append(optim.Adam(tuned(rest, config), **options, fused=True))
    return Composite(parts)
