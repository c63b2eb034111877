"""The statistics of races: equal to NumPy's, and blind to what must not matter."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.race import statistics
from engine.race.statistics import Spread

COSTS = st.one_of(st.integers(1, 1000).map(float), st.just(math.inf))
SEEDS = st.lists(COSTS, min_size=1, max_size=12)
LANES = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), SEEDS, min_size=2, max_size=6)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.floats(0, 1))
def test_quantiles_of_finite_numbers_are_those_of_numpy(values, share):
    assert statistics.quantile(values, share) == pytest.approx(
        np.quantile(values, share), abs=1e-9 * max(map(abs, values), default=0)
    )


def test_a_miss_is_larger_than_everything():
    found = statistics.spread([100.0, math.nan, 140.0, math.inf])
    assert (found.median, found.reached, found.of) == (math.inf, 2, 4)
    assert statistics.spread([100.0, 140.0, math.inf]).median == 140.0
    assert statistics.spread([100.0, 140.0, math.inf]).high == math.inf
    assert math.isnan(statistics.spread([]).median)


@given(SEEDS)
def test_one_more_miss_never_helps(values):
    before, after = statistics.spread(values), statistics.spread([*values, math.inf])
    assert after.median >= before.median
    assert after.low >= before.low
    assert after.high >= before.high


@given(LANES, st.randoms())
def test_the_order_of_lanes_and_seeds_does_not_matter(lanes, random):
    def ranked(given):
        costs = {label: statistics.spread(values) for label, values in given.items()}
        order = statistics.ranking(costs, dict.fromkeys(costs, 0.0))
        return order, statistics.winner(order, costs)

    shuffled = list(lanes.items())
    random.shuffle(shuffled)
    for _, values in shuffled:
        random.shuffle(values)
    assert ranked(lanes) == ranked(dict(shuffled))


@given(LANES)
def test_a_miss_never_moves_a_lane_up(lanes):
    label = next(iter(lanes))

    def place(given):
        costs = {name: statistics.spread(values) for name, values in given.items()}
        return statistics.ranking(costs, dict.fromkeys(costs, 0.0)).index(label)

    assert place({**lanes, label: [*lanes[label], math.inf]}) >= place(lanes)


def test_a_winner_needs_a_range_of_its_own():
    apart = {"a": statistics.spread([10.0, 11, 12]), "b": statistics.spread([20.0, 21, 22])}
    assert statistics.winner(["a", "b"], apart) == "a"
    close = apart | {"b": statistics.spread([11.0, 12, 13])}
    assert statistics.winner(["a", "b"], close) is None
    assert statistics.winner(["a"], {"a": Spread(median=1, low=1, high=1, reached=1, of=1)}) is None
    missed = {"a": statistics.spread([math.inf] * 3), "b": statistics.spread([math.inf] * 3)}
    assert statistics.winner(["a", "b"], missed) is None


def test_crossings():
    values = [0.1, 0.96, 0.9, math.nan, 0.95, 0.97, 0.98]
    assert statistics.crossing(values, 0.95, larger=True) == 1
    assert statistics.crossing(values, 0.95, larger=True, hold=3) == 4
    assert statistics.crossing(values, 0.95, larger=True, hold=4) is None
    assert statistics.crossing([3.0, 1.0], 1.0, larger=False) == 1
    assert statistics.crossing([math.nan], -math.inf, larger=True) is None


def test_a_lane_against_itself_is_as_fast():
    costs = {0: 140.0, 1: 160.0, 2: 150.0}
    ratio = statistics.speed_up(costs, dict(costs))
    assert (ratio.value, ratio.low, ratio.high) == (1.0, 1.0, 1.0)


def test_the_interval_is_a_bootstrap_over_seeds():
    reference = {seed: 100.0 + seed for seed in range(9)}
    lane = {seed: 50.0 + 3 * seed for seed in range(9)}
    ratio = statistics.speed_up(reference, lane)
    above, below = np.array([*reference.values()]), np.array([*lane.values()])
    rows = np.random.default_rng(8128).integers(0, 9, (2000, 9))
    resampled = np.median(above[rows], 1) / np.median(below[rows], 1)
    assert ratio.value == pytest.approx(np.median(above) / np.median(below))
    assert (ratio.low, ratio.high) == pytest.approx(tuple(np.quantile(resampled, (0.025, 0.975))))


def test_speed_ups_that_cannot_be_told():
    assert statistics.speed_up({0: 1.0}, {0: 1.0}) is None
    assert statistics.speed_up({0: 1.0, 1: 1.0}, {2: 1.0}) is None
    missed = {0: math.inf, 1: math.inf}
    assert statistics.speed_up(missed, missed) is None
    reached = {0: 1.0, 1: 1.0}
    assert statistics.speed_up(reached, missed) is None
    assert statistics.speed_up(missed, reached) is None
    assert statistics.speed_up(reached, {0: 1.0, 1: math.inf}) is None  # the median is a miss
    three = {0: 1.0, 1: 2.0, 2: math.inf}
    assert statistics.speed_up(three, three).value == 1.0


def test_performance_profiles():
    profiles = statistics.profile([{"a": 10.0, "b": 20.0}, {"a": 30.0, "b": math.inf}], [1, 2, 4])
    np.testing.assert_array_equal(profiles["a"], [1, 1, 1])
    np.testing.assert_array_equal(profiles["b"], [0, 0.5, 0.5])
    assert statistics.profile([], [1]) == {}
    assert statistics.profile([{"a": math.inf}], [1])["a"].tolist() == [0.0]


def test_bands_are_quartiles_over_the_curves_that_go_on():
    rows = [np.array([1.0, 2, 3]), np.array([3.0, np.nan]), np.array([2.0, 6, 5])]
    median, low, high = statistics.band(rows)
    np.testing.assert_allclose(median, [2, 4, 4])
    np.testing.assert_allclose(low, [1.5, 3, 3.5])
    np.testing.assert_allclose(high, [2.5, 5, 4.5])
    assert [len(each) for each in statistics.band([])] == [0, 0, 0]
