"""Orders of samples: bijections, also where they are computed place by place."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.registry import Split, Splits
from engine.training.data_order import order, permutation, seeds
from engine.training.data_order.permutation import Feistel
from engine.training.preparation import origin_hashes


class Many:
    """A source of samples that are their own numbers."""

    lengths = None

    def __init__(self, samples):
        self.samples = samples

    def __len__(self):
        return self.samples

    def batch(self, index):
        return Split(index[:, None], index)

    def fingerprint(self):
        return str(self.samples)


@given(st.integers(1, 3000), st.integers(0, 2**40), st.integers(1, 9))
def test_every_sample_comes_once(samples, seed, epoch):
    found = Feistel(seed, epoch, samples).part(0, samples)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(np.sort(found), np.arange(samples))


def test_every_one_of_a_million_comes_once_and_seldom_beside_its_neighbour():
    samples = 1_000_003
    found = Feistel(3, 1, samples).part(0, samples)
    assert np.all(np.bincount(found, minlength=samples) == 1)
    assert np.mean(np.abs(np.diff(found)) < 1000) < 0.004  # 0.002 of independent ones
    assert abs(np.corrcoef(np.arange(samples), found)[0, 1]) < 0.01
    assert np.sum(found == np.arange(samples)) < 10


def test_parts_are_those_of_the_whole_and_seeds_and_epochs_differ():
    samples = 5000
    whole = Feistel(1, 2, samples).part(0, samples)
    parts = [Feistel(1, 2, samples).part(at, at + 7) for at in range(0, samples, 7)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    others = [Feistel(1, 3, samples), Feistel(2, 2, samples)]
    for one, other in itertools.combinations([whole, *(o.part(0, samples) for o in others)], 2):
        assert np.mean(one == other) < 0.01


def test_a_part_of_very_many_takes_no_memory():
    samples = 10**12
    found = Feistel(0, 1, samples).part(10**11, 10**11 + 1000)
    assert len(set(found.tolist())) == 1000
    assert found.max() < samples
    assert found.mean() == pytest.approx(samples / 2, rel=0.1)


def test_few_samples_have_the_order_that_they_always_had():
    found = permutation.permutation(4, 2, 100).part(0, 100)
    np.testing.assert_array_equal(found, seeds.order(4, 2, 100))


def batches(samples, **options):
    given = {"seed": 5, "epoch": 2, "batch_size": 8, "number": 12, "by_tokens": False, **options}
    return [index.tolist() for index in order.batches(Many(samples), **given)]


@pytest.mark.parametrize("most", [10_000_000, 50])
def test_batches_begin_where_they_are_wanted(monkeypatch, most):
    monkeypatch.setattr(permutation, "MOST_IN_MEMORY", most)
    whole = batches(99)
    assert [len(index) for index in whole] == [8] * 12
    assert len({sample for index in whole for sample in index}) == 96
    for skipped in (1, 11, 12):
        assert batches(99, skipped=skipped) == whole[skipped:]
    assert len(batches(99, number=13)[-1]) == 3


def test_the_fingerprint_of_very_many_says_what_decides_them(monkeypatch):
    def of(samples, seed):
        data = Splits(train=Many(samples), val=Many(1), test=Many(1))
        return origin_hashes.batches(data, seed=seed, batch_size=8, epochs=1, number=2)

    monkeypatch.setattr(origin_hashes, "MOST_IN_MEMORY", 50)
    assert of(99, 1) == of(99, 1)
    assert len({of(99, 1), of(99, 2), of(98, 1), of(40, 1)}) == 4
