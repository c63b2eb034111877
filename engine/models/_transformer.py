"""A decoder-only transformer (Vaswani et al. 2017; pre-norm as in GPT-2, Radford et al. 2019)."""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

_INIT_STD = 0.02


class Cache:
    """Keys and values of the places that a transformer has seen, so that the next ones need not
    compute them again. It grows in place: whoever extends a text has one of its own."""

    def __init__(self, layers: int, context_length: int) -> None:
        self.length = 0
        """Number of places that all layers have seen."""
        self._context_length = context_length
        self._kept: list[tuple[Tensor, Tensor] | None] = [None] * layers

    def add(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Keep keys and values of new places, float (n, heads, t, width / heads); returns those of
        all places, (n, heads, length + t, width / heads)."""
        kept = self._kept[layer]
        if kept is None:  # in the precision and on the device that the model computes on
            shape = (*k.shape[:2], self._context_length, k.shape[3])
            kept = self._kept[layer] = (k.new_empty(shape), v.new_empty(shape))
        end = self.length + k.shape[2]
        kept[0][:, :, self.length : end] = k
        kept[1][:, :, self.length : end] = v
        return kept[0][:, :, :end], kept[1][:, :, :end]


class Attention(nn.Module):
    """Causal self-attention with several heads."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.qkv = nn.Linear(width, 3 * width)
        self.projection = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map float (n, t, width) to the same shape."""
        n, t, width = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, self.heads, width // self.heads).unbind(2)
        mixed = F.scaled_dot_product_attention(
            q.transpose(1, 2),
            k.transpose(1, 2),
            v.transpose(1, 2),
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=True,
        )
        y: Tensor = self.projection(mixed.transpose(1, 2).reshape(n, t, width))
        return y

    def extend(self, x: Tensor, cache: Cache, layer: int) -> Tensor:
        """The same for places that follow those in the cache, which is given their keys and
        values. Without dropout."""
        n, t, width = x.shape
        parts = self.qkv(x).view(n, t, 3, self.heads, width // self.heads).unbind(2)
        q, k, v = (part.transpose(1, 2) for part in parts)
        k, v = cache.add(layer, k, v)
        mask = None
        if t > 1:  # each place sees what the cache had, and the new places up to itself
            seen = torch.ones(t, k.shape[2], dtype=torch.bool, device=x.device)
            mask = seen.tril(k.shape[2] - t)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        y: Tensor = self.projection(mixed.transpose(1, 2).reshape(n, t, width))
        return y


class Block(nn.Module):
    """A transformer block: attention and a hidden layer of four times the width, each added to its
    input."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads, dropout)
        self.norm_2 = nn.LayerNorm(width)
        self.expand = nn.Linear(width, 4 * width)
        self.projection = nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map float (n, t, width) to the same shape."""
        x = x + self.dropout(self.attention(self.norm_1(x)))
        hidden = F.gelu(self.expand(self.norm_2(x)), approximate="tanh")
        y: Tensor = x + self.dropout(self.projection(hidden))
        return y

    def extend(self, x: Tensor, cache: Cache, layer: int) -> Tensor:
        """The same for places that follow those in the cache, without dropout."""
        x = x + self.attention.extend(self.norm_1(x), cache, layer)
        hidden = F.gelu(self.expand(self.norm_2(x)), approximate="tanh")
        y: Tensor = x + self.projection(hidden)
        return y


class Transformer(nn.Module):
    """A decoder-only transformer over symbols. Its logits are products with the embedding of the
    symbols (tied weights, Press and Wolf 2017)."""

    def __init__(
        self,
        *,
        symbols: int,
        context_length: int,
        width: int,
        layers: int,
        heads: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, width)
        self.position = nn.Embedding(context_length, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self._initialise(layers)

    @torch.no_grad()
    def _initialise(self, layers: int) -> None:
        """Draw weights from a normal distribution with standard deviation 0.02, set biases to 0.
        The matrices that add to the residual stream are divided by sqrt(2 layers), so that its
        variance does not grow with the depth (GPT-2, section 2.3)."""
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                added = name.endswith("projection")
                scale = 1 / math.sqrt(2 * layers) if added else 1.0
                nn.init.normal_(module.weight, std=_INIT_STD * scale)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map symbols int64 (n, t), t <= context_length, to logits float (n, t, symbols)."""
        h = self.dropout(self.embedding(x) + self.position.weight[: x.shape[1]])
        for block in self.blocks:
            h = block(h)
        return F.linear(self.norm(h), self.embedding.weight)

    @property
    def most_symbols(self) -> int:
        """The number of symbols that the model can see at once."""
        return self.position.num_embeddings

    def extend(self, x: Tensor, memory: Cache | None = None) -> tuple[Tensor, Cache]:
        """Map symbols int64 (n, t) that follow those in `memory`, together at most `most_symbols`,
        to the logits of the last of them, float (n, symbols), and to the memory of all. They are
        those of `forward` in evaluation mode; each place is computed once. `memory` is used up."""
        cache = memory or Cache(len(self.blocks), self.most_symbols)
        end = cache.length + x.shape[1]
        h = self.embedding(x) + self.position.weight[cache.length : end]
        for layer, block in enumerate(self.blocks):
            h = cast("Block", block).extend(h, cache, layer)
        cache.length = end
        return F.linear(self.norm(h[:, -1]), self.embedding.weight), cache
