"""An encoder-decoder transformer (Vaswani et al. 2017, arXiv:1706.03762), with pre-norm as in
Xiong et al. 2020 (arXiv:2002.04745) and one embedding for source, target and output (Press and
Wolf 2017, arXiv:1608.05859)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

_PAD = 0
_LONGEST_WAVE = 10_000.0  # of the sinusoids, divided by 2 pi

Keys = tuple[Tensor, Tensor]  # keys and values, float (n, heads, t, width / heads) each


@dataclass
class State:
    """What a decoder keeps of a batch between two symbols."""

    source: Tensor
    """The source symbols, int64 (n, s)."""
    memory: Tensor
    """What the encoder made of them, float (n, s, width)."""
    crossed: list[Keys]
    """Keys and values of `memory`, for each layer."""
    past: list[Keys] = field(default_factory=list)
    """Keys and values of what has been written, for each layer."""
    length: int = 0
    """The number of symbols that have been written."""

    def select(self, rows: Tensor) -> None:
        """Keep these rows, int64 (m,), in this order; a row may come more than once."""
        self.source, self.memory = self.source[rows], self.memory[rows]
        self.crossed = [(keys[rows], values[rows]) for keys, values in self.crossed]
        self.reorder(rows)

    def reorder(self, rows: Tensor) -> None:
        """As `select`, where each row takes the place of one with the same source."""
        self.past = [(keys[rows], values[rows]) for keys, values in self.past]


class Attention(nn.Module):
    """Attention with several heads, of a sequence to itself or to another one."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.projection = nn.Linear(width, width)

    def keys(self, x: Tensor) -> Keys:
        """The keys and values of float (n, t, width)."""
        n, t, width = x.shape
        keys, values = self.key_value(x).view(n, t, 2, self.heads, width // self.heads).unbind(2)
        return keys.transpose(1, 2), values.transpose(1, 2)

    def forward(
        self, x: Tensor, keys: Keys, *, mask: Tensor | None = None, causal: bool = False
    ) -> Tensor:
        """Map float (n, t, width) to the same shape; `mask` is true where a key is seen, bool
        (n, 1, 1, keys)."""
        n, t, width = x.shape
        queries = self.query(x).view(n, t, self.heads, width // self.heads).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(queries, *keys, attn_mask=mask, is_causal=causal)
        y: Tensor = self.projection(mixed.transpose(1, 2).reshape(n, t, width))
        return y


class FeedForward(nn.Module):
    """A hidden layer of four times the width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.expand = nn.Linear(width, 4 * width)
        self.projection = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map float (n, t, width) to the same shape."""
        y: Tensor = self.projection(F.relu(self.expand(x)))
        return y


class EncoderBlock(nn.Module):
    """A block that sees the whole source: attention and a hidden layer, each added to its input."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.hidden = FeedForward(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map float (n, s, width) to the same shape."""
        normed = self.norm_1(x)
        x = x + self.dropout(self.attention(normed, self.attention.keys(normed), mask=mask))
        y: Tensor = x + self.dropout(self.hidden(self.norm_2(x)))
        return y


class DecoderBlock(nn.Module):
    """A block that sees what has been written, and the source."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm_1, self.norm_2, self.norm_3 = (nn.LayerNorm(width) for _ in range(3))
        self.attention = Attention(width, heads)
        self.cross = Attention(width, heads)
        self.hidden = FeedForward(width)
        self.dropout = nn.Dropout(dropout)

    def sees(self, memory: Tensor) -> Keys:
        """The keys and values of the encoded source, float (n, s, width)."""
        return self.cross.keys(memory)

    def forward(
        self, x: Tensor, past: Keys | None, crossed: Keys, mask: Tensor
    ) -> tuple[Tensor, Keys]:
        """Map float (n, t, width) to the same shape, and to the keys and values of all that has
        been written; t is 1 where there is a past."""
        normed = self.norm_1(x)
        keys = self.attention.keys(normed)
        if past is not None:
            keys = torch.cat([past[0], keys[0]], dim=2), torch.cat([past[1], keys[1]], dim=2)
        x = x + self.dropout(self.attention(normed, keys, causal=past is None))
        x = x + self.dropout(self.cross(self.norm_2(x), crossed, mask=mask))
        y: Tensor = x + self.dropout(self.hidden(self.norm_3(x)))
        return y, keys


class EncoderDecoder(nn.Module):
    """An encoder and a decoder over symbols, of which 0 is padding; a subclass says in `head` how
    the decoder's states become logits.

    Places are told by sinusoids, so no length is the longest one.
    """

    def __init__(
        self, *, symbols: int, width: int, layers: int, heads: int, dropout: float
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, width)
        self.dropout = nn.Dropout(dropout)
        self.encoder = nn.ModuleList(EncoderBlock(width, heads, dropout) for _ in range(layers))
        self.encoder_norm = nn.LayerNorm(width)
        self.decoder = nn.ModuleList(DecoderBlock(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self._initialise()

    @torch.no_grad()
    def _initialise(self) -> None:
        """Draw matrices as Glorot and Bengio 2010 do, set biases to 0; the embedding has a standard
        deviation of 1 / sqrt(width), as it is multiplied by sqrt(width) where it is an input."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.embedding.weight, std=self.embedding.embedding_dim**-0.5)

    def forward(self, x: Tensor, written: Tensor) -> Tensor:
        """Map the source int64 (n, s) and what has been written, int64 (n, t), beginning with the
        symbol that begins, to logits float (n, t, symbols) of the symbol after each place."""
        return self.logits(written, self.encode(x))

    def _decoders(self) -> Iterator[DecoderBlock]:
        for block in self.decoder:
            assert isinstance(block, DecoderBlock)
            yield block

    def encode(self, x: Tensor) -> State:
        """What the decoder needs of the source, int64 (n, s); nothing has been written yet."""
        mask = _seen(x)
        h = self._embedded(x, 0)
        for block in self.encoder:
            h = block(h, mask)
        memory = self.encoder_norm(h)
        crossed = [block.sees(memory) for block in self._decoders()]
        return State(x, memory, crossed)

    def logits(self, written: Tensor, state: State) -> Tensor:
        """The logits, float (n, t, symbols), after each of the symbols int64 (n, t) that come after
        those of the state, which takes them in; t is 1 unless the state is a new one."""
        mask = _seen(state.source)
        h = embedded = self._embedded(written, state.length)
        past: Sequence[Keys | None] = state.past or [None] * len(self.decoder)
        state.past = []
        for block, before, crossed in zip(self._decoders(), past, state.crossed, strict=True):
            h, keys = block(h, before, crossed, mask)
            state.past.append(keys)
        state.length += written.shape[1]
        return self.head(self.norm(h), embedded, state)

    def head(self, h: Tensor, embedded: Tensor, state: State) -> Tensor:
        """The logits of the decoder's states h, float (n, t, width), after inputs of that shape."""
        return F.linear(h, self.embedding.weight)

    def _embedded(self, symbols: Tensor, begin: int) -> Tensor:
        width = self.embedding.embedding_dim
        places = torch.arange(begin, begin + symbols.shape[1], device=symbols.device)
        scaled = self.embedding(symbols) * math.sqrt(width)
        embedded: Tensor = self.dropout(scaled + sinusoids(places, width))
        return embedded


def sinusoids(places: Tensor, width: int) -> Tensor:
    """The position embeddings of Vaswani et al. 2017, section 3.5: float32 (places, width), the
    sines first."""
    half = -(-width // 2)
    exponents = torch.arange(half, device=places.device) / half
    angles = places[:, None] * _LONGEST_WAVE**-exponents
    return torch.cat([angles.sin(), angles.cos()], dim=1)[:, :width]


def _seen(symbols: Tensor) -> Tensor:
    """The mask of the keys that are no padding, bool (n, 1, 1, s)."""
    return (symbols != _PAD)[:, None, None]
