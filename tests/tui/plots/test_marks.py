"""What is drawn over plots: marks, epochs, the crosshair and its list of values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.plots import chart, marks, readout
from tui.plots.axes import Axes
from tui.plots.chart import Curve
from tui.plots.marks import COLORS, GLYPHS, Placed
from tui.plots.picture import Picture
from tui.plots.plot_view import MARKERS, Markers
from tui.plots.readout import Value
from tui.plots.ticks import LABEL_WIDTH
from tui.runs.state.marks_and_notes import MarkKind

ALL: list[MarkKind] = list(GLYPHS)
PALETTE: dict[MarkKind, str] = dict.fromkeys(COLORS, "#ff0000")
WORDS = st.text("abc =.", max_size=30)


def axes(width: int = 60, height: int = 10, *, markers: Markers = "braille") -> Axes:
    return Axes(width=width, height=height, low=0, high=100, ink="#808080", markers=markers)


def drawn(size: Axes) -> Picture:
    x = np.arange(1.0, 101)
    return chart.draw([Curve(x=x, y=100 / x, color="#56b4e9")], size)


def rows(picture: Picture) -> list[str]:
    return [picture.text(row) for row in range(picture.height)]


@settings(deadline=None)
@given(
    st.lists(st.builds(Placed, st.floats(-5, 200), st.sampled_from(ALL), st.just("")), max_size=30),
    st.integers(1, 90),
    st.integers(1, 20),
    st.sampled_from(MARKERS),
    st.lists(st.floats(-5, 200), max_size=9),
)
def test_marks_move_nothing_and_hide_nothing(
    found: list[Placed], width: int, height: int, markers: Markers, borders: list[float]
) -> None:
    size = axes(width, height, markers=markers)
    before, after = drawn(size), drawn(size)
    marks.epochs(after, np.array(sorted(borders)), size)
    marks.overlay(after, found, size, PALETTE)
    for row, (old, new) in enumerate(zip(rows(before), rows(after), strict=True)):
        for a, b in zip(old, new, strict=True):
            # Under the letters only what was empty is written on: no value is hidden.
            assert a == b or (row == 0 and b in "".join(GLYPHS.values())) or a == " "
        assert markers != "ascii" or new.isascii()


@pytest.mark.parametrize("markers", ["braille", "ascii"])
def test_a_mark_is_a_letter_over_a_faint_column_at_its_place(markers: Markers) -> None:
    size = axes(markers=markers)
    picture = drawn(size)
    found = [Placed(50, "command", ""), Placed(75, "checkpoint", ""), Placed(101, "gap", "")]
    marks.overlay(picture, found, size, PALETTE)
    lines = rows(picture)
    middle, three_quarters = size.column(50), size.column(75)
    assert (lines[0][middle], lines[0][three_quarters]) == ("c", "k")
    assert lines[2][middle] == (":" if markers == "ascii" else "┊")
    assert lines[2][three_quarters] == " "
    assert "g" not in lines[0]


def test_the_gravest_of_marks_that_meet_is_shown() -> None:
    size = axes()
    for kinds, shown in ((ALL, "!"), (["restart", "checkpoint"], "r"), (["gap", "command"], "c")):
        picture = drawn(size)
        marks.overlay(picture, [Placed(50, kind, "") for kind in kinds], size, PALETTE)
        assert rows(picture)[0][size.column(50)] == shown
    at = marks.marks_at([Placed(50, kind, kind) for kind in ALL], size.column(50), size)
    assert [mark.text for mark in at] == ["non-finite", "restart", "command", "gap", "checkpoint"]
    assert marks.marks_at(at, 30, size) == []


def test_an_outlier_under_a_letter_moves_one_row_down() -> None:
    x = np.arange(1.0, 101)
    y = np.sin(x) + 5
    y[49] = 1e6
    size = Axes(width=60, height=10, low=0, high=100, ink="#808080", robust=True)
    picture = chart.draw([Curve(x=x, y=y, color="#56b4e9")], size)
    assert rows(picture)[0][size.column(50)] == "▲"
    marks.overlay(picture, [Placed(50, "command", "")], size, PALETTE)
    assert rows(picture)[0][size.column(50)] == "c"
    assert rows(picture)[1][size.column(50)] == "▲"


def test_epochs_are_ticks_on_the_bottom_row() -> None:
    size = axes()
    picture = chart.draw([], size)
    marks.epochs(picture, np.array([25.0, 50.0, 75.0, 150.0]), size)
    bottom = rows(picture)[-2]
    assert [x for x, cell in enumerate(bottom) if cell == "╷"] == [
        size.column(x) for x in (25, 50, 75)
    ]


def test_the_crosshair_is_a_line_that_leaves_the_curve_and_reverses_it() -> None:
    size = axes()
    before, picture = drawn(size), drawn(size)
    column = size.column(50)
    marks.crosshair(picture, column, size, "#ffffff")
    for row in range(size.canvas_height):
        old, new = before.text(row)[column], picture.text(row)[column]
        style = picture.palette[picture.styles[row, column]]
        assert (new, "reverse" in style) == (("│", False) if old == " " else (old, True))
    assert rows(picture)[-1] == rows(before)[-1]


def values(count: int) -> list[Value]:
    return [
        Value("───", "#56b4e9", f"run {index}", index + 0.5, index + 0.25) for index in range(count)
    ]


def test_the_list_has_label_raw_and_smoothed_value_in_columns() -> None:
    size = axes(76, 14)
    picture = chart.draw([], size)
    given = [*values(2), Value("···", "#ffffff", "val", 3.0, None, 1200), Value("", "", "x", None)]
    readout.draw(picture, given, ["lr 0.1 -> 0.2"], size, size.column(20))
    begin = size.column(20) + 2
    assert [row[begin:].rstrip() for row in rows(picture)[1:6]] == [
        "─── run 0 0.5    ~0.25",
        "─── run 1 1.5    ~1.25",
        "··· val   3      @1,200",
        "x     -",
        "lr 0.1 -> 0.2",
    ]


def test_a_list_that_does_not_fit_goes_on_at_the_other_side_and_then_is_counted() -> None:
    size = axes(76, 14)
    picture = chart.draw([], size)
    readout.draw(picture, values(20), [], size, size.column(50))
    text = "\n".join(rows(picture))
    assert all(f"run {index} " in text for index in range(20))
    assert "more" not in text
    few = chart.draw([], axes(39, 6))
    readout.draw(few, values(20), [], axes(39, 6), 22)
    text = "\n".join(rows(few))
    assert "run 2  2.5" in text  # rather without the smoothed values than without the labels
    assert "and 17 more" in text


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            Value, st.just("ooo"), st.just("red"), WORDS, st.floats(), st.none() | st.floats()
        ),
        max_size=30,
    ),
    st.lists(WORDS, max_size=4),
    st.integers(1, 100),
    st.integers(1, 20),
    st.floats(0, 100),
)
def test_a_list_fits_anywhere(
    found: list[Value], remarks: list[str], width: int, height: int, at: float
) -> None:
    size = axes(width, height, markers="ascii")
    picture = chart.draw([], size)
    column = size.column(at)
    if column is not None and size.fits:
        before = rows(picture)
        readout.draw(picture, found, remarks, size, column)
        after = rows(picture)
        assert all(row.isascii() for row in after)
        assert [row[: LABEL_WIDTH + 1] for row in after] == [
            row[: LABEL_WIDTH + 1] for row in before
        ]
        assert [row[column] for row in after] == [row[column] for row in before]
        assert after[-1] == before[-1]


@pytest.mark.parametrize(
    ("labels", "short"),
    [
        (["adam lr=0.1", "adam lr=0.2"], ["0.1", "0.2"]),
        (["adam", "sgd"], ["adam", "sgd"]),
        (["adam", "adamw"], ["adam", "adamw"]),
        (["a b", "a b"], ["a b", "a b"]),
        (["adam lr=1"], ["adam lr=1"]),
        (["a", "a b"], ["a", "a b"]),
        ([], []),
    ],
)
def test_labels_lose_what_all_have(labels: list[str], short: list[str]) -> None:
    assert readout.without_common(labels) == short
