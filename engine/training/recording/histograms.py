"""Distributions of magnitudes on a logarithmic axis."""

import torch
from torch import Tensor

LOW, HIGH, BINS = -10.0, 2.0, 48
"""Limits of log10 |value| and number of bins, four for each power of ten; values outside the limits
are counted in the first or the last bin."""


def of(tensors: list[Tensor], rows: list[int]) -> Tensor:
    """Counts of log10 |value| by row, float32 (rows, BINS); tensor `i` belongs to row `rows[i]`.

    0 is counted in the first bin, infinities in the last one, NaN nowhere.
    """
    counts = [torch.zeros(BINS, device=tensors[0].device) for _ in range(max(rows) + 1)]
    for tensor, row in zip(tensors, rows, strict=True):
        size = tensor.detach().float().abs().log10_().clamp_(LOW, HIGH)
        counts[row] += torch.histc(size, BINS, LOW, HIGH)
    return torch.stack(counts)
