"""Draws metrics of runs as SVG or PNG with matplotlib."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from msgspec import Struct

import presets
from presets import UserError
from tui.commands.export.tables import columns
from tui.plots import matplotlib_figure, ticks
from tui.plots.lane_view import make_lanes
from tui.plots.matplotlib_figure import Kind
from tui.plots.plot_view import XKind
from tui.plots.smoothing import Average, Median, Smoother
from tui.plots.x_scale import Scale, scale_of
from tui.runs.points.series import Floats, Series
from tui.runs.state.store import RunState
from tui.text import clean, day_and_time

USUAL = ("train/loss", "val/loss", "train/accuracy", "val/accuracy")
X_LABELS: dict[XKind, str] = {
    "step": "step",
    "epoch": "epoch",
    "samples": "samples",
    "relative": "time since the start",
    "wall": "local time from",
}
MAX_PLOTS = 20
_PLOT_HEIGHT = 2.6
"""Height of each plot where there are several, in inches."""
_BINS = 2000
"""Stretches of a curve whose minimum and maximum are drawn; more than a picture has dots."""
_FEW = 30
"""Up to so many values are also drawn as points, since one alone is no line."""
_MAX_CROSSES = 200
_BEHIND = 0.3
"""Opacity of the raw values behind a smoothed curve."""
_SPLIT = re.compile("^(train|val|test)/")


class Style(Struct, frozen=True, kw_only=True):
    """The style in which all curves of a picture are drawn."""

    x: XKind = "step"
    log_y: bool = False
    smoother: Callable[[], Smoother] | None = None
    """Makes the smoother of one training curve; None for raw values."""


class _Curve(Struct, frozen=True, kw_only=True):
    metric: str
    series: Series
    scale: Scale
    label: str
    lane: int
    """Number of the curve, which decides its colour and dashes."""


def smoother(text: str) -> Callable[[], Smoother]:
    """The smoother that `ema 0.9` or `median 15` names; the number may be left out. Raises
    UserError."""
    kind, _, strength = text.strip().partition(" ")
    try:
        if kind == "ema" and 0 < (beta := float(strength or 0.9)) < 1:
            return partial(Average, beta)
        if kind == "median" and (size := int(strength or 15)) % 2 and 3 <= size < 10_000:
            return partial(Median, size)
    except ValueError:
        pass
    raise UserError(
        "--smooth: expected 'ema B' with 0 < B < 1 such as 'ema 0.9', or 'median N' with an odd N"
        f" >= 3 such as 'median 15', got {text!r}"
    )


def picture(states: Sequence[RunState], asked: Sequence[str], style: Style, kind: Kind) -> bytes:
    """A picture of these metrics of the runs, or of loss and accuracy if none are asked for.

    Equal runs give equal bytes. Raises UserError.
    """
    if not matplotlib_figure.installed():
        raise UserError(f"pictures: {matplotlib_figure.NEEDED}")
    plots = _plots(chosen(states, asked), several=len(states) > 1)
    if len(plots) > MAX_PLOTS:
        raise UserError(f"--metric: at most {MAX_PLOTS} plots in a picture, got {len(plots)}")
    curves = [_curves(states, metrics, style) for metrics in plots]
    with matplotlib_figure.drawing():
        height = matplotlib_figure.HEIGHT if len(plots) == 1 else 0.8 + _PLOT_HEIGHT * len(plots)
        figure = matplotlib_figure.figure(height)
        all_axes = figure.subplots(len(plots), sharex=True, squeeze=False)[:, 0]
        for axes, metrics, found in zip(all_axes, plots, curves, strict=True):
            _draw(axes, found, style)
            axes.set_ylabel(_quality(metrics))
            if len(metrics) > 1:
                axes.legend(fontsize="small")
        _finish_x(all_axes[-1], style.x)
        if len(states) > 1:
            _add_legend(figure, all_axes)
        else:
            figure.suptitle(clean(states[0].given_name or states[0].id, 80), fontsize="medium")
        return matplotlib_figure.encoded(figure, kind)


def chosen(states: Sequence[RunState], asked: Sequence[str]) -> list[str]:
    """The metrics to draw. Raises UserError, with the nearest names, for an unknown one."""
    names = dict.fromkeys(name for state in states for name in columns(state))
    known = [n for n in names if any(len(s.metrics[n]) for s in states if n in s.metrics)]
    for name in asked:
        if name not in known:
            raise UserError(presets.unknown("metric", name, known))
    found = list(dict.fromkeys(asked)) or [name for name in USUAL if name in known]
    if not found:
        others = f"--metric takes {', '.join(known)}" if known else "nothing else either"
        raise UserError(f"neither loss nor accuracy was recorded; {others}")
    return found


def _plots(metrics: list[str], *, several: bool) -> list[list[str]]:
    """The metrics of each plot. For one run, training, validation and test share a plot; for
    several, each metric has its own, so that colours tell the runs apart."""
    plots: dict[str, list[str]] = {}
    for metric in metrics:
        plots.setdefault(metric if several else _SPLIT.sub("", metric), []).append(metric)
    return list(plots.values())


def _quality(metrics: list[str]) -> str:
    return clean(metrics[0] if len(metrics) == 1 else _SPLIT.sub("", metrics[0]), 40)


def _curves(states: Sequence[RunState], metrics: list[str], style: Style) -> list[_Curve]:
    """The curves of one plot."""
    found = []
    for run, (state, label) in enumerate(zip(states, _labels(states), strict=True)):
        for place, metric in enumerate(metrics):
            series = state.metrics.get(metric)
            if series is None or not len(series):
                continue
            scale = scale_of(state, style.x)
            if scale is None:
                raise UserError(f"--x {style.x}: not known of {state.id}; --x step is")
            alone = len(states) == 1
            name, lane = (matplotlib_figure.entry(metric), place) if alone else (label, run)
            found.append(_Curve(metric=metric, series=series, scale=scale, label=name, lane=lane))
    return found


def _labels(states: Sequence[RunState]) -> list[str]:
    """The names of the runs in the legend, no two alike."""
    found = [matplotlib_figure.entry(lane.label) for lane in make_lanes(list(states), {})]
    count = Counter(found)
    return [
        f"{label} ({clean(state.id, 60)})" if count[label] > 1 else label
        for label, state in zip(found, states, strict=True)
    ]


def _draw(axes: Any, curves: list[_Curve], style: Style) -> None:
    if style.log_y:
        matplotlib_figure.logarithmic(axes, "y")
    for curve in curves:
        color, dashes = matplotlib_figure.style(curve.lane)
        x, y = _points(curve, curve.series, style)
        # Evaluations are means already.
        if style.smoother is not None and not curve.metric.startswith(("val/", "test/")):
            axes.plot(x, y, color=color, alpha=_BEHIND, linewidth=0.8)
            x, y = _points(curve, style.smoother().of(curve.series), style)
        marker = "." if len(x) <= _FEW else ""
        axes.plot(x, y, dashes, marker=marker, color=color, label=curve.label)
        if len(lost := curve.scale.to_x(curve.series.lost())):
            # On the lower edge, so that a divergence is seen.
            lost = lost[:: -(-len(lost) // _MAX_CROSSES)]
            edge, at_edge = np.zeros(len(lost)), axes.get_xaxis_transform()
            crosses = {"marker": "x", "linestyle": "none", "clip_on": False, "color": color}
            axes.plot(lost, edge, transform=at_edge, label=f"{curve.label}, not finite", **crosses)
    axes.grid(alpha=0.3)
    axes.margins(x=0.01)


def _points(curve: _Curve, series: Series, style: Style) -> tuple[Floats, Floats]:
    steps, y = series.window(series.point(0)[0], series.point(-1)[0], _BINS)
    if style.log_y:
        y = np.where(y > 0, y, np.nan)
    return curve.scale.to_x(steps), y


def _finish_x(axes: Any, kind: XKind) -> None:
    axes.set_xlabel(X_LABELS[kind])
    if kind not in ("relative", "wall"):
        return
    low, high = axes.get_xlim()
    if kind == "wall":
        axes.set_xlabel(f"{X_LABELS[kind]} {day_and_time(low)}")
    places = ticks.time_ticks(max(low, 0.0), high, 8, local=kind == "wall")
    texts = [ticks.clock_label(at, high - low) for at in places]
    axes.set_xticks(places, texts if kind == "wall" else [*map(ticks.span_label, places)])


def _add_legend(figure: Any, all_axes: Any) -> None:
    """Add one legend for all plots, above them."""
    entries: dict[str, Any] = {}
    for axes in all_axes:
        for line, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, line)
    figure.legend(
        [*entries.values()], [*entries], loc="outside upper left", fontsize="small", ncols=2
    )
