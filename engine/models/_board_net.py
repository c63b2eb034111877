"""The modules of the model `board-net`."""

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """Two convolutions beside a way round them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = _convolution(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.second(torch.relu(self.first(x))))


class BoardNet(nn.Module):
    """Residual blocks, and heads for the policy and the value."""

    def __init__(
        self,
        planes: int,
        *,
        channels: int,
        blocks: int,
        value_hidden: int,
        per_cell: bool,
        others: int,
    ) -> None:
        """`others` is the number of moves that belong to no cell, such as a pass."""
        super().__init__()
        self.stem = _convolution(planes, channels)
        self.blocks = nn.Sequential(*(Block(channels) for _ in range(blocks)))
        self.cells = nn.Conv2d(channels, 1, 1) if per_cell else None
        self.others = nn.Linear(2 * channels, others) if others else None
        self.value = nn.Sequential(
            nn.Linear(2 * channels, value_hidden), nn.ReLU(), nn.Linear(value_hidden, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        seen = self.blocks(torch.relu(self.stem(x)))
        pooled = torch.cat([seen.mean(dim=(2, 3)), seen.amax(dim=(2, 3))], dim=1)
        parts = [] if self.cells is None else [self.cells(seen).flatten(1)]
        if self.others is not None:
            parts.append(self.others(pooled))
        return torch.cat([*parts, self.value(pooled)], dim=1)


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    """Batch norm has a bias, the convolution needs none."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)
    )
