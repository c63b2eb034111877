"""What classification can reach without a network: the most frequent class, and words by
themselves."""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from numpy.typing import NDArray
from torch import Tensor

from engine.config.padding_constants import PAD
from engine.config.registry import Samples, Split
from engine.runs.events import Reference
from engine.tasks.held_out_split import HeldOut

MAX_SAMPLES = 20_000
"""Training samples that references are made from: enough for a second."""
_CHUNK = 1024
_MAX_WEIGHTS = 2**20
_ITERATIONS = 50


def references(train: Samples, held: HeldOut, *, classes: int, symbols: int) -> list[Reference]:
    """The accuracy of the most frequent class and, for samples of `symbols` different symbols, of
    logistic regression on which of them a sample has, with an L2 penalty of weight 1 (as
    scikit-learn has it by default)."""
    x, y = _training(train, symbols > 0)
    if not len(y):
        return []
    expected = torch.cat([labels for _, labels in held.chunks()]).cpu()
    usual = torch.bincount(y, minlength=classes).argmax()
    found = [Reference(metric="accuracy", name="majority", value=_share(expected == usual))]
    if 0 < symbols * classes <= _MAX_WEIGHTS:
        weights, bias = fit(x, y, symbols=symbols, classes=classes)
        right = [
            (_logits(bags(inputs.cpu()), weights, bias).argmax(dim=1) == labels.cpu())
            for inputs, labels in held.chunks()
        ]
        value = _share(torch.cat(right))
        found.append(Reference(metric="accuracy", name="unigram logistic", value=value))
    return found


def fit(x: list[Tensor], y: Tensor, *, symbols: int, classes: int) -> tuple[Tensor, Tensor]:
    """Logistic regression on `bags`, with the sum of the losses and half the square of the weights
    minimised: weights (symbols, classes) and bias (classes,)."""
    given = join([bags(chunk) for chunk in x])
    weights = torch.zeros(symbols, classes, requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weights, bias], max_iter=_ITERATIONS, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        logits = _logits(given, weights, bias)
        loss = F.cross_entropy(logits, y, reduction="sum") + weights.square().sum() / 2
        loss.backward()
        return loss

    with torch.enable_grad():
        optimizer.step(closure)
    return weights.detach(), bias.detach()


Bags = tuple[Tensor, Tensor]
"""The different symbols of samples, one sample behind the other, and where each one begins."""


def bags(x: Tensor) -> Bags:
    """The different symbols of each sample of int64 (n, t), without padding."""
    ordered = x.sort(dim=1).values
    kept = ordered != PAD
    kept[:, 1:] &= ordered[:, 1:] != ordered[:, :-1]
    counts = kept.sum(dim=1)
    return ordered[kept], counts.cumsum(dim=0) - counts


def join(several: list[Bags]) -> Bags:
    """The samples of several bags as one."""
    symbols = torch.cat([found for found, _ in several])
    before = np.cumsum([0, *(len(found) for found, _ in several)])
    begins = [part + int(first) for (_, part), first in zip(several, before, strict=False)]
    return symbols, torch.cat(begins)


def _logits(given: Bags, weights: Tensor, bias: Tensor) -> Tensor:
    return F.embedding_bag(given[0], weights, given[1], mode="sum") + bias


def _training(train: Samples, inputs: bool) -> tuple[list[Tensor], Tensor]:
    """Inputs, if asked for, in chunks, and labels of training samples that are spread evenly."""
    count = len(train.y) if isinstance(train, Split) else len(train)
    some = min(count, MAX_SAMPLES)
    chosen = np.arange(some) * count // max(1, some)
    x, y = [], []
    for first in range(0, some, _CHUNK):
        part = _picked(train, chosen[first : first + _CHUNK])
        if inputs:
            x.append(torch.from_numpy(part.x))
        y.append(torch.from_numpy(part.y))
    return x, torch.cat(y) if y else torch.empty(0, dtype=torch.int64)


def _picked(samples: Samples, index: NDArray[np.int64]) -> Split:
    if isinstance(samples, Split):
        return Split(samples.x[index], samples.y[index])
    return samples.batch(index)


def _share(right: Tensor) -> float:
    return round(right.double().mean().item(), 6)
