"""Single plots: every size and every data gives exactly the cells asked for."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.text import Text

from tui.plots import still_plot
from tui.plots.chart import Curve, line_sample
from tui.plots.still_plot import Frame

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
    return [line.plain[still_plot.LABEL_WIDTH + 1 :] for line in lines[:-1]]


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
    ascii=st.booleans(),
)
@example([[math.nan]], (76, 14), 1, False)
@example([[math.inf, -math.inf, math.nan]], (76, 14), 3, True)
@example([[1e300, -1e300], [5e-324, 0.0]], (76, 14), 2, False)
@example([[5e-324]], (76, 14), 1, False)
@example([[1.0]], (76, 14), 1, False)
@example([[1e16, 1e16 + 2]], (76, 14), 2, False)
@example([[0.1 + 0.2, 0.3]], (76, 14), 2, False)
def test_any_data_fills_exactly_the_cells_asked_for(
    columns: list[list[float]],
    size: tuple[int, int],
    x_limit: int,
    ascii: bool,
) -> None:
    curves = [curve(values, lane=lane) for lane, values in enumerate(columns)]
    lines = still_plot.draw(curves, frame(*size, x_limit=x_limit, ascii=ascii))
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
    lines = still_plot.draw([near], where)
    assert [line.cell_len for line in lines] == [60] * 12


@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize("where", [0, 1, 49_999, 77_777, 99_999])
def test_one_value_of_100_among_100_000_is_drawn(where: int, ascii: bool) -> None:
    values = np.ones(100_000)
    values[where] = 100.0
    lines = still_plot.draw([curve(values)], frame(76, 14, x_limit=100_000, ascii=ascii))
    assert lines[0].plain.startswith("   100")
    (top, *_, bottom) = canvas(lines)
    assert top.strip()
    assert bottom.strip()


def test_nan_and_infinity_are_never_drawn_as_values() -> None:
    known = [1.0, 2.0, 3.0, 2.0]
    gaps = [1.0, math.nan, 2.0, math.inf, 3.0, -math.inf, 2.0, math.nan]
    x = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    with_gaps = still_plot.draw([Curve(x=x, y=np.array(gaps), color=BLUE)], frame(x_limit=8))
    without = still_plot.draw([Curve(x=x[::2], y=np.array(known), color=BLUE)], frame(x_limit=8))
    assert [line.plain for line in with_gaps] == [line.plain for line in without]


def test_nothing_finite_draws_axes_and_no_ink() -> None:
    empty = still_plot.draw([], frame())
    assert not any(dots(row) for row in canvas(empty))
    for y in ([math.nan], [math.inf], []):
        lines = still_plot.draw([curve(y)], frame())
        assert [line.plain for line in lines] == [line.plain for line in empty]


def test_ascii_draws_a_letter_for_each_lane() -> None:
    curves = [curve([1.0, lane + 1.0], lane=lane) for lane in range(4)]
    text = "\n".join(line.plain for line in still_plot.draw(curves, frame(x_limit=2, ascii=True)))
    assert text.isascii()
    for lane in range(4):
        sample = line_sample(lane, ascii_only=True)
        assert len(sample) == 3
        assert sample[0] in text


def test_the_colours_of_the_curves_are_on_the_canvas() -> None:
    lines = still_plot.draw(
        [curve([1, 2, 3]), curve([3, 2, 1], lane=1, color=RED)], frame(x_limit=3)
    )
    assert any(cells_of(line, BLUE) for line in lines)
    assert any(cells_of(line, RED) for line in lines)
