"""An encoder-decoder transformer, which writes a sequence of symbols from another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config.registry import Cost, DatasetInfo
from presets.schema import Config as Base
from presets.schema import Count, Fraction, RunConfig

if TYPE_CHECKING:
    from torch import nn

TASKS = ("translation", "summarisation")
INPUTS = ("symbols",)


class Config(Base, frozen=True):
    layers: Count = 2
    """Blocks of the encoder, and as many of the decoder."""
    heads: Count = 4
    width: Count = 128
    """How many numbers represent a symbol; a multiple of `heads`."""
    dropout: Fraction = 0.1
    """Probability of zeroing embeddings and block outputs in training."""


def check(config: Config, run: RunConfig) -> None:
    if config.width % config.heads:
        raise ValueError(
            f"model.width: expected a multiple of model.heads = {config.heads}, got {config.width}"
        )


def cost(config: Config, data: DatasetInfo) -> Cost:
    """The cost of the model, where source and target are as long as the longest may be. Attention
    counts as if each place saw all others."""
    (length,), width, symbols = data.input_shape, config.width, data.num_outputs
    encoder, decoder = 12 * width**2, 16 * width**2  # in matrices, of a block
    biases_and_norms = 13 * width + 19 * width
    attended = 6 * length * width  # of a place: in the encoder, to itself, to the encoder
    return Cost(
        num_parameters=symbols * width
        + config.layers * (encoder + decoder + biases_and_norms)
        + 4 * width,
        multiply_adds=length * (config.layers * (encoder + decoder + attended) + width * symbols),
        activations=_activations(config, length, symbols),
    )


def _activations(config: Config, length: int, symbols: int) -> int:
    """Numbers of a sample that are kept for the backward pass: the inputs of norms, matrices and
    ReLU, and of attention q, k, v and the result."""
    width, heads = config.width, config.heads
    blocks = 36 * width + 3 * heads + 10
    ends = 6 * width + 4 + symbols + 2
    if config.dropout:
        blocks += 5 * width
        ends += 2 * width
    return length * (config.layers * blocks + ends)


def build(config: Config, data: DatasetInfo) -> nn.Module:
    """Maps sources int64 (n, s) and the symbols written so far, int64 (n, t), to logits (n, t,
    num_outputs) of those that follow."""
    from engine.models._encoder_decoder import EncoderDecoder

    return EncoderDecoder(
        symbols=data.num_outputs,
        width=config.width,
        layers=config.layers,
        heads=config.heads,
        dropout=config.dropout,
    )
