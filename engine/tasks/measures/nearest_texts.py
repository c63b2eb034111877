"""The training samples that are nearest to others, by the words that they share."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.config.padding_constants import SPECIAL
from engine.config.registry import Samples, Split

MOST = 20_000
"""Maximum number of training samples that are looked at, spread evenly: about a second."""
_TOKENS = 1_000_000  # of them at most: long samples take longer to read
_CHUNK = 1024


def nearest(train: Samples, x: Tensor) -> list[NDArray[np.int64]]:
    """The targets of the training samples nearest to each of the inputs x, int64 (n, s): by the
    cosine between counts of symbols, each times log(samples / samples that have it)."""
    index = spread(_count(train), _most(train))
    parts = [_some(train, index[at : at + _CHUNK]) for at in range(0, len(index), _CHUNK)]
    rows = [torch.from_numpy(part.x) for part in parts]
    size = 1 + max(int(part.max()) for part in [*rows, x.cpu()])
    known, asked = _counts(rows, size), _counts([x.cpu()], size)
    places, counts = known.indices(), known.values()
    having = torch.bincount(places[1], minlength=size)
    weights = (len(index) / having.clamp(min=1)).log()
    lengths = torch.zeros(len(index)).index_add(0, places[0], (counts * weights[places[1]]) ** 2)
    # The length of the asked one is the same for all.
    dots = torch.sparse.mm(known, (asked.to_dense() * weights**2).T.contiguous())
    best = (dots / lengths.sqrt().clamp(min=1e-9)[:, None]).argmax(dim=0)
    return [_some(train, index[place : place + 1]).y[0] for place in best.tolist()]


def _most(train: Samples) -> int:
    """How many training samples are looked at."""
    if isinstance(train, Split) or train.lengths is None or not len(train):
        return MOST
    return min(MOST, max(1, int(_TOKENS / max(1.0, float(train.lengths.mean())))))


def spread(count: int, most: int) -> NDArray[np.int64]:
    """Indices of `most` of so many samples, evenly spread; all of them if there are no more."""
    chosen = min(count, most)
    found: NDArray[np.int64] = np.arange(chosen) * count // max(1, chosen)
    return found


def _counts(rows: list[Tensor], size: int) -> Tensor:
    """How often each sample has each symbol, sparse float32 (samples, size), without the special
    ones; the parts are int64 (n, s) each."""
    indices, first = [], 0
    for part in rows:
        sample, place = (part >= len(SPECIAL)).nonzero(as_tuple=True)
        indices.append(torch.stack([sample + first, part[sample, place]]))
        first += len(part)
    places = torch.cat(indices, dim=1)
    found = torch.sparse_coo_tensor(
        places, torch.ones(places.shape[1]), (first, size), check_invariants=False
    )
    return found.coalesce()


def _count(samples: Samples) -> int:
    return len(samples.y) if isinstance(samples, Split) else len(samples)


def _some(samples: Samples, index: NDArray[np.int64]) -> Split:
    if isinstance(samples, Split):
        return Split(samples.x[index], samples.y[index])
    return samples.batch(index)
