"""Permutations of any number of samples: in memory, or computed place by place where that would
take too much."""

import numpy as np
from numpy.typing import NDArray

from engine.training.data_order import seeds

MOST_IN_MEMORY = 10_000_000
"""Samples up to which an order is an array, of 8 bytes each."""

_KEYS = 22  # the random stream of the keys, apart from those of `seeds`
_ROUNDS = 6
_Words = NDArray[np.uint64]


class Array:
    """A permutation that is kept in memory."""

    def __init__(self, order: NDArray[np.int64]) -> None:
        self._order = order

    def part(self, begin: int, end: int) -> NDArray[np.int64]:
        """The samples at the places from `begin` up to `end`."""
        return self._order[begin:end]


class Feistel:
    """A permutation of 0..samples-1 of which any part is computed by itself.

    A Feistel network (Luby and Rackoff 1988) permutes the numbers of an even number of bits; one
    that it takes out of the range goes through it again until it is in, which is a permutation of
    the range (cycle walking, Black and Rogaway 2002). There are up to four times as many numbers as
    samples, so a number goes through it four times on average at most.
    """

    def __init__(self, seed: int, epoch: int, samples: int) -> None:
        self._samples = samples
        self._half = np.uint64(max(1, -(-max(1, samples - 1).bit_length() // 2)))
        self._mask = np.uint64((1 << int(self._half)) - 1)
        entropy = np.random.SeedSequence((_KEYS, seed, epoch))
        self._keys: _Words = entropy.generate_state(_ROUNDS, np.uint64).astype(np.uint64)

    def part(self, begin: int, end: int) -> NDArray[np.int64]:
        """The samples at the places from `begin` up to `end`, int64."""
        found = self._network(np.arange(begin, min(end, self._samples), dtype=np.uint64))
        while len(outside := np.nonzero(found >= self._samples)[0]):
            found[outside] = self._network(found[outside])
        return found.astype(np.int64)

    def _network(self, numbers: _Words) -> _Words:
        left, right = numbers >> self._half, numbers & self._mask
        for key in self._keys:
            left, right = right, left ^ (_mixed(right ^ key) & self._mask)
        return (left << self._half) | right


def _mixed(words: _Words) -> _Words:
    """Each bit of the result depends on all bits of a word: the last steps of SplitMix64 (Steele,
    Lea and Flood 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def permutation(seed: int, epoch: int, samples: int) -> Array | Feistel:
    """The order of the samples in an epoch, counted from 1; a pure function."""
    if samples <= MOST_IN_MEMORY:
        return Array(seeds.order(seed, epoch, samples))
    return Feistel(seed, epoch, samples)
