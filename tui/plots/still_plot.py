"""Draw single still plots, such as that of a schedule; nothing else imports plotext.

The plots of a dashboard are drawn by `chart`: plotext needs 6 ms for a noisy curve, and
0.1 to 0.2 s to be imported, which is why that happens only where it draws.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.text import Text

from tui.plots.chart import LETTERS, Curve
from tui.plots.raster import DASHES
from tui.plots.ticks import LABEL_WIDTH, compact, nice_ticks
from tui.runs.points.series import Floats, thin


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The size and style of a plot."""

    width: int
    height: int
    """In terminal cells, axes included."""
    x_limit: float
    """The right end of the x axis, which begins at 0."""
    ink: str
    """Colour of the axes, as #rrggbb."""
    ascii: bool = False
    baseline: float | None = 0.0
    """A value that the y axis always includes, or None."""

    @property
    def canvas_width(self) -> int:
        """Columns between the left axis and the right edge."""
        return max(0, self.width - LABEL_WIDTH - 1)


def draw(curves: Sequence[Curve], frame: Frame) -> list[Text]:
    """Draw curves as exactly `frame.height` lines of exactly `frame.width` cells."""
    import plotext

    if frame.canvas_width < 8 or frame.height < 3:
        return [Text(" " * frame.width) for _ in range(frame.height)]
    finite = [_finite(curve) for curve in curves]
    low, high, ticks = _y_axis(finite, frame)
    plotext.terminal.limit(False, False)  # or it cuts the plot to the terminal that it sees
    figure = plotext.figure
    figure.clear()
    figure.theme("colorless")
    figure.plot_size(frame.width, frame.height)
    ink = plotext.pixel(foreground=_rgb(frame.ink))
    figure.axes(False)
    figure.axes(True, axis="y", side="left", pixel=ink)
    figure.ruler("y").lim(low, high).ticks(ticks, _tick_labels(ticks)).pixel(ink)
    x_ticks = nice_ticks(0, frame.x_limit, max(2, frame.canvas_width // 14))
    figure.ruler("x").lim(0, frame.x_limit).ticks(x_ticks, [compact(x) for x in x_ticks]).pixel(ink)
    for curve in finite:
        if len(curve.x):
            _draw_curve(figure, curve, frame)
    # plotext paints axes on white unless it is given another background; ours is the panel's.
    text = Text.from_ansi(figure.build().string().replace("\x1b[48;5;15m", ""))
    lines = list(text.split("\n", allow_blank=True))[: frame.height]
    return [_ascii(line) if frame.ascii else line for line in lines]


def _finite(curve: Curve) -> Curve:
    known = np.isfinite(curve.y)
    # Beyond this, differences of float64 overflow; such a curve has diverged anyway.
    known &= np.abs(curve.y, where=known, out=np.full(len(curve.y), np.inf)) < 1e150
    return Curve(x=curve.x[known], y=curve.y[known], color=curve.color, lane=curve.lane)


def _y_axis(curves: Sequence[Curve], frame: Frame) -> tuple[float, float, list[float]]:
    values = [bound for c in curves if len(c.y) for bound in (float(c.y.min()), float(c.y.max()))]
    values += [] if frame.baseline is None else [frame.baseline]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if low == high:
        low, high = (low, low + (abs(low) or 1.0)) if low == frame.baseline else (low, low)
    ticks = nice_ticks(low, high, min(5, max(2, (frame.height - 1) // 3)))
    return ticks[0], ticks[-1], ticks


def _tick_labels(ticks: list[float]) -> list[str]:
    return [compact(tick)[:LABEL_WIDTH].rjust(LABEL_WIDTH) for tick in ticks]


def _draw_curve(figure: object, curve: Curve, frame: Frame) -> None:
    import plotext

    dots = frame.canvas_width * (1 if frame.ascii else 2)
    filled = max(1, math.ceil(dots * min(1.0, float(curve.x[-1]) / frame.x_limit)))
    x, y = thin(curve.x, curve.y, filled)
    dash = () if frame.ascii else DASHES[curve.lane % len(DASHES)]
    gaps: list[int] = []
    if dash and len(x) > 1:
        x, y, gaps = _dashed(x, y, dash, frame.x_limit / dots)
    symbol = LETTERS[curve.lane % len(LETTERS)] if frame.ascii else "braille"
    marker = plotext.marker(symbol, plotext.pixel(foreground=_rgb(curve.color)))
    signal = plotext.figure.signal(x.tolist(), y.tolist(), marker=marker).lines().density("full")
    for index in gaps:
        signal.line(index, False)
    plotext.figure.draw(signal)


def _dashed(
    x: Floats, y: Floats, dash: tuple[float, ...], dot: float
) -> tuple[Floats, Floats, list[int]]:
    """The points with those at the ends of dashes, and the indices whose segment is left out."""
    period = sum(dash) * dot
    edges = np.cumsum((0.0, *dash))[:-1] * dot
    repeats = np.arange(math.floor(x[0] / period), math.ceil(x[-1] / period) + 1) * period
    cuts = np.add.outer(repeats, edges).ravel()
    cuts = cuts[(cuts > x[0]) & (cuts < x[-1])]
    all_x = np.concatenate((x, cuts))
    order = np.argsort(all_x, kind="stable")
    all_x, all_y = all_x[order], np.concatenate((y, np.interp(cuts, x, y)))[order]
    middles = (all_x[1:] + all_x[:-1]) / 2
    part = np.searchsorted(edges, np.mod(middles, period), side="right") - 1
    return all_x, all_y, (np.flatnonzero(part % 2 == 1) + 1).tolist()


def _ascii(line: Text) -> Text:
    line.plain = line.plain.translate({ord("│"): "|", ord("┤"): "+", ord("├"): "+"})
    return line


def _rgb(color: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(color.lstrip("#")[:6])
    return red, green, blue
