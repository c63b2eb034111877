"""Draw curves over the x axis of a dashboard: pure functions of data, size and style."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tui.plots import axes as axis
from tui.plots import heat, raster, ticks
from tui.plots import reference_lines as labelled
from tui.plots.axes import Axes, scaled
from tui.plots.picture import Picture
from tui.plots.raster import DOTS, Spans
from tui.plots.reference_lines import Level
from tui.plots.ticks import LABEL_WIDTH
from tui.runs.points.series import Floats

LETTERS = "*o+x#@%&"
"""Characters that draw lines in ASCII, by line style."""
_LINE_SAMPLES = ("───", "╌╌╌", "···", "─·─", "─ ─", "· ·", "─··", "──╌")
_LARGEST = 1e150
"""Largest value that is drawn: beyond it, differences of float64 overflow."""
_FENCES = 1.5
"""Distance of outliers from the range of most values, in multiples of that range."""
_FEW = 40
"""Minimum number of values among which outliers are told apart."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line of a plot: x and y, float64 (n,) each; x never falls, y may be non-finite."""

    x: Floats
    y: Floats
    color: str
    """As #rrggbb."""
    lane: int = 0
    """Index of its line style and, in ASCII, its letter."""
    behind: bool = False
    """Drawn only where no other curve is: the raw values of a smoothed curve."""


def line_sample(lane: int, *, ascii_only: bool) -> str:
    """Three columns that show the style of a lane's line, for a legend."""
    if ascii_only:
        return LETTERS[lane % len(LETTERS)] * 3
    return _LINE_SAMPLES[lane % len(_LINE_SAMPLES)]


def draw(
    curves: Sequence[Curve],
    axes: Axes,
    threshold: float | None = None,
    levels: Sequence[Level] = (),
) -> Picture:
    """Draw curves; the picture has the size of the axes.

    `threshold` is a horizontal line of the axes' colour, and `levels` are such with labels.

    On a logarithmic y axis values that are not positive are outliers below it.
    """
    picture = Picture.blank(axes.width, axes.height)
    if not axes.fits:
        return picture
    found = [curve for curve in map(_finite, curves) if len(curve.x)]
    numbers = _y_ticks(found, axes, threshold, levels)
    bottom, top = (scaled(np.array([numbers[0], numbers[-1]]), axes)).tolist()
    dots = DOTS[axes.markers]
    columns, rows = axes.canvas_width * dots.across, axes.canvas_height * dots.down
    axis.draw(picture, axes, numbers)

    def placed(curve: Curve) -> tuple[Floats, Floats]:
        y = (top - scaled(curve.y, axes)) / (top - bottom) * (rows - 1) + 0.5
        return axes.across(curve.x, columns), y

    if threshold is not None:
        found.insert(0, _level(threshold, axes))
    places = [placed(curve) for curve in found]
    lines = raster.spans(places, columns, rows)
    beyond = (lines.top < 0).any(axis=1) | (lines.bottom >= rows).any(axis=1)
    if found:
        if not axes.ascii:
            lines = raster.dashed(lines, [curve.lane for curve in found], rows)
        _compose(picture, found, lines, axes)
    for index in np.flatnonzero(beyond).tolist():
        x, y = places[index]
        # In cells of the canvas, from its top left.
        _mark_outliers(picture, found[index].color, (x / dots.across, y / dots.down), axes)
    if levels:
        labelled.draw(picture, levels, axes, (bottom, top))
    return picture


def _finite(curve: Curve) -> Curve:
    with np.errstate(invalid="ignore"):
        known = np.abs(curve.y) < _LARGEST  # not of NaN
    if known.all():
        return curve
    return Curve(
        x=curve.x[known],
        y=curve.y[known],
        color=curve.color,
        lane=curve.lane,
        behind=curve.behind,
    )


def _level(value: float, axes: Axes) -> Curve:
    ends = np.array([axes.low, axes.high])
    return Curve(x=ends, y=np.full(2, value), color=axes.ink, lane=1, behind=True)


def _y_ticks(
    curves: Sequence[Curve], axes: Axes, threshold: float | None, levels: Sequence[Level]
) -> list[float]:
    """The numbers of the y axis; the first and the last one are its ends."""
    # Raw values do not count as outliers of smoothed ones.
    groups = (_seen([c for c in curves if c.behind is behind], axes) for behind in (False, True))
    ranges = [_range(heights, axes.robust) for heights in groups if len(heights)]
    low, high = min((r[0] for r in ranges), default=0.0), max((r[1] for r in ranges), default=1.0)
    if axes.log_y:
        low, high = 10.0**low, 10.0**high
    others = (threshold, None if axes.log_y else axes.baseline)
    more = [v for v in others if v is not None and (v > 0 or not axes.log_y) and abs(v) < _LARGEST]
    if not ranges and more:
        low, high = min(more), max(more)
    low, high = min([low, *more]), max([high, *more])
    more = labelled.near(levels, low, high, axes)
    low, high = min([low, *more]), max([high, *more])
    most = min(5, max(2, (axes.height - 1) // 3))
    if axes.log_y:
        return ticks.log_ticks(low, high, most)
    if low == high and low == axes.baseline:
        high = low + (abs(low) or 1.0)
    return ticks.nice_ticks(low, high, most)


def _seen(curves: Sequence[Curve], axes: Axes) -> Floats:
    """The heights of the points within the x axis; all points of curves outside of it."""
    parts = []
    for curve in curves:
        begin = int(np.searchsorted(curve.x, axes.low, side="left"))
        end = int(np.searchsorted(curve.x, axes.high, side="right"))
        parts.append(curve.y[begin:end] if end > begin else curve.y)
    values = np.concatenate(parts) if parts else np.empty(0)
    return scaled(values[values > 0] if axes.log_y else values, axes)


def _range(heights: Floats, robust: bool) -> tuple[float, float]:
    """The smallest and the largest height, without outliers if `robust`."""
    if robust and len(heights) >= _FEW:
        # Of a long curve, these are the extremes of each column of dots: noise is no outlier.
        first, last = np.percentile(heights, (5, 95))
        reach = _FENCES * (last - first)
        if reach > 0:
            heights = heights[(heights >= first - reach) & (heights <= last + reach)]
    return float(heights.min()), float(heights.max())


def _compose(picture: Picture, curves: Sequence[Curve], lines: Spans, axes: Axes) -> None:
    """Draw all lines in their colours, later ones over earlier ones and over those behind. Lines
    that share a cell show the dots of both in the colour of the last."""
    bits = raster.cells(lines, axes.markers, axes.canvas_height)
    behind = np.array([curve.behind for curve in curves])
    front = bits.copy()
    front[behind] = 0
    taken = front.any(axis=0)
    bits[behind] *= ~taken
    merged = np.bitwise_or.reduce(bits, axis=0)
    owner = len(bits) - 1 - np.argmax(bits[::-1] > 0, axis=0)
    if axes.ascii:
        letters = np.array([ord(_letter(curve)) for curve in curves], np.uint32)
        glyphs = np.where(merged > 0, letters[owner], ord(" "))
    else:
        glyphs = raster.glyphs(merged, axes.markers)
    colors = np.array([picture.style(curve.color) for curve in curves], np.int16)
    canvas = slice(0, axes.canvas_height), slice(LABEL_WIDTH + 1, None)
    picture.glyphs[canvas] = glyphs
    picture.styles[canvas] = np.where(merged > 0, colors[owner], 0)


def _letter(curve: Curve) -> str:
    return "." if curve.behind else LETTERS[curve.lane % len(LETTERS)]


def _mark_outliers(picture: Picture, color: str, place: tuple[Floats, Floats], axes: Axes) -> None:
    """Draw an arrow at the edge beyond which a curve has a value."""
    x, y = place
    inside = (x >= 0) & (x < axes.canvas_width)
    arrows = "^v" if axes.ascii else "▲▼"
    for arrow, row, beyond in (
        (arrows[0], 0, inside & (y < 0)),
        (arrows[1], axes.canvas_height - 1, inside & (y >= axes.canvas_height)),
    ):
        if beyond.any():
            columns = x[beyond].astype(np.intp) + LABEL_WIDTH + 1
            picture.glyphs[row, columns] = ord(arrow)
            picture.styles[row, columns] = picture.style(color)


def strip(shares: Floats, *, ascii_only: bool) -> str:
    """One character for each share, 0 to 1; any share above 0 gets at least the smallest mark, so
    that no event is lost."""
    heights = heat.heights(ascii_only=ascii_only)
    levels = np.ceil(np.clip(shares, 0, 1) * (len(heights) - 1)).astype(int)
    return "".join(heights[level] for level in levels)
