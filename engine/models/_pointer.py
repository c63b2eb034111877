"""A decoder that writes symbols of its vocabulary or copies them from the source (See et al. 2017,
"Get To The Point: Summarization with Pointer-Generator Networks", arXiv:1704.04368)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from engine.models._encoder_decoder import EncoderDecoder, State

_PAD = 0
_LEAST = 1e-8  # probability: no logarithm of 0 for a symbol that can neither be written nor copied


class PointerGenerator(EncoderDecoder):
    """A transformer whose output mixes the distribution over the vocabulary with that over the
    places of the source, on which it turns its attention; the logits are logarithms of the mixed
    probabilities. The share of each follows from what the attention found, the decoder's state and
    its input (section 2.2, equations 8 and 9)."""

    def __init__(
        self, *, symbols: int, width: int, layers: int, heads: int, dropout: float
    ) -> None:
        super().__init__(symbols=symbols, width=width, layers=layers, heads=heads, dropout=dropout)
        self.pointer = nn.Linear(width, width)
        self.share = nn.Linear(3 * width, 1)
        self._initialise()

    def head(self, h: Tensor, embedded: Tensor, state: State) -> Tensor:
        """Log-probabilities, float (n, t, symbols)."""
        scores = self.pointer(h) @ state.memory.transpose(1, 2) / math.sqrt(h.shape[2])
        scores = scores.masked_fill((state.source == _PAD)[:, None], -torch.inf)
        attention = scores.softmax(dim=2)
        found = attention @ state.memory
        share = self.share(torch.cat([found, h, embedded], dim=2)).sigmoid()
        written = F.linear(h, self.embedding.weight).softmax(dim=2) * share
        places = state.source[:, None].expand_as(attention)
        mixed = written.scatter_add(2, places, attention * (1 - share))
        logs: Tensor = mixed.clamp(min=_LEAST).log()
        return logs
