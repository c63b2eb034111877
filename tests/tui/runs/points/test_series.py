"""Series that grow, thinning that keeps every extreme, smoothing against NumPy."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tui.plots.smoothing import BLOCK, Average, Median, Smoother
from tui.runs.points.series import Series, thin

ANY_VALUES = arrays.arrays(np.float64, st.integers(0, 400), elements=st.floats())
FINITE_VALUES = arrays.arrays(
    np.float64, st.integers(1, 4000), elements=st.floats(-1e9, 1e9), fill=st.floats(-1, 1)
)


def smoothed_at_once(y: np.ndarray, beta: float) -> np.ndarray:
    """The bias-corrected average as a weighted sum over all finite values before each point."""
    result = np.full(len(y), np.nan)
    known = np.isfinite(y)
    for index in range(len(y)):
        past = y[: index + 1][known[: index + 1]]
        if len(past):
            weights = beta ** np.arange(len(past) - 1, -1, -1)
            result[index] = (weights * past).sum() / weights.sum()
    return result


@given(
    arrays.arrays(
        np.float64,
        st.integers(0, 120),
        elements=st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf]),
    ),
    st.lists(st.integers(0, 120), max_size=6),
    st.sampled_from([0.5, 0.9, 0.99]),
)
def test_smoothing_piece_by_piece_equals_numpy_at_once(
    values: np.ndarray, cuts: list[int], beta: float
) -> None:
    source, smoothed = Series(), Average(beta)
    borders = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    for begin, end in itertools.pairwise(borders):
        source.extend(list(range(begin + 1, end + 1)), values[begin:end].tolist())
        smoothed.of(source)
    result = smoothed.of(source)
    assert result.steps.tolist() == source.steps.tolist()
    np.testing.assert_allclose(
        result.values, smoothed_at_once(values, beta), rtol=1e-9, atol=1e-9 * 1e6
    )


@given(FINITE_VALUES, st.integers(1, 300))
def test_thinning_keeps_the_extremes_exactly_and_in_order(y: np.ndarray, bins: int) -> None:
    x = np.arange(1.0, len(y) + 1)
    thin_x, thin_y = thin(x, y, bins)
    assert thin_y.min() == y.min()
    assert thin_y.max() == y.max()
    assert (thin_x[0], thin_x[-1]) == (x[0], x[-1])
    assert (np.diff(thin_x) > 0).all()
    assert (y[thin_x.astype(int) - 1] == thin_y).all()  # points of the data, none invented
    assert len(thin_x) <= max(2 * bins + 2, min(len(y), 2 * bins))


@given(st.integers(0, 99_999), st.sampled_from([100.0, -100.0]))
def test_thinning_keeps_one_spike_among_100_000(where: int, spike: float) -> None:
    y = np.sin(np.arange(100_000) / 1000)
    y[where] = spike
    x = np.arange(100_000.0)
    thin_x, thin_y = thin(x, y, 150)
    assert len(thin_x) <= 302
    assert spike in thin_y
    assert thin_x[list(thin_y).index(spike)] == where


def test_thinning_reads_views_and_leaves_the_data_as_it_is() -> None:
    series = Series()
    series.extend(range(10_000), np.sin(np.arange(10_000)).tolist())
    before = series.values.copy()
    thin(series.steps, series.values, 20)
    assert (series.values == before).all()


@given(st.lists(ANY_VALUES, max_size=5))
def test_growth_keeps_everything_bit_for_bit(chunks: list[np.ndarray]) -> None:
    series, begin = Series(), 0
    for chunk in chunks:
        series.extend(range(begin, begin + len(chunk)), chunk.tolist())
        begin += len(chunk)
    everything = np.concatenate([np.empty(0), *chunks])
    np.testing.assert_array_equal(series.values, everything)
    np.testing.assert_array_equal(series.steps, np.arange(len(everything)))
    if begin:
        np.testing.assert_array_equal(series.last, everything[-1])


def test_growth_by_one_step_at_a_time_moves_the_data_rarely() -> None:
    series, homes = Series(), set()
    for step in range(20_000):
        series.extend([step], [0.5])
        homes.add(series.values.ctypes.data)
    assert len(series) == 20_000
    assert len(homes) < 12  # the room doubles


def test_texts_for_non_finite_values_are_numbers() -> None:
    series = Series()
    series.extend([1, 2, 3, 4], ["nan", "inf", "-inf", 2.0])
    assert np.isnan(series.values[0])
    assert series.values[1:].tolist() == [math.inf, -math.inf, 2.0]
    assert series.best(largest=True) == (4, 2.0)


def test_an_empty_series_has_nothing() -> None:
    series = Series()
    series.extend([], [])
    assert (len(series), series.last, series.best(largest=True)) == (0, None, None)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_series_too_short_to_thin_is_kept(count: int) -> None:
    x = np.arange(float(count))
    thin_x, thin_y = thin(x, x * 2, 2)
    assert thin_x.tolist() == x.tolist()
    assert thin_y.tolist() == (x * 2).tolist()


MIXED = st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf])


def in_pieces(smoother: Smoother, values: np.ndarray, cuts: list[int]) -> np.ndarray:
    """What a smoother makes of values that arrive a piece at a time."""
    source = Series()
    borders = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    for begin, end in itertools.pairwise(borders):
        source.extend(np.arange(begin + 1.0, end + 1), values[begin:end])
        smoother.of(source)
    return smoother.of(source).values


@given(
    arrays.arrays(np.float64, st.integers(0, 90), elements=MIXED),
    st.lists(st.integers(0, 90), max_size=6),
    st.sampled_from([1, 3, 5, 21]),
)
def test_a_moving_median_equals_a_plain_one(values: np.ndarray, cuts: list[int], size: int) -> None:
    expected, seen = [], []
    for value in values.tolist():
        seen += [value] if math.isfinite(value) else []
        expected.append(float(np.median(seen[-size:])) if seen else math.nan)
    # The median of an even number of values, at the beginning, is computed.
    np.testing.assert_allclose(in_pieces(Median(size), values, cuts), expected, rtol=1e-12)


@pytest.mark.parametrize("cuts", [[], [1, BLOCK, BLOCK + 1], [3 * BLOCK - 1]])
def test_an_average_over_several_blocks_equals_a_loop(cuts: list[int]) -> None:
    values = np.sin(np.arange(4 * BLOCK + 17.0)) * 100
    values[[0, BLOCK, 700]] = math.nan, math.inf, -math.inf
    beta, average, weight, expected = 0.98, 0.0, 0.0, []
    for value in values.tolist():
        if math.isfinite(value):
            average = beta * average + (1 - beta) * value
            weight = beta * weight + 1 - beta
        expected.append(average / weight if weight else math.nan)
    np.testing.assert_allclose(in_pieces(Average(beta), values, cuts), expected, rtol=1e-9)


def test_a_median_begins_again_where_values_became_void() -> None:
    source, smoothed = Series(), Median(3)
    source.extend([1, 2, 3], [1.0, 2.0, 3.0])
    smoothed.of(source)
    source.truncate(1)
    source.extend([2, 3, 4], [9.0, 9.0, 9.0])
    assert smoothed.of(source).values.tolist() == [1.0, 5.0, 9.0, 9.0]


@given(
    arrays.arrays(np.float64, st.integers(0, 500), elements=MIXED),
    st.tuples(st.floats(-10, 520), st.floats(-10, 520)),
    st.integers(1, 60),
)
def test_a_window_has_every_extreme_and_the_neighbours(
    values: np.ndarray, ends: tuple[float, float], bins: int
) -> None:
    low, high = sorted(ends)
    steps = np.arange(1.0, len(values) + 1)
    series = Series()
    series.extend(steps, values)
    x, y = series.window(low, high, bins)
    assert np.isfinite(y).all()
    assert (np.diff(x) > 0).all()
    assert (values[x.astype(int) - 1] == y).all()
    assert len(x) <= 2 * bins + 4
    known = np.isfinite(values)
    inside = known & (steps >= low) & (steps <= high)
    seen = (x >= low) & (x <= high)
    assert seen.any() == inside.any()
    if inside.any():
        assert (y[seen].min(), y[seen].max()) == (values[inside].min(), values[inside].max())
    for outside, at in ((steps < low, -1), (steps > high, 0)):
        near = steps[known & outside]
        if len(near) and abs(near[at] - (low if at else high)) < 60:
            assert near[at] in x
