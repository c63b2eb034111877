"""A recurrent network over frames of sound, for connectionist temporal classification."""

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from engine.config.padding_constants import SILENT


class BothWays(nn.Module):
    """Gated recurrent units (Cho et al. 2014, arXiv:1406.1078) that read sequences forwards and
    backwards (Schuster and Paliwal 1997).

    The second direction reads each sequence from its own end, so that padding is behind both:
    outputs inside a sequence do not depend on how much of it there is.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.forwards = nn.GRU(inputs, hidden, batch_first=True)
        self.backwards = nn.GRU(inputs, hidden, batch_first=True)

    def forward(self, h: Tensor, turned: Tensor) -> Tensor:
        """Map float (n, t, inputs) to (n, t, 2 hidden). `turned`, int64 (n, t, 1), has the place
        that comes to each place where a sequence is turned around in itself."""
        ahead, _ = self.forwards(h)
        behind, _ = self.backwards(h.take_along_dim(turned, dim=1))
        return torch.cat([ahead, behind.take_along_dim(turned, dim=1)], dim=2)


class SoundNetwork(nn.Module):
    """A convolution over time, recurrent layers in both directions, and a linear layer."""

    def __init__(
        self,
        *,
        features: int,
        outputs: int,
        channels: int,
        kernel: int,
        stride: int,
        hidden: int,
        layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(
            features, channels, kernel, stride=stride, padding=(kernel - 1) // 2
        )
        self.norm = nn.LayerNorm(channels)
        self.dropout = nn.Dropout(dropout)
        widths = [channels, *[2 * hidden] * (layers - 1)]
        self.layers = nn.ModuleList(BothWays(width, hidden) for width in widths)
        self.head = nn.Linear(2 * hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map frames float (n, t, features), padded with NaN, to logits float (n, u, outputs) with
        u = ceil(t / stride). Padding becomes frames that are silent for sure."""
        lengths = x[:, :, 0].isnan().logical_not().sum(dim=1)
        lengths = -(-lengths // self.convolution.stride[0])
        h = self.convolution(x.nan_to_num(nan=0.0).transpose(1, 2)).transpose(1, 2)
        h = self.dropout(self.norm(F.relu(h)))
        places = torch.arange(h.shape[1], device=h.device)
        inside = places < lengths[:, None]
        turned = torch.where(inside, lengths[:, None] - 1 - places, places)[:, :, None]
        for layer in self.layers:
            h = self.dropout(layer(h, turned))
        logits = self.head(h)
        silence = logits.new_full((logits.shape[2],), SILENT)
        silence[0] = 0.0
        return torch.where(inside[:, :, None], logits, silence)
