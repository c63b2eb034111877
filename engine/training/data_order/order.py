"""The order of the training samples: which of them make a batch, a function of (seed, epoch)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.config.registry import Samples, Split
from engine.training.data_order import seeds
from engine.training.data_order.permutation import permutation
from presets import UserError

_GROUPS = 5
"""The random stream of the order of batches, apart from those of `seeds`."""
_MIXED = 0.1
"""How much longer one sample of a batch may be than another at first, so that samples do not meet
the same others in every epoch."""


def batches(
    samples: Samples,
    *,
    seed: int,
    epoch: int,
    batch_size: int,
    number: int,
    by_tokens: bool,
    skipped: int = 0,
) -> Iterator[NDArray[np.int64]]:
    """The indices of each batch of an epoch, `number` of them less the first `skipped` ones.

    Samples of like lengths come together, and the batches in any order. They have `batch_size`
    samples each, or, `by_tokens`, about the same number of tokens. Raises UserError if there are
    more batches than samples.
    """
    lengths = None if isinstance(samples, Split) else samples.lengths
    total = len(samples.y) if isinstance(samples, Split) else len(samples)
    if lengths is None:  # each batch as it is asked for: there may be millions of them
        order = permutation(seed, epoch, total)
        for begin in range(skipped * batch_size, min(total, number * batch_size), batch_size):
            yield order.part(begin, begin + batch_size)
        return
    groups = _alike(lengths, seed, epoch, batch_size, number if by_tokens else None)
    yield from groups[skipped:number]


def _alike(
    lengths: NDArray[np.int64], seed: int, epoch: int, batch_size: int, even: int | None
) -> list[NDArray[np.int64]]:
    """Batches of samples of like lengths, in any order; `even` of them with about as many tokens
    each, else with `batch_size` samples each."""
    order = seeds.order(seed, epoch, len(lengths))
    stream = np.random.default_rng((_GROUPS, seed, epoch))
    blurred = lengths[order] * (1 + _MIXED * stream.random(len(order)))
    order = order[np.argsort(blurred, kind="stable")]
    if even is None:
        cuts = np.arange(batch_size, len(order), batch_size)
    else:
        cuts = _even(lengths[order], even)
    groups = np.split(order, cuts)
    return [groups[place] for place in stream.permutation(len(groups))]


def _even(lengths: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """Where to cut samples into `number` groups of about as many tokens each, none of them empty;
    int64 (number - 1,)."""
    if number > len(lengths):
        raise UserError(
            f"batch_tokens: {number} batches need as many samples, there are {len(lengths)}; "
            "give a larger number"
        )
    ends = np.cumsum(lengths)
    wanted = ends[-1] * np.arange(1, number) / number
    cuts = np.searchsorted(ends, wanted) + 1
    places = np.arange(1, number)
    # Each group keeps at least one sample: long ones at the end may hold more than their share.
    cuts = np.maximum.accumulate(cuts - places) + places
    kept: NDArray[np.int64] = np.minimum(cuts, len(lengths) - number + places)
    return kept
