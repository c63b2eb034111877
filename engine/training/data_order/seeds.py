"""The random streams of a run: each depends on the seed alone, and not on another stream.

Two runs with one seed thus see the same batches and masks, whatever their model or optimizer.
Initial weights take the seed itself: `torch.manual_seed(seed)` just before the model is built.
"""

import numpy as np
from numpy.typing import NDArray

_ORDER, _TRAINING = 1, 2


def order(seed: int, epoch: int, samples: int) -> NDArray[np.int64]:
    """The order of the training samples in an epoch: a permutation of 0..samples-1."""
    return np.random.default_rng((_ORDER, seed, epoch)).permutation(samples)


def training(seed: int) -> int:
    """The seed of random numbers in training, such as dropout masks. It is set after the model is
    built, so that they do not depend on how many numbers the initial weights took."""
    return int(np.random.SeedSequence((_TRAINING, seed)).generate_state(1, np.uint64)[0] >> 1)
