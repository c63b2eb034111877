"""Convolutions over the symbols of a text and a maximum over its places (Kim 2014)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from engine.config.registry import Cost, DatasetInfo, Input
from presets.schema import Config as Base
from presets.schema import Count, Fraction

if TYPE_CHECKING:
    from torch import nn

INPUTS: tuple[Input, ...] = ("symbols",)
KernelSize = Annotated[int, Meta(ge=1, le=64)]


class Config(Base, frozen=True):
    width: Count = 64
    """How many numbers represent a symbol."""
    channels: Count = 64
    """Outputs of the convolutions of each size."""
    kernel_sizes: Annotated[tuple[KernelSize, ...], Meta(min_length=1, max_length=16)] = (1, 2, 3)
    """Numbers of neighbouring symbols that a convolution sees; one convolution each."""
    dropout: Fraction = 0.5
    """Probability of zeroing an output of a convolution in training; for the numbers of a symbol,
    half of it."""
    word_dropout: Fraction = 0.1
    """Probability that a symbol is taken for an unknown one in training."""


def cost(config: Config, data: DatasetInfo) -> Cost:
    (length,), width, channels = data.input_shape, config.width, config.channels
    outputs = channels * len(config.kernel_sizes)
    work = sum((length + size - 1) * size * width * channels for size in config.kernel_sizes)
    kept = sum((length + size - 1) * (2 * channels + 1) for size in config.kernel_sizes)
    embedded = 3 if config.dropout else 1  # what dropout is given, its mask, what it gives
    return Cost(
        num_parameters=data.num_symbols * width
        + sum((size * width + 1) * channels for size in config.kernel_sizes)
        + (outputs + 1) * data.num_outputs,
        multiply_adds=work + outputs * data.num_outputs,
        activations=length * (embedded * width + 2) + kept + 3 * outputs,
    )


def build(config: Config, data: DatasetInfo) -> nn.Module:
    """Maps symbols int64 (n, t), of any length t, to outputs (n, num_outputs)."""
    from engine.models._text_cnn import TextCNN

    return TextCNN(
        symbols=data.num_symbols,
        outputs=data.num_outputs,
        width=config.width,
        channels=config.channels,
        kernel_sizes=config.kernel_sizes,
        dropout=config.dropout,
        word_dropout=config.word_dropout,
    )
