"""Labelled lines on a plot: what a trivial model reaches."""

import numpy as np
import pytest

from tui.plots import chart
from tui.plots.axes import Axes
from tui.plots.chart import Curve
from tui.plots.picture import Picture
from tui.plots.reference_lines import Level


def drawn(*levels: Level, y: list[float] | None = None, **changes: object) -> Picture:
    usual = {"width": 60, "height": 11, "low": 0.0, "high": 100.0, "ink": "#888888"}
    axes = Axes(**usual | changes)
    heights = np.array(y or [0.0, 6.0, 8.0, 9.0, 10.0])
    curve = Curve(x=np.linspace(0, 60, len(heights)), y=heights, color="#ff0000")
    return chart.draw([curve], axes, None, levels)


def rows(picture: Picture) -> list[str]:
    return [picture.text(row) for row in range(picture.height)]


def top(picture: Picture) -> str:
    """The largest number of the y axis."""
    return rows(picture)[0].partition("┤")[0].strip()


def test_a_level_is_a_line_with_its_label_behind_the_curves() -> None:
    lines = rows(drawn(Level(5.0, "majority 5")))
    (line,) = [line for line in lines if "majority 5" in line]
    assert line.rstrip().endswith("╌ majority 5")
    assert lines.index(line) == 5  # the middle of ten rows from 10 down to 0
    assert any(0x2800 < ord(character) < 0x2900 for character in line)  # the curve goes through


def test_a_level_a_bit_beyond_the_curves_widens_the_axis() -> None:
    assert top(drawn(Level(12.0, "unigram 12"))) == "15"
    assert top(drawn()) == "10"


def test_a_level_far_away_squashes_nothing_and_is_told_at_the_edge() -> None:
    picture = drawn(Level(90.0, "human 90"), Level(-70.0, "worst -70"))
    assert top(picture) == "10"
    lines = rows(picture)
    assert "▲ human 90" in lines[0]
    assert "▼ worst -70" in "".join(lines[8:10])
    assert not any("╌" in line for line in lines)


def test_labels_that_would_meet_stand_beside_or_under_each_other() -> None:
    lines = rows(drawn(Level(5.0, "majority 5"), Level(5.01, "copying 5.01"), width=30))
    assert sum("majority 5 " in line for line in lines) == 1
    assert sum("copying 5.01 " in line for line in lines) == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 0.0])
def test_what_has_no_place_on_the_axis_is_left_out(value: float) -> None:
    picture = drawn(Level(value, "nothing"), y=[1.0, 10.0, 100.0], log_y=True)
    assert "nothing" not in "".join(rows(picture))


def test_ascii_only() -> None:
    picture = drawn(Level(5.0, "majority 5"), Level(90.0, "human 90"), markers="ascii")
    assert all(line.isascii() for line in rows(picture))
    assert "^ human 90" in rows(picture)[0]


def test_a_curve_in_the_way_is_not_written_over_while_there_is_room() -> None:
    flat = [5.0] * 50
    without = rows(drawn(y=flat, high=60.0))
    lines = rows(drawn(Level(5.0, "majority 5"), y=flat, high=60.0))
    (at,) = [row for row, line in enumerate(without[:-1]) if line[8:].strip()]
    assert lines[at] == without[at]
    assert "majority 5" in lines[at - 1] + lines[at + 1]
