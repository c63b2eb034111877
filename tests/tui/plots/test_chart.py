"""Drawing of the dashboard's plots: reference pictures, exact sizes, and no extreme is lost."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tui.plots import chart, raster, still_plot
from tui.plots.axes import Axes
from tui.plots.chart import Curve
from tui.plots.picture import Picture
from tui.plots.plot_view import MARKERS, Markers
from tui.plots.raster import DASHES, DOTS
from tui.plots.ticks import LABEL_WIDTH
from tui.runs.points.series import Series

INK, RED, BLUE = "#8a94a0", "#e69f00", "#56b4e9"
BRAILLE = range(0x2801, 0x2900)  # with at least one dot


def axes(width: int = 60, height: int = 12, **more: object) -> Axes:
    facts = {"low": 0.0, "high": 100.0, "ink": INK} | more
    return Axes(width=width, height=height, **facts)


def curve(y: list[float] | np.ndarray, **more: object) -> Curve:
    values = np.asarray(y, dtype=np.float64)
    facts = {"x": np.arange(1.0, len(values) + 1), "color": BLUE} | more
    return Curve(y=values, **facts)


def rows(picture: Picture) -> list[str]:
    return [picture.text(row) for row in range(picture.height)]


def canvas(picture: Picture) -> list[str]:
    """What is right of the axis, without the row of x labels."""
    return [row[LABEL_WIDTH + 1 :] for row in rows(picture)[:-1]]


def dots(picture: Picture) -> int:
    cells = "".join(canvas(picture))
    return sum((ord(cell) - 0x2800).bit_count() for cell in cells if ord(cell) in BRAILLE)


LINE = Curve(x=np.array([0.0, 10.0, 20.0]), y=np.array([0.0, 2.0, 1.0]), color=BLUE)
PICTURES: dict[Markers, list[str]] = {
    "braille": [
        "     2┤       ⡠⠊⠒⢄⡀     ",
        "      │     ⡠⠊    ⠈⠑⠢⣀  ",
        "     1┤   ⢀⠔⠁         ⠉⠢",
        "      │  ⡔⠁             ",
        "     0┤⡠⠊               ",
        "step   0      10      20",
    ],
    "block": [
        "     2┤       ▄▀▚▄      ",
        "      │     ▗▀    ▀▀▄▄  ",
        "     1┤   ▗▞▘         ▀▚",
        "      │ ▗▞▘             ",
        "     0┤▞▘               ",
        "step   0      10      20",
    ],
    "ascii": [
        "     2+        **       ",
        "      |      **  ****   ",
        "     1+    **        ***",
        "      |  **             ",
        "     0+**               ",
        "step   0      10      20",
    ],
}


@pytest.mark.parametrize("markers", MARKERS)
def test_the_picture_is_the_reference_picture(markers: Markers) -> None:
    """Up to the middle and half down again: a person looked at these."""
    picture = chart.draw([LINE], axes(24, 6, high=20.0, markers=markers))
    assert rows(picture) == PICTURES[markers]


@settings(max_examples=150, deadline=None)
@given(
    columns=st.lists(st.lists(st.floats(), max_size=40), max_size=4),
    size=st.tuples(st.integers(1, 200), st.integers(1, 60)),
    high=st.integers(1, 10**9),
    threshold=st.none() | st.floats(0, 1e9),
    markers=st.sampled_from(MARKERS),
    log_x=st.booleans(),
    log_y=st.booleans(),
    robust=st.booleans(),
)
@example([[math.nan]], (76, 14), 1, None, "braille", False, True, True)
@example([[math.inf, -math.inf, math.nan]], (76, 14), 3, 1.0, "ascii", False, False, False)
@example([[1e300, -1e300], [5e-324, 0.0]], (76, 14), 2, None, "block", False, True, False)
@example([[5e-324]], (76, 14), 1, None, "braille", False, True, False)
@example([[1.0]], (76, 14), 1, 1e300, "braille", False, False, False)
@example([[1e16, 1e16 + 2]], (76, 14), 2, None, "braille", False, False, False)
@example([[0.1 + 0.2, 0.3]], (76, 14), 2, 0.3, "braille", True, True, False)
@example([[0.0, -1.0]], (76, 14), 2, 0.0, "braille", True, True, True)
def test_any_data_fills_exactly_the_cells_asked_for(  # noqa: PLR0917
    columns, size, high, threshold, markers, log_x, log_y, robust
) -> None:
    curves = [curve(values, lane=lane) for lane, values in enumerate(columns)]
    where = axes(
        *size,
        low=0.5 if log_x else 0.0,
        high=float(high),
        markers=markers,
        log_x=log_x,
        log_y=log_y,
        robust=robust,
    )
    picture = chart.draw(curves, where, threshold)
    assert picture.glyphs.shape == (size[1], size[0])
    text = "".join(rows(picture))
    assert text.isprintable()
    assert markers != "ascii" or text.isascii()
    for line in picture.lines():
        assert sum(segment.cell_length for segment in line) == size[0]


@pytest.mark.parametrize("markers", MARKERS)
@pytest.mark.parametrize("window", [None, (0.4, 0.6), (0.499, 0.501)])
@pytest.mark.parametrize("robust", [False, True])
@pytest.mark.parametrize("lane", range(4))
def test_one_value_of_100_among_100_000_is_drawn(
    markers: Markers, window: tuple[float, float] | None, robust: bool, lane: int
) -> None:
    """Where the full data has it, up to the top, in its column; as an arrow if it is an outlier."""
    count, at = 100_000, 50_010
    rng = np.random.default_rng(0)
    values = 1 + 0.1 * rng.random(count)
    values[at - 1] = 100.0
    series = Series()
    series.extend(np.arange(1.0, count + 1), values)
    low, high = (0.0, float(count)) if window is None else tuple(count * end for end in window)
    size = axes(76, 14, low=low, high=high, markers=markers, robust=robust)
    x, y = series.window(low, high, 4 * size.canvas_width * DOTS[markers].across)
    picture = chart.draw([Curve(x=x, y=y, color=BLUE, lane=lane)], size)
    lines = rows(picture)
    column = size.column(at)
    assert column is not None
    top = [x for x, cell in enumerate(lines[0]) if x > LABEL_WIDTH and cell != " "]
    assert top == [column]
    assert (lines[0][column] in "▲^") == robust
    assert float(lines[0][:LABEL_WIDTH]) == (100 if not robust else pytest.approx(2, abs=1))
    assert robust or all(row[column] != " " for row in lines[:-1])


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.floats(0, 1000), min_size=1, max_size=300),
    lane=st.integers(0, 3),
)
def test_the_extremes_of_each_column_are_drawn_as_a_plain_loop_has_them(
    values: list[float], lane: int
) -> None:
    y = np.array(values)
    x = np.arange(float(len(y)))
    rows, columns = 20, 48
    across = x / max(1, len(x) - 1) * (columns - 1) + 0.5
    down = (y.max() - y) / ((y.max() - y.min()) or 1) * (rows - 1) + 0.5
    lines = raster.spans([(across, down)], columns, rows)
    for column in range(columns):
        inside = down[(across >= column) & (across < column + 1)]
        if len(inside):
            assert lines.top[0, column] <= int(inside.min())
            assert lines.bottom[0, column] >= int(inside.max())
    top, bottom = lines.top[0].astype(int), lines.bottom[0].astype(int)
    if len(y) > 1:
        assert (top <= bottom).all()  # no hole
        assert (top[1:] <= bottom[:-1] + 1).all()  # neighbours touch
        assert (top[:-1] <= bottom[1:] + 1).all()
    dashed = raster.dashed(lines, [lane], rows)
    assert dashed.top.min() == top.min()
    assert dashed.bottom.max() == bottom.max()


def test_a_picture_is_that_of_plotext_up_to_a_dot() -> None:
    """An independent drawing of the same curve: each cell that one fills, the other fills or has
    a filled neighbour."""
    y = 5 + 4 * np.sin(np.arange(100) / 9)
    ours = canvas(chart.draw([curve(y)], axes(70, 16)))
    frame = still_plot.Frame(width=70, height=16, x_limit=100, ink=INK)
    theirs = [line.plain[LABEL_WIDTH + 1 :] for line in still_plot.draw([curve(y)], frame)[:-1]]
    mine = np.array([[cell not in " ⠀" for cell in row] for row in ours])
    other = np.array([[cell not in " ⠀" for cell in row] for row in theirs])
    for a, b in ((mine, other), (other, mine)):
        near = np.zeros_like(b)
        padded = np.pad(b, 1)
        for dy in range(3):
            for dx in range(3):
                near |= padded[dy : dy + b.shape[0], dx : dx + b.shape[1]]
        assert (a <= near).all()
        assert a.sum() > 60


def test_nan_and_infinity_are_never_drawn_as_values() -> None:
    gaps = np.array([1.0, math.nan, 2.0, math.inf, 3.0, -math.inf, 2.0, math.nan])
    x = np.arange(1.0, 9)
    with_gaps = chart.draw([Curve(x=x, y=gaps, color=BLUE)], axes(high=8.0))
    without = chart.draw([Curve(x=x[::2], y=gaps[::2], color=BLUE)], axes(high=8.0))
    assert rows(with_gaps) == rows(without)


def test_nothing_finite_draws_axes_and_no_ink() -> None:
    empty = chart.draw([], axes())
    assert not dots(empty)
    for y in ([math.nan], [math.inf], []):
        assert rows(chart.draw([curve(y)], axes())) == rows(empty)


def test_the_threshold_is_a_line_at_its_height_behind_the_curves() -> None:
    low = curve([0.0, 0.0])
    picture = chart.draw([low], axes(60, 13, high=2.0), 4.0)
    assert rows(picture)[0][:6].strip() == "4"
    ink = picture.style(INK)
    inked = [row for row in range(12) if (picture.styles[row, LABEL_WIDTH + 1 :] == ink).any()]
    assert inked == [0]
    over = chart.draw([curve([4.0, 4.0])], axes(60, 13, high=2.0), 4.0)
    assert picture.style(BLUE) != ink
    assert (over.styles[0, 35:-1] == over.style(BLUE)).all()


def test_raw_values_are_drawn_only_where_no_other_curve_is() -> None:
    raw = curve([0.0, 100.0, 0.0, 100.0], color=RED, behind=True)
    smooth = curve([0.0, 50.0, 50.0, 100.0])
    size = axes(60, 12, high=4.0)
    both, alone = chart.draw([raw, smooth], size), chart.draw([smooth], size)
    blue = both.styles == both.style(BLUE)
    assert (both.glyphs[blue] == alone.glyphs[blue]).all()
    assert blue.sum() == (alone.styles == alone.style(BLUE)).sum()
    assert (both.styles == both.style(RED)).any()


def test_each_line_style_leaves_out_its_share_of_the_dots() -> None:
    drawn = []
    for lane in range(8):
        line = Curve(x=np.array([0.0, 100.0]), y=np.ones(2), color=BLUE, lane=lane)
        drawn.append(dots(chart.draw([line], axes(107, 12))))
    assert drawn[0] == 200  # two dots a column
    for lane, pattern in enumerate(DASHES[1:], start=1):
        share = sum(pattern[::2]) / sum(pattern)
        assert drawn[lane] == pytest.approx(200 * share, abs=6)
    assert len(set(DASHES)) == 8
    samples = {chart.line_sample(lane, ascii_only=False) for lane in range(8)}
    assert len(samples) == 8
    assert {len(sample) for sample in samples} == {3}


def test_gaps_of_a_dashed_line_move_with_the_axis_and_not_with_the_data() -> None:
    """A live curve keeps its dashes in place while it grows, or the whole line is sent again."""
    values = 5 + np.sin(np.arange(100) / 10)
    size = axes(107, 12, high=200.0)
    before = canvas(chart.draw([curve(values[:80], lane=1)], size))
    after = canvas(chart.draw([curve(values, lane=1)], size))
    kept = 80 * 100 // 200 - 3
    assert [row[:kept] for row in before] == [row[:kept] for row in after]


def test_ascii_draws_a_letter_for_each_lane() -> None:
    curves = [curve([1.0, lane + 1.0], lane=lane) for lane in range(4)]
    text = "\n".join(rows(chart.draw(curves, axes(high=2.0, markers="ascii"), 2.5)))
    assert text.isascii()
    for lane in range(4):
        assert chart.line_sample(lane, ascii_only=True)[0] in text


def test_ascii_tells_raw_values_from_smoothed_ones() -> None:
    raw = curve([0.0, 100.0, 0.0, 100.0], behind=True)
    picture = chart.draw([raw, curve([50.0] * 4)], axes(60, 12, high=4.0, markers="ascii"))
    assert {"*", "."} <= set("".join(canvas(picture)))


def test_a_few_outliers_leave_the_axis_to_the_rest_and_noise_is_none() -> None:
    values = np.sin(np.arange(200.0)) + 5
    values[[50, 150]] = 1e6, -1e6
    robust = chart.draw([curve(values)], axes(60, 12, high=200.0, robust=True, baseline=None))
    lines = rows(robust)
    assert float(lines[0][:6]) < 10
    assert lines[0].count("▲") == 1
    assert lines[-2].count("▼") == 1
    full = rows(chart.draw([curve(values)], axes(60, 12, high=200.0, baseline=None)))
    assert lines != full
    assert full[0][:6].strip() == "1M"
    noise = np.random.default_rng(0).standard_normal(400)
    drawn = rows(chart.draw([curve(noise)], axes(60, 12, high=400.0, robust=True)))
    assert not set("▲▼") & set("".join(drawn))


def test_on_a_logarithmic_axis_what_is_not_positive_is_marked_below_it() -> None:
    values = [0.001, 0.1, 0.0, 10.0, -5.0, 1000.0]
    lines = rows(chart.draw([curve(values)], axes(60, 13, high=6.0, log_y=True)))
    labels = [line[:6].strip() for line in lines if line[6] == "┤"]
    assert labels == ["1000", "10", "0.1", "0.001"]
    assert lines[-2].count("▼") == 2


def test_equal_ratios_are_equally_far_on_a_logarithmic_axis() -> None:
    size = axes(107, 12, low=1.0, high=10_000.0, log_x=True)
    columns = [size.column(x) for x in (1, 10, 100, 1000, 10_000)]
    assert np.diff(columns).tolist() == pytest.approx([24.75] * 4, abs=1)
    assert rows(chart.draw([], size))[-1].split() == ["step", "1", "10", "100", "1000", "10k"]
    closer = axes(107, 12, low=3000.0, high=4000.0, log_x=True)
    assert len(rows(chart.draw([], closer))[-1].split()) > 3


@given(st.floats(0, 100), st.booleans())
def test_a_column_shows_the_position_that_it_stands_for(x: float, log_x: bool) -> None:
    size = axes(107, 12, low=0.01, high=100.0, log_x=log_x)
    column = size.column(x)
    assert (column is None) == (x < 0.01)
    if column is not None:
        middle = float(size.x_at(np.array([column - LABEL_WIDTH - 0.5]))[0])
        assert size.column(middle) == column
        assert abs(middle - x) <= 0.06 * x if log_x else abs(middle - x) <= 0.51


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.booleans())
def test_a_strip_has_a_mark_for_whatever_is_over_zero(shares: list[float], ascii: bool) -> None:
    markers: Markers = "ascii" if ascii else "braille"
    line = chart.strip(np.array(shares), ascii_only=markers == "ascii")
    assert [cell != " " for cell in line] == [share > 0 for share in shares]
    assert not ascii or line.isascii()
