"""A small convolutional network for images of any size, ending in global average pooling."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from engine.config import registry
from engine.config.registry import Cost, DatasetInfo
from presets.schema import Config as Base
from presets.schema import Count, Fraction, RunConfig

if TYPE_CHECKING:
    from torch import nn


class Config(Base, frozen=True):
    channels: Annotated[tuple[Count, ...], Meta(min_length=1)] = (16, 32, 64)
    """Output channels of each stage, which is a 3x3 convolution, batch norm and ReLU."""
    dropout: Fraction = 0.1
    """Probability of zeroing a pooled feature in training."""


def check(config: Config, run: RunConfig) -> None:
    data = registry.module("dataset", run.dataset.type)
    shape = data.info(registry.config("dataset", run.dataset)).input_shape
    if len(shape) != 3:
        raise ValueError(
            f"model: {run.model.name} needs images of shape (channels, height, width), "
            f"but {run.dataset.name} has samples of shape {shape}"
        )
    if run.batch_size == 1 and _sizes(config, shape)[-1] == (1, 1):
        raise ValueError("batch_size: batch norm has no variance for 1 sample; expected >= 2")


def _sizes(config: Config, shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Height and width at each stage; pooling between two stages halves them, rounding up."""
    _, height, width = shape
    return [(-(-height // 2**i), -(-width // 2**i)) for i in range(len(config.channels))]


def cost(config: Config, data: DatasetInfo) -> Cost:
    stages = list(pairwise((data.input_shape[0], *config.channels)))
    kernels = [9 * inputs * outputs for inputs, outputs in stages]
    norms = 2 * sum(config.channels)
    head = config.channels[-1] * data.num_outputs
    sizes = _sizes(config, data.input_shape)
    convolutions = sum(
        kernel * height * width for kernel, (height, width) in zip(kernels, sizes, strict=True)
    )
    return Cost(
        num_parameters=sum(kernels) + norms + head + data.num_outputs,
        multiply_adds=convolutions + head,
        activations=_activations(config, data, sizes),
    )


def _activations(config: Config, data: DatasetInfo, sizes: list[tuple[int, int]]) -> int:
    """Numbers of a sample that are kept for the backward pass: the inputs of batch norm and outputs
    of ReLU; between two stages the outputs of pooling and the places of its maxima; at the end the
    pooled features and the mask of dropout."""
    areas = [height * width for height, width in sizes]
    stages = sum(2 * c * area for c, area in zip(config.channels, areas, strict=True))
    pooled = sum(2 * c * area for c, area in zip(config.channels, areas[1:], strict=False))
    ends = config.channels[-1] * (1 + (config.dropout > 0)) + data.num_outputs
    return math.prod(data.input_shape) + stages + pooled + ends


def build(config: Config, data: DatasetInfo) -> nn.Module:
    """Maps float32 (n, channels, height, width) to logits or numbers (n, num_outputs)."""
    from torch import nn

    layers: list[nn.Module] = []
    for inputs, outputs in pairwise((data.input_shape[0], *config.channels)):
        if layers:
            # ceil_mode: an image that is down to one pixel stays one pixel.
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        layers += [
            # Batch norm has a bias.
            nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        ]
    return nn.Sequential(
        *layers,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(config.dropout),
        nn.Linear(config.channels[-1], data.num_outputs),
    )
