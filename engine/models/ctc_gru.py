"""A convolution and bidirectional gated recurrent units over sound, for connectionist temporal
classification (Graves et al. 2006)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from engine.config.registry import Cost, DatasetInfo, Input
from presets.schema import Config as Base
from presets.schema import Count, Fraction

if TYPE_CHECKING:
    from torch import nn

TASKS: tuple[str, ...] = ("speech",)
INPUTS: tuple[Input, ...] = ("frames",)


class Config(Base, frozen=True):
    channels: Count = 64
    """Output channels of the convolution."""
    kernel: Annotated[int, Meta(ge=1, le=99)] = 5
    """Frames that the convolution sees at once; an odd number."""
    stride: Annotated[int, Meta(ge=1, le=16)] = 1
    """Frames from one output to the next: more of them take less time, and a text can have no more
    symbols than there are outputs."""
    hidden: Count = 48
    """Units of each recurrent layer in each direction."""
    layers: Count = 1
    dropout: Fraction = 0.1
    """Probability of zeroing an output of a layer in training."""

    def __post_init__(self) -> None:
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel: expected an odd number, got {self.kernel}")


def cost(config: Config, data: DatasetInfo) -> Cost:
    frames, features = data.input_shape
    hidden, layers, outputs = config.hidden, config.layers, data.num_outputs
    steps = -(-frames // config.stride)
    convolution = features * config.channels * config.kernel
    # Three gates in each of two directions, of the input and of the state before.
    first = 6 * hidden * (config.channels + hidden)
    other = 6 * hidden * (2 * hidden + hidden)
    recurrent = first + (layers - 1) * other
    head = 2 * hidden * outputs
    biases = 3 * config.channels + 12 * hidden * layers + outputs
    return Cost(
        num_parameters=convolution + recurrent + head + biases,
        multiply_adds=steps * (convolution + recurrent + head),
        activations=_activations(config, data, steps),
    )


def _activations(config: Config, data: DatasetInfo, steps: int) -> int:
    """Numbers of a sample that are kept for the backward pass: frames without their NaN, output of
    the convolution, of ReLU and of the norm; of each layer its input in both directions, gates and
    states; masks of dropout; logits and their logarithms, and the sums of the loss."""
    frames, features = data.input_shape
    dropped = 2 if config.dropout else 1
    before = frames * features + steps * config.channels * (2 + dropped)
    layer = 2 * 8 * config.hidden + 2 * config.hidden * dropped
    return before + steps * (config.layers * layer + config.channels + 4 * data.num_outputs)


def build(config: Config, data: DatasetInfo) -> nn.Module:
    """Maps frames float32 (n, t, features) to logits (n, ceil(t / stride), num_outputs); the first
    output is the blank."""
    from engine.models._sound_network import SoundNetwork

    return SoundNetwork(
        features=data.input_shape[1],
        outputs=data.num_outputs,
        channels=config.channels,
        kernel=config.kernel,
        stride=config.stride,
        hidden=config.hidden,
        layers=config.layers,
        dropout=config.dropout,
    )
