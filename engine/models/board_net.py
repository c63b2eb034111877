"""A small residual network that sees a board (after Silver et al. 2017, doi 10.1038/nature24270):
convolutions keep its size, a logit for each cell is the policy, and a number is the value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config.registry import Cost, DatasetInfo
from presets.schema import Config as Base
from presets.schema import Count, RunConfig

if TYPE_CHECKING:
    from torch import nn

TASKS = ("imitation", "self-play")
INPUTS = ("board",)


class Config(Base, frozen=True):
    channels: Count = 32
    """Channels of each convolution."""
    blocks: Count = 2
    """Number of residual blocks, of two convolutions each."""
    value_hidden: Count = 32
    """Hidden units between the pooled board and the value."""


def check(config: Config, run: RunConfig) -> None:
    if run.batch_size == 1:
        raise ValueError("batch_size: batch norm has no variance for 1 sample; expected >= 2")


def cost(config: Config, data: DatasetInfo) -> Cost:
    planes, rows, columns = data.input_shape
    width, cells = config.channels, rows * columns
    trunk = 9 * planes * width + 2 * config.blocks * 9 * width**2
    norms = 2 * width * (1 + 2 * config.blocks)
    value = 2 * width * config.value_hidden + config.value_hidden
    others = data.num_outputs - 1 - cells * _has_cells(data)
    policy = 2 * width * others + width * _has_cells(data)
    biases = config.value_hidden + 1 + others + _has_cells(data)
    convolutions = (1 + 2 * config.blocks) * 2
    return Cost(
        num_parameters=trunk + norms + value + policy + biases,
        multiply_adds=cells * (trunk + width * _has_cells(data)) + value + 2 * width * others,
        activations=cells * (planes + convolutions * width),
    )


def _has_cells(data: DatasetInfo) -> bool:
    """Whether there is a move for each cell, as in Go; else each move is one output, as the columns
    of Connect Four are."""
    _, rows, columns = data.input_shape
    return data.num_outputs > rows * columns


def build(config: Config, data: DatasetInfo) -> nn.Module:
    """Maps float32 (n, planes, rows, columns) to (n, num_outputs): logits of the moves, first those
    of the cells if there is a move for each, and the value, before tanh, as the last one."""
    from engine.models._board_net import BoardNet

    planes, rows, columns = data.input_shape
    cells = rows * columns * _has_cells(data)
    return BoardNet(
        planes,
        channels=config.channels,
        blocks=config.blocks,
        value_hidden=config.value_hidden,
        per_cell=cells > 0,
        others=data.num_outputs - 1 - cells,
    )
