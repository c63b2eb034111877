"""An encoder-decoder transformer that writes symbols of its vocabulary or copies them from the
source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engine.config.registry import Cost, DatasetInfo
from engine.models import seq2seq
from presets.schema import Count, Fraction, RunConfig

if TYPE_CHECKING:
    from torch import nn

TASKS = ("summarisation", "translation")
INPUTS = ("symbols",)


class Config(seq2seq.Config, frozen=True):
    width: Count = 80
    """How many numbers represent a symbol; a multiple of `heads`."""
    dropout: Fraction = 0.2
    """Probability of zeroing embeddings and block outputs in training."""


def check(config: Config, run: RunConfig) -> None:
    seq2seq.check(config, run)


def cost(config: Config, data: DatasetInfo) -> Cost:
    """The cost of `seq2seq`, and of attention to the symbols that can be copied."""
    (length,), width, symbols = data.input_shape, config.width, data.num_outputs
    plain = seq2seq.cost(config, data)
    pointer, share = width**2, 3 * width
    kept = 8 * width + 3 * length + 3 * symbols  # of a place
    return msgspec.structs.replace(
        plain,
        num_parameters=plain.num_parameters + pointer + width + share + 1,
        multiply_adds=plain.multiply_adds + length * (pointer + share + 2 * length * width),
        activations=plain.activations + length * kept,
    )


def build(config: Config, data: DatasetInfo) -> nn.Module:
    """Maps sources int64 (n, s) and the symbols written so far, int64 (n, t), to log-probabilities
    (n, t, num_outputs) of those that follow."""
    from engine.models._pointer import PointerGenerator

    return PointerGenerator(
        symbols=data.num_outputs,
        width=config.width,
        layers=config.layers,
        heads=config.heads,
        dropout=config.dropout,
    )
