"""Losses of a classifier, by the name that the configuration gives them."""

from collections.abc import Callable
from typing import Literal

import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor

from presets import schema

Reduction = Literal["mean", "sum"]
Loss = Callable[[Tensor, Tensor, Reduction], Tensor]
"""(logits float (n, classes), labels int64 (n,), reduction over samples) -> 0-dim tensor."""


def cross_entropy(logits: Tensor, labels: Tensor, reduction: Reduction = "mean") -> Tensor:
    """Negative log likelihood of the labels under the softmax of the logits, in nats."""
    return F.cross_entropy(logits, labels, reduction=reduction)


def mse(logits: Tensor, labels: Tensor, reduction: Reduction = "mean") -> Tensor:
    """Squared error between softmax probabilities and one-hot labels, mean over classes
    (the Brier score of Brier 1950, divided by the number of classes)."""
    expected = F.one_hot(labels, logits.shape[1])
    samples = (logits.softmax(dim=1) - expected).square().mean(dim=1)
    return samples.mean() if reduction == "mean" else samples.sum()


BY_NAME: dict[schema.Loss, Loss] = {"cross_entropy": cross_entropy, "mse": mse}


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Share of samples whose largest logit is that of the label, a 0-dim float tensor."""
    return (logits.argmax(dim=1) == labels).float().mean()
