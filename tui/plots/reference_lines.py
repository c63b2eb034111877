"""Labelled horizontal lines over a plot, such as what a trivial model reaches; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tui.plots.axes import Axes, scaled
from tui.plots.picture import Picture
from tui.plots.raster import DOTS
from tui.plots.ticks import LABEL_WIDTH
from tui.runs.points.series import Floats
from tui.text import cells, cut

_BEYOND = 0.5
"""A level this share of the curves' range beyond them still widens the axis."""
_LARGEST = 1e150
_LINE, _ASCII_LINE = "╌", "-"
_ARROWS, _ASCII_ARROWS = ("▲", "▼"), ("^", "v")


@dataclass(frozen=True)
class Level:
    """A value with its name."""

    value: float
    label: str
    """The name with the value, as it is written on the plot."""


def near(levels: Sequence[Level], low: float, high: float, axes: Axes) -> list[float]:
    """The values that belong on a y axis whose curves lie between `low` and `high`: the others
    would press the curves together."""
    known = [level.value for level in levels if _drawable(level.value, axes)]
    ends = scaled(np.array([low, high]), axes)
    reach = _BEYOND * float(ends[1] - ends[0])
    heights = scaled(np.array(known, np.float64), axes)
    inside = (heights >= ends[0] - reach) & (heights <= ends[1] + reach)
    return [value for value, is_near in zip(known, inside.tolist(), strict=True) if is_near]


def draw(picture: Picture, levels: Sequence[Level], axes: Axes, ends: tuple[float, float]) -> None:
    """Draw levels behind what is on the picture, each with its label where there is room.

    `ends` are the heights of the y axis at the bottom and the top row. A level beyond them is told
    at the edge, with an arrow.
    """
    found = [level for level in levels if _drawable(level.value, axes)]
    rows = _rows([level.value for level in found], axes, ends)
    last = axes.canvas_height - 1
    for row in rows:
        if 0 <= row <= last:
            empty = picture.glyphs[row] == ord(" ")
            empty[: LABEL_WIDTH + 1] = False
            picture.glyphs[row, empty] = ord(_ASCII_LINE if axes.ascii else _LINE)
            picture.styles[row, empty] = picture.style(f"dim {axes.ink}")
    up, down = _ASCII_ARROWS if axes.ascii else _ARROWS
    for level, row in zip(found, rows, strict=True):
        arrow = f"{up} " if row < 0 else f"{down} " if row > last else ""
        _label(picture, arrow + level.label, min(max(row, 0), last), axes)


def _drawable(value: float, axes: Axes) -> bool:
    return abs(value) < _LARGEST and (value > 0 or not axes.log_y)


def _rows(values: list[float], axes: Axes, ends: tuple[float, float]) -> list[int]:
    bottom, top = ends
    heights: Floats = scaled(np.array(values, np.float64), axes)
    down = DOTS[axes.markers].down
    dots = (top - heights) / (top - bottom) * (axes.canvas_height * down - 1) + 0.5
    rows: list[int] = np.clip(np.floor(dots / down), -1, axes.canvas_height).astype(int).tolist()
    return rows


def _label(picture: Picture, label: str, row: int, axes: Axes) -> None:
    """Write a label at the rightmost place of its row that no curve and no other label needs, or of
    the nearest row that has one; nowhere if there is none."""
    label = f" {cut(label, max(0, axes.canvas_width - 2))} "
    width = cells(label)
    free = np.isin(picture.glyphs, [ord(" "), ord(_LINE), ord(_ASCII_LINE)])
    free[:, : LABEL_WIDTH + 1] = False
    for at in sorted(range(axes.canvas_height), key=lambda other: abs(other - row)):
        taken = np.concatenate(([0], np.cumsum(~free[at])))
        begins = np.flatnonzero(taken[width:] == taken[:-width])
        if len(begins):
            picture.write(at, int(begins[-1]), label, axes.ink)
            return
