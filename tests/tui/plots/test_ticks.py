"""Numbers beside the axes: few, round, in order, and at most six columns wide."""

import math
import time

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui.plots import ticks


@given(st.floats(-1e150, 1e150), st.floats(-1e150, 1e150), st.integers(1, 20))
@example(0.0, 0.0, 5)
@example(0.0, 5e-324, 5)
@example(1e16, 1e16 + 2, 5)
@example(0.7, 0.7000000001, 5)
def test_ticks_are_few_ordered_and_around_the_range(a: float, b: float, most: int) -> None:
    low, high = sorted((a, b))
    found = ticks.nice_ticks(low, high, most)
    slack = 1e-9 * max(abs(low), abs(high), 1e-90)
    assert 2 <= len(found) <= most + 3
    assert found == sorted(set(found))
    assert found[0] <= low + slack
    assert found[-1] >= high - slack


@given(st.floats(1e-6, 1e9), st.integers(2, 12))
def test_ticks_are_round_numbers_at_one_distance(high: float, most: int) -> None:
    found = ticks.nice_ticks(0, high, most)
    assert found[0] == 0
    gaps = np.diff(found)
    assert gaps == pytest.approx(gaps[0], rel=1e-6)
    assert float(f"{gaps[0]:.1e}".partition("e")[0]) in (1, 2, 2.5, 5)


@given(
    st.floats(-1e308, 1e308) | st.integers(-(10**13), 10**13)
)  # the largest floats would round up to infinity
@example(-12_345)
@example(0.012_34)
@example(0.001_234)
@example(-1.5e-10)
@example(1.5e-100)
@example(-1e-100)
@example(999_999)
@example(9_999.6)
@example(999_960_000)
@example(-1e150)
@example(999_999_999_999)
def test_a_compact_number_has_at_most_six_columns_and_is_near(value: float) -> None:
    text = ticks.compact(value)
    assert len(text) <= ticks.LABEL_WIDTH
    assert text.isascii()
    suffix = {"k": 1e3, "M": 1e6, "G": 1e9}.get(text[-1], 1.0)
    shown = float(text.rstrip("kMG")) * suffix
    assert shown == pytest.approx(value, rel=0.06 if 1e-9 < value < 1e99 else 0.5, abs=1e-98)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (400, "400"),
        (9_999, "9999"),
        (12_000, "12k"),
        (12_500, "12.5k"),
        (2_500_000, "2.5M"),
        (1e9, "1G"),
        (0.05, "0.05"),
        (0.0025, "0.0025"),
        (1e-6, "1e-6"),
        (2.5e-4, "2.5e-4"),
        (-0.5, "-0.5"),
        (1.0, "1"),
    ],
)
def test_compact_numbers(value: float, text: str) -> None:
    assert ticks.compact(value) == text


@given(st.floats(1e-300, 1e150), st.floats(1, 1e12), st.integers(1, 9))
@example(1.0, 1.0, 5)
@example(0.1, 10_000.0, 5)
def test_ticks_of_a_logarithmic_axis(low: float, ratio: float, most: int) -> None:
    high = low * ratio
    found = ticks.log_ticks(low, high, most)
    assert 2 <= len(found) <= max(3 * most, 8)
    assert found == sorted(set(found))
    assert found[0] <= low * (1 + 1e-6)
    assert found[-1] >= high * (1 - 1e-6)
    for tick in found:
        assert float(f"{tick:.3e}"[:5]) in (1, 2, 5)


def test_a_logarithmic_axis_over_many_decades_has_powers_of_ten() -> None:
    assert ticks.log_ticks(1, 100_000, 5) == [1, 10, 100, 1000, 10_000, 100_000]
    assert ticks.log_ticks(0.3, 0.9, 5) == [0.2, 0.5, 1.0]


@given(st.floats(0, 2e9), st.floats(1e-3, 1e8), st.integers(2, 10), st.booleans())
def test_ticks_of_time_are_inside_and_few(low: float, width: float, most: int, local: bool) -> None:
    found = ticks.time_ticks(low, low + width, most, local=local)
    assert len(found) <= 2 * most + 2
    assert found == sorted(set(found))
    assert all(low - 1e-6 * width <= tick <= low + width * (1 + 1e-6) for tick in found)


def test_ticks_of_the_clock_are_whole_hours_where_people_live(monkeypatch) -> None:
    monkeypatch.setenv("TZ", "XXX-05:30")  # five and a half hours ahead, as in Delhi
    time.tzset()
    try:
        found = ticks.time_ticks(1_700_000_000, 1_700_000_000 + 6 * 3600, 6, local=True)
        assert [ticks.clock_label(tick, 6 * 3600) for tick in found] == [
            f"{hour:02}:00" for hour in range(4, 10)
        ]
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.5, "0.5s"),
        (30, "30s"),
        (60, "1m"),
        (90, "1m30"),
        (3600, "1h"),
        (5400, "1h30"),
        (86_400, "1d"),
        (97_200, "1d03"),
        (1e8, "1157d"),
        (1e9, "31y"),
    ],
)
def test_spans_of_time(seconds: float, text: str) -> None:
    assert ticks.span_label(seconds) == text


def test_a_time_that_is_none_is_no_error() -> None:
    assert ticks.clock_label(1e300, 10) == "--:--"
    assert math.isfinite(ticks.time_ticks(0, 1e12, 5, local=True)[0])
