"""The order of the data is a pure function of (seed, epoch)."""

import numpy as np
import pytest
import torch

from engine.config.configure import batches_per_epoch
from engine.config.registry import Split, Splits
from engine.training.batches import Batches
from engine.training.data_order import seeds

CPU = torch.device("cpu")


def make(samples, batch_size, *, seed=0, draw=None, on_host=False):
    x = np.arange(samples, dtype=np.float32)[:, None]
    split = Split(x, np.arange(samples))
    return Batches(
        Splits(train=split, val=split, test=split, draw_train=draw),
        batch_size=batch_size,
        per_epoch=batches_per_epoch(samples, batch_size),
        seed=seed,
        device=CPU,
        on_host=on_host,
    )


def labels(batches, epoch):
    return [y.tolist() for _, y in batches.epoch(epoch)]


def test_order_is_a_pure_function_of_seed_and_epoch():
    batches = make(50, 8, seed=3)
    second = labels(batches, 2)
    labels(batches, 1)
    assert labels(batches, 2) == second == labels(make(50, 8, seed=3), 2)
    assert second != labels(batches, 1)
    assert second != labels(make(50, 8, seed=4), 2)
    np.testing.assert_array_equal(seeds.order(3, 2, 50), seeds.order(3, 2, 50))


@pytest.mark.parametrize(("samples", "batch_size"), [(50, 8), (49, 8), (48, 8), (7, 1), (5, 5)])
def test_an_epoch_takes_every_sample_once(samples, batch_size):
    batches = labels(make(samples, batch_size), 1)
    seen = sorted(label for batch in batches for label in batch)
    lonely = samples % batch_size == 1 and batch_size > 1
    assert len(seen) == len(set(seen)) == samples - lonely
    assert len(batches) == batches_per_epoch(samples, batch_size)
    assert all(len(batch) > 1 for batch in batches) or batch_size == 1


def test_inputs_and_labels_stay_together():
    for x, y in make(50, 8).epoch(1):
        assert x[:, 0].tolist() == y.tolist()


def test_full_batch_is_the_training_set():
    ((x, y),) = make(50, 50).epoch(4)
    assert y.tolist() == list(range(50))
    assert x.shape == (50, 1)


def test_drawn_data_comes_anew_each_epoch():
    def draw(seed, epoch):
        return Split(
            np.full((20, 1), 10 * seed + epoch, dtype=np.float32), np.zeros(20, dtype=np.int64)
        )

    batches = make(20, 5, seed=7, draw=draw)
    assert {x[0].item() for x, _ in batches.epoch(2)} == {72.0}
    assert {x[0].item() for x, _ in batches.epoch(3)} == {73.0}


def test_streams_are_apart():
    assert len({seeds.training(seed) for seed in range(100)}) == 100
    assert all(0 <= seeds.training(seed) < 2**63 for seed in range(100))


def test_batches_from_the_host_are_the_same_ones():
    """Also after a jump, as at a resume, and past the end of an epoch."""
    near, far = make(50, 8, seed=3), make(50, 8, seed=3, on_host=True)
    for step in (1, 2, 3, 9, 10, 15, 16, 2):
        assert all(map(torch.equal, near.at(step), far.at(step)))


def test_new_samples_each_epoch_from_the_host():
    def draw(seed, epoch):
        x = np.full((20, 1), epoch, dtype=np.float32)
        return Split(x, np.arange(20) + 100 * seed)

    batches = make(20, 8, seed=2, draw=draw, on_host=True)
    seen = [batches.at(step)[0][0].item() for step in range(1, 8)]
    assert seen == [1, 1, 1, 2, 2, 2, 3]
