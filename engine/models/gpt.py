"""A GPT: a decoder-only transformer over symbols; the data set decides the context length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config.registry import Cost, DatasetInfo
from presets.schema import Config as Base
from presets.schema import Count, Fraction, RunConfig

if TYPE_CHECKING:
    from torch import nn

TASKS = ("language",)


class Config(Base, frozen=True):
    layers: Count = 4
    heads: Count = 4
    width: Count = 128
    """How many numbers represent a symbol; a multiple of `heads`."""
    dropout: Fraction = 0.0
    """Probability of zeroing embeddings, attention weights and block outputs in training."""


def check(config: Config, run: RunConfig) -> None:
    if config.width % config.heads:
        raise ValueError(
            f"model.width: expected a multiple of model.heads = {config.heads}, got {config.width}"
        )


def cost(config: Config, data: DatasetInfo) -> Cost:
    """The cost of the model. Attention counts as if each place saw the whole context, as is usual
    for model FLOP utilisation (Chowdhery et al. 2022, arXiv:2204.02311, appendix B)."""
    (context,), width, symbols = data.input_shape, config.width, data.num_outputs
    matrices = 12 * width**2
    biases_and_norms = 13 * width
    block = matrices + 2 * context * width  # multiply-adds of one place
    return Cost(
        num_parameters=(symbols + context) * width
        + config.layers * (matrices + biases_and_norms)
        + 2 * width,
        multiply_adds=context * (config.layers * block + width * symbols),
        activations=_activations(config, context, symbols),
    )


def _activations(config: Config, context: int, symbols: int) -> int:
    """Numbers of a sample that are kept for the backward pass: the inputs of norms, matrices and
    GELU, and of attention q, k, v, the result, and one number for each head to compute the weights
    again. Dropout adds its masks, and on a CPU the attention weights before and after it, which a
    GPU does not keep."""
    width, heads = config.width, config.heads
    place = 16 * width + heads + 4
    ends = 2 * width + 2 + symbols + 2
    if config.dropout:
        place += 2 * width + heads * (3 * context - 1)
        ends += width
    return context * (config.layers * place + ends)


def build(config: Config, data: DatasetInfo) -> nn.Module:
    """Maps symbols int64 (n, t), t <= context_length, to logits (n, t, num_outputs)."""
    from engine.models._transformer import Transformer

    return Transformer(
        symbols=data.num_outputs,
        context_length=data.input_shape[0],
        width=config.width,
        layers=config.layers,
        heads=config.heads,
        dropout=config.dropout,
    )
