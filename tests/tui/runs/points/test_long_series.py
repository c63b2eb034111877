"""Series of many points: steps by a rule, and sums of blocks that lose no minimum or maximum."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.runs.points import series as series_module
from tui.runs.points.block_sums import BLOCK
from tui.runs.points.series import Series
from tui.runs.points.step_column import Steps

CHUNKS = st.lists(
    st.one_of(
        st.tuples(st.just("rule"), st.integers(1, 40), st.sampled_from([1, 1, 5])),
        st.tuples(st.just("jump"), st.integers(1, 9), st.integers(0, 30)),
        st.tuples(st.just("cut"), st.integers(0, 120), st.just(0)),
    ),
    max_size=8,
)


@pytest.fixture(autouse=True)
def summed_up_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the sums of blocks from a few blocks on."""
    monkeypatch.setattr(series_module, "_PLAIN_POINTS", 0)


@given(CHUNKS, st.integers(-5, 400), st.sampled_from(["left", "right"]))
def test_steps_by_a_rule_are_those_of_an_array(chunks: list, step: int, side: str) -> None:
    steps, expected = Steps(), np.empty(0)
    for kind, count, more in chunks:
        last = expected[-1] if len(expected) else 0.0
        if kind == "cut":
            kept = min(count, len(expected))
            steps.truncate(kept)
            expected = expected[:kept]
        else:
            stride, first = (more, last + more) if kind == "rule" else (1, last + more)
            new = first + stride * np.arange(count)
            steps.extend(new)
            expected = np.concatenate((expected, new))
    assert steps.between(0, len(steps)).tolist() == expected.tolist()
    assert len(steps) == len(expected)
    assert steps.search(step, side) == int(np.searchsorted(expected, step, side=side))
    some = np.arange(0, len(expected), 3)
    assert steps.at(some).tolist() == expected[some].tolist()


def test_even_steps_take_no_room() -> None:
    steps = Steps()
    for begin in range(1, 1_000_001, 1000):
        steps.extend(np.arange(begin, begin + 1000))
    assert (steps.rule, len(steps)) == ((1.0, 1.0), 1_000_000)
    steps.extend([2_000_000])
    assert steps.rule is None
    assert steps.between(999_999, 1_000_001).tolist() == [1_000_000, 2_000_000]


def test_a_few_late_steps_cost_no_more_than_early_ones() -> None:
    late = 2.0**53 - 2  # what is before it would need petabytes
    steps = Steps()
    steps.extend([late, late + 1])
    assert steps.between(0, 2).tolist() == [late, late + 1]


def test_half_steps_and_large_ones_are_found() -> None:
    steps = Steps()
    steps.extend(0.1 * np.arange(1, 1000))
    everything = steps.between(0, 999)
    for index in range(0, 999, 7):
        assert steps.search(everything[index], "left") == index
        assert steps.search(everything[index], "right") == index + 1


def long(values: np.ndarray, stride: int = 1) -> Series:
    """Built in pieces, with a look at the sums in between."""
    made = Series()
    steps = 1 + stride * np.arange(len(values))
    for begin in range(0, len(values), 3000):
        made.extend(steps[begin : begin + 3000], values[begin : begin + 3000])
        made.blocks()
    return made


@settings(max_examples=60, deadline=None)
@given(
    st.integers(4 * BLOCK, 60 * BLOCK),
    st.integers(1, 20),
    st.data(),
    st.integers(0, 2**31),
)
def test_a_window_loses_no_extreme(length: int, bins: int, data: st.DataObject, seed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.standard_normal(length)
    values[random.random(length) < data.draw(st.sampled_from([0.0, 0.01, 0.999]))] = np.nan
    values[random.integers(length, size=3)] = [math.inf, -math.inf, 100.0]
    series = long(values)
    low = data.draw(st.integers(-10, length))
    high = data.draw(st.integers(low, length + 10))
    x, y = series.window(low, high, bins)
    assert (np.diff(x) > 0).all()
    assert (y == values[x.astype(int) - 1]).all()  # points of the data, none invented
    inside = (x >= low) & (x <= high)
    part = values[max(0, low - 1) : max(0, high)]
    known = part[np.isfinite(part)]
    assert inside.sum() <= max(2 * bins + 10, 8 * BLOCK * bins)
    if len(known):
        assert (y[inside].min(), y[inside].max()) == (known.min(), known.max())
        first, last = np.flatnonzero(np.isfinite(part))[[0, -1]] + max(1, low)
        assert x[inside][[0, -1]].tolist()[0] - first <= 2 * BLOCK
        assert last - x[inside][-1] <= 2 * BLOCK


@settings(max_examples=30, deadline=None)
@given(st.integers(20 * BLOCK, 60 * BLOCK), st.integers(1, 4), st.integers(0, 2**31))
def test_every_stretch_of_a_thinned_window_keeps_its_extremes(
    length: int, bins: int, seed: int
) -> None:
    values = np.random.default_rng(seed).standard_normal(length)
    x, y = long(values).window(1, length, bins)
    size = -(-(length // BLOCK) // bins) * BLOCK  # a stretch of whole blocks
    for begin in range(0, length // BLOCK * BLOCK, size):
        end = min(begin + size, length // BLOCK * BLOCK)
        kept = y[(x > begin) & (x <= end)]
        assert kept.min() == values[begin:end].min()
        assert kept.max() == values[begin:end].max()
    assert len(x) <= 2 * bins + 12


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 5 * BLOCK), st.integers(0, 2**31), st.booleans(), st.integers(0, 5 * BLOCK))
def test_best_lost_and_positive_equal_a_look_at_all_values(
    length: int, seed: int, largest: bool, cut: int
) -> None:
    random = np.random.default_rng(seed)
    values = np.round(random.standard_normal(length), 1)  # with equals
    values[random.random(length) < 0.001] = random.choice([np.nan, np.inf, -np.inf])
    series = long(values, stride=2)
    series.truncate(2 * cut)
    values = values[: min(cut, length)]
    finite = np.flatnonzero(np.isfinite(values))
    best = series.best(largest=largest)
    if len(finite):
        pick = np.argmax if largest else np.argmin
        index = finite[pick(values[finite])]
        assert best == (1 + 2 * index, values[index])
    else:
        assert best is None
    since = int(random.integers(0, len(values) + 1))
    lost = since + np.flatnonzero(~np.isfinite(values[since:]))
    assert series.lost(since).tolist() == (1 + 2 * lost).tolist()
    borders = np.array([0, len(values) // BLOCK * BLOCK, len(values)])
    assert series.positive(borders).tolist() == [int((values[:b] > 0).sum()) for b in borders]


def test_what_was_handed_out_stays_when_points_are_taken_away() -> None:
    series = long(np.arange(5000.0))
    before = series.values
    series.truncate(100)
    series.extend([101], [-1.0])
    assert before.tolist() == np.arange(5000.0).tolist()
    assert (len(series), series.cuts, series.last) == (101, 1, -1.0)
    assert series.point(-2) == (100.0, 99.0)
