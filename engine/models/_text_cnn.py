"""A convolutional network over symbols."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from engine.config.padding_constants import PAD, UNKNOWN

_INIT_STD = 0.1


class TextCNN(nn.Module):
    """An embedding, convolutions of several sizes, the maximum of each output over the places of
    the text, and a linear layer (Kim 2014, arXiv:1408.5882)."""

    def __init__(
        self,
        *,
        symbols: int,
        outputs: int,
        width: int,
        channels: int,
        kernel_sizes: Sequence[int],
        dropout: float,
        word_dropout: float,
    ) -> None:
        super().__init__()
        self.kernel_sizes = tuple(kernel_sizes)
        self.embedding = nn.Embedding(symbols, width)
        nn.init.normal_(self.embedding.weight, std=_INIT_STD)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, channels, size, padding=size - 1) for size in kernel_sizes
        )
        self.head = nn.Linear(channels * len(kernel_sizes), outputs)
        self.dropout_symbols = nn.Dropout(dropout / 2)
        self.dropout = nn.Dropout(dropout)
        self.word_dropout = word_dropout

    def forward(self, x: Tensor) -> Tensor:
        """Map symbols int64 (n, t), t > 0, to outputs float (n, outputs); padding changes
        nothing."""
        inside = x != PAD
        if self.training and self.word_dropout:
            dropped = torch.rand(x.shape, device=x.device) < self.word_dropout
            x = x.masked_fill(dropped & inside, UNKNOWN)
        h = self.dropout_symbols(self.embedding(x))
        # Around a text are zeros, whether it is padded or not.
        h = (h * inside[:, :, None]).transpose(1, 2)
        lengths = inside.sum(dim=1)
        found = [
            _largest(F.relu(layer(h)), lengths + size - 1)
            for layer, size in zip(self.convolutions, self.kernel_sizes, strict=True)
        ]
        y: Tensor = self.head(self.dropout(torch.cat(found, dim=1)))
        return y


def _largest(h: Tensor, lengths: Tensor) -> Tensor:
    """The maximum of float (n, channels, t), not negative, over the first `lengths` places, (n,):
    those that see some of the text. The result is (n, channels)."""
    outside = torch.arange(h.shape[2], device=h.device) >= lengths[:, None]
    return h.masked_fill(outside[:, None], 0.0).amax(dim=2)
