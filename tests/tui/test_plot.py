"""Drawing: every size and every data gives exactly the cells asked for, and no event is lost."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.text import Text

from tui import plot
from tui.plot import Curve, Frame

INK, RED, BLUE = "#8a94a0", "#e69f00", "#56b4e9"
BRAILLE = range(0x2801, 0x2900)  # with at least one dot
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def frame(width: int = 60, height: int = 12, *, x_limit: float = 100, ascii: bool = False) -> Frame:
    return Frame(width=width, height=height, x_limit=x_limit, ink=INK, ascii=ascii)


def curve(y: list[float] | np.ndarray, *, lane: int = 0, color: str = BLUE) -> Curve:
    values = np.asarray(y, dtype=np.float64)
    return Curve(x=np.arange(1.0, len(values) + 1), y=values, color=color, lane=lane)


def canvas(lines: list[Text]) -> list[str]:
    """What is right of the axis, without the row of x labels."""
    return [line.plain[plot.LABEL_WIDTH + 1 :] for line in lines[:-1]]


def dots(row: str) -> int:
    """Dots of a row of braille characters."""
    return sum((ord(cell) - 0x2800).bit_count() for cell in row if ord(cell) in BRAILLE)


def cells_of(line: Text, color: str) -> list[int]:
    """The columns of a line that have this colour."""
    found = []
    for span in line.spans:
        style = span.style
        triplet = getattr(getattr(style, "color", None), "triplet", None)
        if triplet is not None and triplet.hex == color:
            found += range(span.start, span.end)
    return found


@settings(max_examples=150)
@given(
    columns=st.lists(st.lists(st.floats(), max_size=40), max_size=4),
    size=st.tuples(st.integers(1, 200), st.integers(1, 60)),
    x_limit=st.integers(1, 10**9),
    threshold=st.none() | st.floats(0, 1e9),
    ascii=st.booleans(),
)
@example([[math.nan]], (76, 14), 1, None, False)
@example([[math.inf, -math.inf, math.nan]], (76, 14), 3, 1.0, True)
@example([[1e300, -1e300], [5e-324, 0.0]], (76, 14), 2, None, False)
@example([[5e-324]], (76, 14), 1, None, False)
@example([[1.0]], (76, 14), 1, 1e300, False)
@example([[1e16, 1e16 + 2]], (76, 14), 2, None, False)
@example([[0.1 + 0.2, 0.3]], (76, 14), 2, 0.3, False)
def test_any_data_fills_exactly_the_cells_asked_for(
    columns: list[list[float]],
    size: tuple[int, int],
    x_limit: int,
    threshold: float | None,
    ascii: bool,
) -> None:
    curves = [curve(values, lane=lane) for lane, values in enumerate(columns)]
    lines = plot.draw(curves, frame(*size, x_limit=x_limit, ascii=ascii), threshold)
    assert [line.cell_len for line in lines] == [size[0]] * size[1]
    text = "".join(line.plain for line in lines)
    assert text.isprintable()
    assert not ascii or text.isascii()


@settings(max_examples=30)
@given(base=FINITE, spread=st.floats(0, 1e-6), baseline=st.none() | st.floats(-1e9, 1e9))
def test_nearly_equal_values_anywhere_are_drawn(
    base: float, spread: float, baseline: float | None
) -> None:
    near = Curve(x=np.arange(3.0), y=np.array([base, base * (1 + spread), base]), color=BLUE)
    where = Frame(width=60, height=12, x_limit=3, ink=INK, baseline=baseline)
    lines = plot.draw([near], where)
    assert [line.cell_len for line in lines] == [60] * 12


@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize("where", [0, 1, 49_999, 77_777, 99_999])
def test_one_value_of_100_among_100_000_is_drawn(where: int, ascii: bool) -> None:
    values = np.ones(100_000)
    values[where] = 100.0
    lines = plot.draw([curve(values)], frame(76, 14, x_limit=100_000, ascii=ascii))
    assert lines[0].plain.startswith("   100")
    (top, *_, bottom) = canvas(lines)
    assert top.strip()
    assert bottom.strip()


def test_nan_and_infinity_are_never_drawn_as_values() -> None:
    known = [1.0, 2.0, 3.0, 2.0]
    gaps = [1.0, math.nan, 2.0, math.inf, 3.0, -math.inf, 2.0, math.nan]
    x = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    with_gaps = plot.draw([Curve(x=x, y=np.array(gaps), color=BLUE)], frame(x_limit=8))
    without = plot.draw([Curve(x=x[::2], y=np.array(known), color=BLUE)], frame(x_limit=8))
    assert [line.plain for line in with_gaps] == [line.plain for line in without]


def test_nothing_finite_draws_axes_and_no_ink() -> None:
    empty = plot.draw([], frame())
    assert not any(dots(row) for row in canvas(empty))
    for y in ([math.nan], [math.inf], []):
        lines = plot.draw([curve(y)], frame())
        assert [line.plain for line in lines] == [line.plain for line in empty]


def test_ascii_draws_a_letter_for_each_lane() -> None:
    curves = [curve([1.0, lane + 1.0], lane=lane) for lane in range(4)]
    text = "\n".join(
        line.plain for line in plot.draw(curves, frame(x_limit=2, ascii=True), threshold=2.5)
    )
    assert text.isascii()
    for lane in range(4):
        sample = plot.line_sample(lane, ascii_only=True)
        assert len(sample) == 3
        assert sample[0] in text


def test_the_threshold_is_a_line_at_its_height_across_the_canvas() -> None:
    low = curve([0.0, 0.0])
    lines = plot.draw([low], frame(60, 13, x_limit=2), threshold=4.0)
    without = plot.draw([low], frame(60, 13, x_limit=2))
    rows = [y for y, line in enumerate(lines[:-1]) if any(x > 6 for x in cells_of(line, INK))]
    assert len(rows) == 1  # the axis' colour right of the axis
    row = canvas(lines)[rows[0]]
    assert sum(cell in map(chr, BRAILLE) for cell in row) > 30
    assert lines[0].plain[:6].strip() == "4"  # it is within the axis
    assert rows[0] <= 1
    assert not any(any(x > 6 for x in cells_of(line, INK)) for line in without[:-1])


def test_the_colours_of_the_curves_are_on_the_canvas() -> None:
    lines = plot.draw([curve([1, 2, 3]), curve([3, 2, 1], lane=1, color=RED)], frame(x_limit=3))
    assert any(cells_of(line, BLUE) for line in lines)
    assert any(cells_of(line, RED) for line in lines)


def test_each_line_style_leaves_out_its_share_of_the_dots() -> None:
    flat = np.ones(2)
    drawn = []
    for lane in range(4):
        line = Curve(x=np.array([0.0, 100.0]), y=flat, color=BLUE, lane=lane)
        drawn.append(sum(dots(row) for row in canvas(plot.draw([line], frame(107, 12)))))
    assert drawn[0] == pytest.approx(200, abs=3)  # two dots a column
    for lane, pattern in enumerate(plot._DASHES[1:], start=1):
        # a dash of n dots also covers the dot at which it ends
        dashes = len(pattern) / 2
        share = sum(pattern[::2]) / sum(pattern)
        assert share * 0.9 < drawn[lane] / drawn[0] < share + 1.1 * dashes / sum(pattern)
        assert drawn[lane] < drawn[0]
    assert len({plot.line_sample(lane, ascii_only=False) for lane in range(4)}) == 4


def test_gaps_of_a_dashed_line_move_with_the_axis_and_not_with_the_data() -> None:
    """A live curve keeps its dashes in place while it grows, or the whole line is sent again."""
    values = 5 + np.sin(np.arange(100) / 10)
    where = frame(107, 12, x_limit=200)
    before = canvas(plot.draw([curve(values[:80], lane=1)], where))
    after = canvas(plot.draw([curve(values, lane=1)], where))
    kept = 80 * 100 // 200 - 3
    assert [row[:kept] for row in before] == [row[:kept] for row in after]


@given(st.integers(0, 9999))
def test_a_single_clipped_step_among_10_000_leaves_a_mark(where: int) -> None:
    steps, clipped = np.arange(1.0, 10_001), np.zeros(10_000)
    clipped[where] = 1.0
    for ascii in (False, True):
        strip = plot.clip_strip(steps, clipped, frame(76, x_limit=10_000, ascii=ascii), RED)
        assert strip.cell_len == 76
        marks = [x for x, cell in enumerate(strip.plain) if x > 6 and cell != " "]
        assert marks == [pytest.approx(7 + 69 * (where + 1) / 10_000, abs=1)]
        assert not ascii or strip.plain.isascii()


@given(
    st.lists(st.booleans(), max_size=50), st.integers(1, 200), st.integers(1, 100), st.booleans()
)
def test_the_clip_strip_fits_any_width(
    clipped: list[bool], width: int, x_limit: int, ascii: bool
) -> None:
    steps = np.arange(1.0, len(clipped) + 1)
    values = np.array(clipped, dtype=np.float64)
    strip = plot.clip_strip(steps, values, frame(width, x_limit=x_limit, ascii=ascii), RED)
    assert strip.cell_len == width
    assert not ascii or strip.plain.isascii()


def test_the_clip_strip_shows_shares() -> None:
    steps = np.arange(1.0, 401)
    clipped = np.repeat([0.0, 0.5, 1.0, 0.0], 100)
    clipped[100:200] = np.tile([0.0, 1.0], 50)
    strip = plot.clip_strip(steps, clipped, frame(47, x_limit=400), RED).plain[7:]
    assert set(strip[:9]) == {" "}
    assert set(strip[21:29]) == {"█"}
    assert set(strip[11:19]) <= set("▃▄▅▆")


@given(st.floats(-1e150, 1e150), st.floats(-1e150, 1e150), st.integers(1, 20))
@example(0.0, 0.0, 5)
@example(0.0, 5e-324, 5)
@example(1e16, 1e16 + 2, 5)
@example(0.7, 0.7000000001, 5)
def test_ticks_are_few_ordered_and_around_the_range(a: float, b: float, most: int) -> None:
    low, high = sorted((a, b))
    ticks = plot.nice_ticks(low, high, most)
    slack = 1e-9 * max(abs(low), abs(high), 1e-90)
    assert 2 <= len(ticks) <= most + 3
    assert ticks == sorted(set(ticks))
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack


@given(st.floats(1e-6, 1e9), st.integers(2, 12))
def test_ticks_are_round_numbers_at_one_distance(high: float, most: int) -> None:
    ticks = plot.nice_ticks(0, high, most)
    assert ticks[0] == 0
    gaps = np.diff(ticks)
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
    text = plot.compact(value)
    assert len(text) <= plot.LABEL_WIDTH
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
    assert plot.compact(value) == text
