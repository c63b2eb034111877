"""Optimizers with two sets of weights: those that are trained, and those that are evaluated."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import optim


@contextmanager
def evaluated_weights(optimizer: optim.Optimizer) -> Iterator[bool]:
    """Inside, the model has the weights that the optimizer evaluates: those of its method `eval`,
    if it has one. Yields whether they differ from the trained ones.

    Afterwards the trained weights are there again, bit for bit: libraries compute them from the
    evaluated ones, which rounds.
    """
    to_evaluate = getattr(optimizer, "eval", None)
    to_train = getattr(optimizer, "train", None)
    if to_evaluate is None or to_train is None:
        yield False
        return
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    with torch.no_grad():
        trained = [weight.detach().clone() for weight in weights]
        to_evaluate()
        differ = not all(map(torch.equal, weights, trained))
        try:
            yield differ
        finally:
            to_train()
            for weight, value in zip(weights, trained, strict=True):
                weight.copy_(value)
