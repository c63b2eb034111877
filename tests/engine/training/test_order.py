"""Batches of samples of different lengths: little padding, every sample once, a pure order."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.config.registry import Splits
from engine.datasets._sequences import Sequences
from engine.training.batches import Batches
from engine.training.data_order import order
from presets import UserError

RANDOM = np.random.default_rng(0)


def source(lengths):
    x = [np.full(length, 1 + place, dtype=np.int64) for place, length in enumerate(lengths)]
    return Sequences(x, np.arange(len(x)))


def groups(samples, *, seed=0, epoch=1, batch_size=4, number=None, by_tokens=False):
    number = number or -(-len(samples) // batch_size)
    found = order.batches(
        samples,
        seed=seed,
        epoch=epoch,
        batch_size=batch_size,
        number=number,
        by_tokens=by_tokens,
    )
    return list(found)


def lists(found):
    return [each.tolist() for each in found]


lengths_and_number = st.lists(st.integers(1, 50), min_size=1, max_size=60).flatmap(
    lambda lengths: st.tuples(st.just(lengths), st.integers(1, len(lengths)))
)


@given(lengths_and_number, st.integers(0, 9), st.integers(1, 9))
def test_batches_of_tokens_take_every_sample_once(drawn, seed, epoch):
    lengths, number = drawn
    samples = source(lengths)
    found = groups(samples, seed=seed, epoch=epoch, number=number, by_tokens=True)
    assert len(found) == number
    assert all(len(each) for each in found)
    assert sorted(np.concatenate(found).tolist()) == list(range(len(lengths)))
    again = groups(samples, seed=seed, epoch=epoch, number=number, by_tokens=True)
    assert lists(found) == lists(again)


def test_they_hold_about_the_same_number_of_tokens_and_little_padding():
    lengths = RANDOM.integers(3, 40, 2000)
    found = groups(source(lengths), number=70, by_tokens=True)
    tokens = np.array([lengths[each].sum() for each in found])
    padded = np.array([lengths[each].max() * len(each) for each in found])
    assert tokens.min() > 0.8 * tokens.mean()
    assert tokens.max() < 1.2 * tokens.mean()
    assert padded.sum() < 1.25 * lengths.sum()


def test_the_order_differs_by_epoch_and_seed_and_mixes_lengths_and_company():
    samples = source(RANDOM.integers(3, 40, 200))
    first, second = groups(samples), groups(samples, epoch=2)
    assert lists(first) != lists(second) != lists(groups(samples, epoch=2, seed=1))
    together = {frozenset(each.tolist()) for each in first}
    assert not together & {frozenset(each.tolist()) for each in second}
    means = [samples.lengths[each].mean() for each in first]
    assert means != sorted(means)


def test_more_batches_than_samples_are_refused_in_one_line():
    with pytest.raises(UserError, match=r"^batch_tokens: 3 batches need as many samples, .* 2;"):
        groups(source([4, 4]), number=3, by_tokens=True)


@pytest.mark.parametrize("by_tokens", [False, True])
@pytest.mark.parametrize("on_host", [False, True])
def test_a_run_goes_on_in_the_middle_of_an_epoch(by_tokens, on_host):
    samples = source(RANDOM.integers(1, 9, 30))
    data = Splits(train=samples, val=samples, test=samples)

    def batches():
        return Batches(
            data,
            batch_size=4,
            per_epoch=8,
            seed=3,
            device=torch.device("cpu"),
            on_host=on_host,
            by_tokens=by_tokens,
            count_units=lambda _, y: int(samples.lengths[y].sum()),
        )

    whole = batches()
    seen = {step: (whole.at(step), whole.units) for step in range(1, 20)}
    for start in (1, 5, 8, 9, 17):
        resumed = batches()
        for step in range(start, 20):
            (x, y), units = seen[step]
            found_x, found_y = resumed.at(step)
            assert torch.equal(found_x, x)
            assert torch.equal(found_y, y)
            assert resumed.units == units == int((x != 0).sum())
