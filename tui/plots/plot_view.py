"""The view of plots: axes, the window that is shown, smoothing and crosshair; pure."""

import math
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

XKind = Literal["step", "epoch", "samples", "relative", "wall"]
Smoothing = Literal["auto", "none", "ema", "median"]
Markers = Literal["braille", "block", "ascii"]

X_NAMES: dict[XKind, str] = {
    "step": "step",
    "epoch": "epoch",
    "samples": "sample",
    "relative": "time",
    "wall": "clock",
}
"""Names of the axes in at most six columns."""
MARKERS: tuple[Markers, ...] = ("braille", "block", "ascii")
BETAS = (0.7, 0.9, 0.98)
MEDIANS = (5, 15, 51)
"""Strengths of exponential averages and of medians, from light to strong."""
_SMOOTHINGS: tuple[Smoothing, ...] = ("none", "ema", "median")
_LEAST_UNITS = 4.0
"""Minimum width of a window, in steps."""


class Extent(Struct, frozen=True, kw_only=True):
    """The extent of the data on the x axis, in its unit."""

    low: float
    high: float
    """The right end when everything is shown, often beyond what was recorded."""
    newest: float
    """The position of the newest record."""
    unit: float = 1.0
    """The width of about one step."""


class PlotView(Struct, frozen=True, kw_only=True):
    """The view of all plots; positions are in the unit of the x axis."""

    x: XKind = "step"
    log_x: bool = False
    log_y: bool = False
    window: tuple[float, float] | None = None
    """The ends of the part that is shown; None for everything."""
    follow: bool = False
    """Whether the window moves on with the newest values."""
    smoothing: Smoothing = "auto"
    """`auto` smooths the noisy curves of several runs, and nothing else."""
    strength: int = 1
    """Index of BETAS and MEDIANS."""
    robust: bool = True
    """Whether outliers are marked at the edge instead of widening the y axis."""
    markers: Markers = "braille"
    crosshair: float | None = None


def shown(view: PlotView, extent: Extent) -> tuple[float, float]:
    """The ends of the x axis, low < high."""
    low, high = view.window or (extent.low, extent.high)
    if view.window is not None and view.follow:
        # In leaps of a tenth: a plot that moves with every step would be sent anew every time.
        width = high - low
        leap = width / 10
        high = min(math.ceil(extent.newest / leap - 1e-9) * leap, extent.high)
        low = max(extent.low, high - width)
        high = low + width
    if logarithmic(view):
        low = max(low, _lowest(extent))
    return low, high if high > low else low + extent.unit


def logarithmic(view: PlotView) -> bool:
    """Whether the x axis is logarithmic; a time of day never is."""
    return view.log_x and view.x != "wall"


def zoom(view: PlotView, factor: float, extent: Extent, at: float | None = None) -> PlotView:
    """Show `factor` times as much on the x axis, with `at` staying in its place. That is by default
    the newest value while it is followed, else the crosshair where it is shown, else the middle of
    the recorded part that is shown."""
    low, high = _ends(view, extent)
    newest = _to(view, extent.newest, extent)
    if at is None and newest < low:  # to where there is something
        return _window(view, newest - (high - low) * factor, newest, extent)
    fixed = (low + min(newest, high)) / 2
    if at is not None:
        fixed = _to(view, at, extent)
    elif view.crosshair is not None and low <= (there := _to(view, view.crosshair, extent)) <= high:
        fixed = there
    if view.follow and view.window is not None:
        fixed = high
    fixed = min(max(fixed, low), high)
    return _window(view, fixed - (fixed - low) * factor, fixed + (high - fixed) * factor, extent)


def pan(view: PlotView, share: float, extent: Extent) -> PlotView:
    """Move the window by a share of its width; it then stays where it is."""
    if view.window is None:
        return view
    low, high = _ends(view, extent)
    by = share * (high - low)
    return _window(replace(view, follow=False), low + by, high + by, extent)


def all_again(view: PlotView) -> PlotView:
    """Show everything, from the beginning to the planned end."""
    return replace(view, window=None, follow=False)


def recent(view: PlotView, extent: Extent) -> PlotView:
    """Show and follow only the newest fifth, or everything again."""
    if view.window is not None and view.follow:
        return all_again(view)
    width = round_up(max((extent.newest - extent.low) / 5, 10 * extent.unit))
    if width >= extent.high - extent.low:  # so short, or so new, that all of it is recent
        return all_again(view)
    return replace(view, window=(extent.newest - width, extent.newest), follow=True)


def toggle_follow(view: PlotView, extent: Extent) -> PlotView:
    """Let the window move with the newest values, or stay where it is."""
    if view.window is None:
        return recent(view, extent)
    if view.follow:
        return replace(view, window=shown(view, extent), follow=False)
    return replace(view, follow=True)


def move(view: PlotView, share: float, extent: Extent) -> PlotView:
    """Move the crosshair by a share of the axis, at least a step, and the window along. It first
    appears at the newest value that is shown."""
    if view.crosshair is None:
        low, high = shown(view, extent)
        return place(view, min(max(extent.newest, low), high), extent)
    low, high = _ends(view, extent)
    x = _from(view, _to(view, view.crosshair, extent) + share * (high - low))
    if abs(x - view.crosshair) < extent.unit:
        x = view.crosshair + math.copysign(extent.unit, share)
    return place(view, x, extent)


def place(view: PlotView, x: float, extent: Extent) -> PlotView:
    """Put the crosshair at a position; a window moves until it contains it."""
    x = min(max(x, extent.low), max(extent.newest, extent.low))
    view = replace(view, crosshair=x)
    low, high = _ends(view, extent)
    at = _to(view, x, extent)
    if view.window is None or low <= at <= high:
        return view
    by = at - low if at < low else at - high
    return _window(replace(view, follow=False), low + by, high + by, extent)


def next_smoothing(view: PlotView, *, several: bool) -> PlotView:
    """The next kind of smoothing; `several` says whether there are several runs."""
    now = view.smoothing
    if now == "auto":
        now = "ema" if several else "none"
    index = _SMOOTHINGS.index(now) + 1
    return replace(view, smoothing=_SMOOTHINGS[index % len(_SMOOTHINGS)])


def next_strength(view: PlotView) -> PlotView:
    """Stronger, after the strongest the lightest; where nothing is smoothed, an average."""
    if view.smoothing in ("auto", "none"):
        return replace(view, smoothing="ema")
    return replace(view, strength=(view.strength + 1) % len(BETAS))


def smoothing_name(view: PlotView) -> str:
    """The smoothing in words, for a heading; "" without."""
    strength = min(max(view.strength, 0), len(BETAS) - 1)
    match view.smoothing:
        case "ema":
            return f"EMA {BETAS[strength]:g}"
        case "median":
            return f"median {MEDIANS[strength]}"
        case _:
            return ""


def summary(view: PlotView, room: int = 200) -> str:
    """What differs from the usual view, in a few words; as many as there is room for."""
    words = []
    if view.x != "step" or view.log_x:
        words.append(f"{'log ' if view.log_x else ''}{X_NAMES[view.x]}")
    if view.log_y:
        words.append("log y")
    if view.smoothing != "auto":
        words.append(smoothing_name(view) or "not smoothed")
    if not view.robust:
        words.append("full y")
    if view.window is not None:
        words.append("follows" if view.follow else "zoomed")
    text = ", ".join(words)
    while len(text) > room and len(words) > 1:
        words.pop()
        text = ", ".join([*words, "…"])
    return text if len(text) <= room else text[: max(0, room - 1)] + "…" * (room > 0)


def _window(view: PlotView, a: float, b: float, extent: Extent) -> PlotView:
    """The view of a window between two positions on the drawn axis, cut to the data."""
    first, last = _to(view, extent.low, extent), _to(view, extent.high, extent)
    if b - a >= (last - first) * (1 - 1e-9):
        return all_again(view)
    width = b - a
    a = min(max(a, first), last - width)
    low, high = _from(view, a), _from(view, a + width)
    least = min(_LEAST_UNITS * extent.unit, extent.high - extent.low)
    if high - low < least:
        low = min(max((low + high - least) / 2, extent.low), extent.high - least)
        high = low + least
    return replace(view, window=(low, high))


def _ends(view: PlotView, extent: Extent) -> tuple[float, float]:
    low, high = shown(view, extent)
    return _to(view, low, extent), _to(view, high, extent)


def _lowest(extent: Extent) -> float:
    """The smallest position that a logarithmic axis shows: the first step."""
    return max(extent.low, min(extent.unit, extent.high / 2))


def _to(view: PlotView, x: float, extent: Extent) -> float:
    """A position on the drawn axis."""
    return math.log10(max(x, _lowest(extent))) if logarithmic(view) else x


def _from(view: PlotView, position: float) -> float:
    return 10.0**position if logarithmic(view) else position


def round_up(value: float) -> float:
    """The value rounded up to 1, 2 or 5 times a power of ten."""
    magnitude = 10.0 ** math.floor(math.log10(value))
    return next(f * magnitude for f in (1, 2, 5, 10) if f * magnitude >= value * (1 - 1e-9))
