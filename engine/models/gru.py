"""Gated recurrent units over symbols: a small language model without attention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config.registry import Cost, DatasetInfo
from presets.schema import Config as Base
from presets.schema import Count, Fraction

if TYPE_CHECKING:
    from torch import nn

TASKS = ("language",)


class Config(Base, frozen=True):
    hidden: Count = 256
    """Units of each layer, and also how many numbers represent a symbol."""
    layers: Count = 1
    dropout: Fraction = 0.0
    """Probability of zeroing an output of a layer in training."""
    sparse: bool = False
    """Whether the embedding has sparse gradients, which few optimizers support."""


def cost(config: Config, data: DatasetInfo) -> Cost:
    (context,), hidden, symbols = data.input_shape, config.hidden, data.num_outputs
    layer = 6 * hidden**2  # three gates, each of the input and of the state before
    kept = 8 * hidden  # the input, the gates and their parts, the states
    masks = hidden * config.layers if config.dropout else 0
    return Cost(
        num_parameters=symbols * hidden
        + config.layers * (layer + 6 * hidden)
        + (hidden + 1) * symbols,
        multiply_adds=context * (config.layers * layer + hidden * symbols),
        activations=context * (config.layers * kept + masks + hidden + symbols + 2),
    )


def build(config: Config, data: DatasetInfo) -> nn.Module:
    """Maps symbols int64 (n, t) to logits (n, t, num_outputs)."""
    from engine.models._recurrent import RecurrentNetwork

    return RecurrentNetwork(
        symbols=data.num_outputs,
        hidden=config.hidden,
        layers=config.layers,
        dropout=config.dropout,
        sparse=config.sparse,
    )
