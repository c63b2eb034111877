"""The axes of a dashboard's plot: size, positions and numbers; pure."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tui.plots import ticks
from tui.plots.picture import Picture
from tui.plots.plot_view import X_NAMES, Markers, XKind
from tui.plots.ticks import LABEL_WIDTH
from tui.runs.points.series import Floats


@dataclass(frozen=True, kw_only=True)
class Axes:
    """The size, axes and style of a plot."""

    width: int
    height: int
    """In terminal cells, axes included."""
    low: float
    high: float
    """The ends of the x axis, low < high."""
    ink: str
    """Colour of the axes, as #rrggbb."""
    kind: XKind = "step"
    log_x: bool = False
    log_y: bool = False
    markers: Markers = "braille"
    robust: bool = False
    """Whether outliers are marked at the edge instead of widening the y axis."""
    baseline: float | None = 0.0
    """A value that a linear y axis always includes, or None."""

    @property
    def canvas_width(self) -> int:
        """Columns between the left axis and the right edge."""
        return max(0, self.width - LABEL_WIDTH - 1)

    @property
    def canvas_height(self) -> int:
        """Rows above the numbers of the x axis."""
        return max(0, self.height - 1)

    @property
    def ascii(self) -> bool:
        return self.markers == "ascii"

    @property
    def fits(self) -> bool:
        """Whether there is room for a plot at all."""
        return self.canvas_width >= 8 and self.height >= 3

    @cached_property
    def _ends(self) -> tuple[float, float]:
        ends = self.low, self.high
        return (math.log10(ends[0]), math.log10(ends[1])) if self.log_x else ends

    def across(self, x: Floats, columns: int) -> Floats:
        """Positions as columns of a canvas: low is in the middle of the first, high of the last."""
        low, high = self._ends
        if self.log_x:
            x = np.log10(np.maximum(x, self.low * 1e-6))
        return (x - low) / (high - low) * (columns - 1) + 0.5

    def column(self, x: float) -> int | None:
        """The column of the picture, axes included, that shows x; None outside of the axis."""
        if not self.low <= x <= self.high:
            return None
        at = int(self.across(np.array([x]), self.canvas_width)[0])
        return LABEL_WIDTH + 1 + min(at, self.canvas_width - 1)

    def x_at(self, columns: Floats) -> Floats:
        """The positions at columns of the canvas; 0.5 is the middle of the first column."""
        low, high = self._ends
        x = low + (columns - 0.5) / max(1, self.canvas_width - 1) * (high - low)
        return np.power(10.0, x) if self.log_x else x


def scaled(y: Floats, axes: Axes) -> Floats:
    """Values as heights on the y axis; on a logarithmic one, values <= 0 are far below it."""
    if not axes.log_y:
        return y
    return np.where(y > 0, np.log10(y, where=y > 0, out=np.zeros(len(y))), -1e3)


def draw(picture: Picture, axes: Axes, levels: list[float]) -> None:
    """Draw the y axis with numbers at these levels, from its lower to its upper end, and the
    numbers of the x axis on the last row."""
    line, tick = ("|", "+") if axes.ascii else ("│", "┤")
    for row in range(axes.canvas_height):
        picture.write(row, LABEL_WIDTH, line, axes.ink)
    ends = scaled(np.array([levels[0], levels[-1]]), axes)
    heights = scaled(np.array(levels), axes)
    rows = (ends[1] - heights) / (ends[1] - ends[0]) * (axes.canvas_height - 1) + 0.5
    for level, row in zip(levels, rows.astype(int).tolist(), strict=True):
        label = ticks.compact(level)[:LABEL_WIDTH].rjust(LABEL_WIDTH)
        picture.write(row, 0, label + tick, axes.ink)
    picture.write(axes.height - 1, 0, X_NAMES[axes.kind], axes.ink)
    free = LABEL_WIDTH
    for at, label in _x_labels(axes):
        begin = min(max(LABEL_WIDTH, at - len(label) // 2), axes.width - len(label))
        if begin >= free:
            picture.write(axes.height - 1, begin, label, axes.ink)
            free = begin + len(label) + 1


def _x_labels(axes: Axes) -> list[tuple[int, str]]:
    """Columns of the picture and the numbers that stand there."""
    low, high = axes.low, axes.high
    most = max(2, axes.canvas_width // 14)
    found: list[float] = []
    for count in (most, 2 * most, 4 * most):  # the first ones may all be outside
        if len(found) < 2:
            found = [x for x in _x_ticks(axes, count) if axes.column(x) is not None]
    if len(found) < 2:  # between two powers of ten
        found = [x for x in ticks.nice_ticks(low, high, most) if axes.column(x) is not None]
    if axes.kind == "wall":
        texts = [ticks.clock_label(tick, high - low) for tick in found]
    elif axes.kind == "relative":
        texts = [ticks.span_label(tick) for tick in found]
    else:
        texts = [ticks.compact(tick) for tick in found]
        if len(set(texts)) < len(texts) or high - low < 0.01 * abs(high):
            texts = [f"{tick:.12g}" for tick in found]
    columns = [axes.column(tick) or 0 for tick in found]
    return list(zip(columns, texts, strict=True))


def _x_ticks(axes: Axes, most: int) -> list[float]:
    if axes.kind in ("relative", "wall") and not axes.log_x:
        return ticks.time_ticks(axes.low, axes.high, most, local=axes.kind == "wall")
    made = ticks.log_ticks if axes.log_x else ticks.nice_ticks
    return made(axes.low, axes.high, most)
