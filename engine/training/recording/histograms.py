"""Distributions of magnitudes on a logarithmic axis."""

import torch
from torch import Tensor

LOW, HIGH, BINS = -10.0, 2.0, 48
"""Four bins for each power of ten; what lies outside is counted in the first or the last one."""


def of(tensors: list[Tensor], rows: list[int]) -> Tensor:
    """Count log10 |value|; tensor `i` belongs to row `rows[i]`. Float32 (rows, BINS).

    0 is counted in the first bin, infinities in the last one, NaN nowhere.
    """
    counts = [torch.zeros(BINS, device=tensors[0].device) for _ in range(max(rows) + 1)]
    for tensor, row in zip(tensors, rows, strict=True):
        size = tensor.detach().float().abs().log10_().clamp_(LOW, HIGH)
        counts[row] += torch.histc(size, BINS, LOW, HIGH)
    return torch.stack(counts)
