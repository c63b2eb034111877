"""Series that grow, thinning that keeps every extreme, smoothing against NumPy."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tui.series import Series, Smoothed, thin

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
    source, smoothed = Series(), Smoothed(beta)
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
        homes.add(series._data.ctypes.data)
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
