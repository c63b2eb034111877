"""Draw curves as text: pure functions of data, size and colours; the only user of plotext."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotext
from rich.text import Text

from tui.series import Floats, thin

LABEL_WIDTH = 6
"""Columns for the numbers on the left; constant, so that the canvas never moves."""
_SHADES = " ▁▂▃▄▅▆▇█"
_ASCII_SHADES = " .:-=+*#%@"
_LINE_SAMPLES = ("───", "╌╌╌", "···", "─·─")
_ASCII_MARKERS = "*o+x#@%&"
_DASHES: tuple[tuple[float, ...], ...] = ((), (5, 3), (1, 3), (6, 3, 1, 3))
"""Lengths of what is drawn and left out in turn, in dots of the canvas."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line of a plot: finite or non-finite values over steps, both float64 (n,)."""

    x: Floats
    y: Floats
    color: str
    """As #rrggbb."""
    lane: int = 0
    """Which line style and, in ASCII, which letter it has."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The size and the look of a plot."""

    width: int
    height: int
    """In terminal cells, axes included."""
    x_limit: float
    """The right end of the x axis, which begins at 0."""
    ink: str
    """Colour of the axes, as #rrggbb."""
    ascii: bool = False
    baseline: float | None = 0.0
    """A value that is always within the y axis, or None."""

    @property
    def canvas_width(self) -> int:
        """Columns between the left axis and the right edge."""
        return max(0, self.width - LABEL_WIDTH - 1)


def line_sample(lane: int, *, ascii_only: bool) -> str:
    """Three columns that show the style of a lane's line, for a legend."""
    if ascii_only:
        return _ASCII_MARKERS[lane % len(_ASCII_MARKERS)] * 3
    return _LINE_SAMPLES[lane % len(_LINE_SAMPLES)]


def draw(curves: Sequence[Curve], frame: Frame, threshold: float | None = None) -> list[Text]:
    """Exactly `frame.height` lines of exactly `frame.width` cells.

    `threshold` is drawn as a horizontal line of the axes' colour.
    """
    if frame.canvas_width < 8 or frame.height < 3:
        return [Text(" " * frame.width) for _ in range(frame.height)]
    finite = [_finite(curve) for curve in curves]
    low, high, ticks = _y_axis(finite, frame, threshold)
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
    if threshold is not None:
        _draw_curve(figure, _level(threshold, frame), frame)
    for curve in finite:
        if len(curve.x):
            _draw_curve(figure, curve, frame)
    # plotext paints axes on white unless it is given another background; ours is the panel's.
    text = Text.from_ansi(figure.build().string().replace("\x1b[48;5;15m", ""))
    lines = list(text.split("\n", allow_blank=True))[: frame.height]
    return [_ascii(line) if frame.ascii else line for line in lines]


def clip_strip(steps: Floats, clipped: Floats, frame: Frame, color: str) -> Text:
    """One line under a plot: for each column the share of its steps whose gradient was clipped.

    Whatever is over zero leaves at least the smallest mark, so no event is lost.
    """
    if frame.canvas_width < 8:
        return Text(" " * frame.width)
    shades = _ASCII_SHADES if frame.ascii else _SHADES
    columns = np.minimum(steps / frame.x_limit * frame.canvas_width, frame.canvas_width - 1)
    columns = columns.astype(np.intp)
    total = np.bincount(columns, minlength=frame.canvas_width)
    events = np.bincount(columns, weights=clipped > 0, minlength=frame.canvas_width)
    share = np.divide(events, total, out=np.zeros(len(events)), where=total > 0)
    levels = np.ceil(share * (len(shades) - 1)).astype(int)
    label = Text("clips".rjust(LABEL_WIDTH) + " ", style=frame.ink)
    return label.append("".join(shades[level] for level in levels), style=color)


def nice_ticks(low: float, high: float, most: int) -> list[float]:
    """At most about `most` round numbers from `low` or below it to `high` or above it."""
    span = (high - low) or abs(high) or 1.0
    # Below this, float64 could not tell the ticks apart.
    span = max(span, 1e-8 * max(abs(low), abs(high)), 1e-99)
    rough = span / max(1, most)
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(
        (factor * magnitude for factor in (1, 2, 2.5, 5) if factor * magnitude >= rough * 0.999),
        10 * magnitude,
    )
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{index * step:.12g}") for index in range(first, max(last, first + 1) + 1)]


def compact(value: float) -> str:
    """A number in at most six columns, as exact as they allow: 400, 12.5k, 0.05, .00125, 1e-6."""
    for digits in (4, 3, 2, 1):
        text = _rounded(value, digits)
        for shorter in (text, text.replace("0.", ".", 1) if abs(value) < 1 else text):
            if len(shorter) <= LABEL_WIDTH:
                return shorter
    return "0"  # below 1e-99, and negative


def _rounded(value: float, digits: int) -> str:
    given, value = value, float(f"{value:.{digits}g}")
    size = abs(value)  # infinite where the largest floats were rounded up
    for limit, divisor, suffix in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if limit <= size < 1e12:
            return f"{value / divisor:.12g}{suffix}"
    if size and (size < 1e-3 or size >= 1e12):
        mantissa, _, exponent = f"{given:.{digits - 1}e}".partition("e")
        short = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{short}e{int(exponent)}"
    return f"{value:.12g}"


def _finite(curve: Curve) -> Curve:
    known = np.isfinite(curve.y)
    # Beyond this, differences of float64 overflow; such a curve has diverged anyway.
    known &= np.abs(curve.y, where=known, out=np.full(len(curve.y), np.inf)) < 1e150
    return Curve(x=curve.x[known], y=curve.y[known], color=curve.color, lane=curve.lane)


def _y_axis(
    curves: Sequence[Curve], frame: Frame, threshold: float | None
) -> tuple[float, float, list[float]]:
    values = [bound for c in curves if len(c.y) for bound in (float(c.y.min()), float(c.y.max()))]
    values += [value for value in (threshold, frame.baseline) if value is not None]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if low == high:
        low, high = (low, low + (abs(low) or 1.0)) if low == frame.baseline else (low, low)
    ticks = nice_ticks(low, high, min(5, max(2, (frame.height - 1) // 3)))
    return ticks[0], ticks[-1], ticks


def _tick_labels(ticks: list[float]) -> list[str]:
    return [compact(tick)[:LABEL_WIDTH].rjust(LABEL_WIDTH) for tick in ticks]


def _level(value: float, frame: Frame) -> Curve:
    ends = np.array([0.0, frame.x_limit])
    return Curve(x=ends, y=np.full(2, value), color=frame.ink, lane=1)


def _draw_curve(figure: object, curve: Curve, frame: Frame) -> None:
    dots = frame.canvas_width * (1 if frame.ascii else 2)
    filled = max(1, math.ceil(dots * min(1.0, float(curve.x[-1]) / frame.x_limit)))
    x, y = thin(curve.x, curve.y, filled)
    dash = () if frame.ascii else _DASHES[curve.lane % len(_DASHES)]
    gaps: list[int] = []
    if dash and len(x) > 1:
        x, y, gaps = _dashed(x, y, dash, frame.x_limit / dots)
    symbol = _ASCII_MARKERS[curve.lane % len(_ASCII_MARKERS)] if frame.ascii else "braille"
    marker = plotext.marker(symbol, plotext.pixel(foreground=_rgb(curve.color)))
    signal = plotext.figure.signal(x.tolist(), y.tolist(), marker=marker).lines().density("full")
    for index in gaps:
        signal.line(index, False)
    plotext.figure.draw(signal)


def _dashed(
    x: Floats, y: Floats, dash: tuple[float, ...], dot: float
) -> tuple[Floats, Floats, list[int]]:
    """Points added at the ends of the dashes, and the indices whose segment is left out."""
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
