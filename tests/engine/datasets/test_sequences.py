"""Samples of different lengths are padded to the longest of a batch, and come back whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.padding_constants import IGNORED, PAD
from engine.datasets._sequences import Sequences

texts = st.lists(st.lists(st.integers(1, 9), max_size=6), min_size=1, max_size=8)


@given(texts, st.data())
def test_symbols_come_back_with_padding_behind_them(symbols, data):
    x = [np.array(each, dtype=np.int64) for each in symbols]
    y = [np.array(each[::-1], dtype=np.int64) for each in symbols]
    index = data.draw(st.lists(st.integers(0, len(x) - 1), min_size=1, max_size=5))
    batch = Sequences(x, y).batch(np.array(index))
    longest = max(len(x[each]) for each in index)
    assert batch.x.shape == batch.y.shape == (len(index), longest)
    for each, inputs, targets in zip(index, batch.x, batch.y, strict=True):
        padding = longest - len(x[each])
        assert inputs.tolist() == [*symbols[each], *[PAD] * padding]
        assert targets.tolist() == [*symbols[each][::-1], *[IGNORED] * padding]


def test_frames_are_padded_with_nan_and_targets_of_one_size_are_not():
    frames = [np.ones((2, 3), np.float32), np.ones((4, 3), np.float32)]
    batch = Sequences(frames, np.array([5, 6])).batch(np.array([0, 1]))
    assert batch.x.shape == (2, 4, 3)
    assert np.isnan(batch.x[0, 2:]).all()
    assert batch.x[0, :2].tolist() == [[1, 1, 1]] * 2
    assert batch.x[1].tolist() == [[1, 1, 1]] * 4
    assert batch.y.tolist() == [5, 6]


@pytest.mark.parametrize("change", ["symbol", "length", "target"])
def test_the_fingerprint_tells_samples_apart(change):
    x, y = [np.array([1, 2]), np.array([3])], np.array([0, 1])
    before = Sequences(x, y).fingerprint()
    assert before == Sequences([each.copy() for each in x], y.copy()).fingerprint()
    if change == "symbol":
        x[0][0] = 7
    elif change == "length":
        x = [np.array([1]), np.array([2, 3])]
    else:
        y = np.array([0, 2])
    assert Sequences(x, y).fingerprint() != before
