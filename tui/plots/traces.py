"""The curves of a plot: metrics of runs, raw or smoothed, cut to what is shown; pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from tui.plots.axes import Axes
from tui.plots.chart import Curve
from tui.plots.plot_view import BETAS, MEDIANS, PlotView
from tui.plots.raster import DOTS
from tui.plots.smoothing import Average, Median, Smoother
from tui.plots.x_scale import scale_of
from tui.runs.points.series import Floats, Series
from tui.runs.state.store import RunState

BINS_PER_COLUMN = 2
"""Number of stretches of a series for each column of dots, so that each contains a whole one."""


@dataclass(frozen=True)
class Trace:
    """A curve of a plot: a metric of a run."""

    state: RunState
    metric: str
    lane: int
    """Index of the line style."""
    label: str
    """Its name in a list of values."""
    color: str
    inherited: bool = False
    """Whether it shows the values of a fork's ancestors."""
    smooth: str = ""
    """`ema` or `median`; "" for the raw values."""
    behind: bool = False

    @property
    def raw(self) -> Series | None:
        """The series as it was recorded."""
        of = self.state.inherited if self.inherited else self.state.metrics
        return of.get(self.metric)

    @property
    def source(self) -> tuple[str, str, bool]:
        return self.state.id, self.metric, self.inherited


@dataclass
class Traces:
    """A store of what stays the same in the curves from one drawing to the next."""

    _smoothers: dict[tuple[object, ...], Smoother] = field(default_factory=dict)
    _windows: dict[tuple[object, ...], tuple[Floats, Floats]] = field(default_factory=dict)
    _lost: dict[tuple[str, str, bool], tuple[int, int, Floats]] = field(default_factory=dict)

    def series(self, trace: Trace, plots: PlotView) -> Series | None:
        """The series that is drawn for a trace."""
        raw = trace.raw
        if raw is None or not len(raw) or not trace.smooth:
            return raw if raw is not None and len(raw) else None
        key = (*trace.source, trace.smooth, plots.strength)
        if key not in self._smoothers:
            strength = min(max(plots.strength, 0), len(BETAS) - 1)
            made: Smoother = Average(BETAS[strength])
            if trace.smooth == "median":
                made = Median(MEDIANS[strength])
            self._smoothers[key] = made
        return self._smoothers[key].of(raw)

    def key(self, trace: Trace, plots: PlotView) -> tuple[object, ...]:
        """A key that changes when the curve of a trace does, since series only grow or are cut."""
        raw, scale = trace.raw, scale_of(trace.state, plots.x)
        grown = (len(raw), raw.cuts) if raw is not None else ()
        style = (trace.color, trace.lane, trace.smooth, plots.strength, trace.behind)
        return (*trace.source, grown, style, scale.key if scale else None)

    def curves(self, traces: Sequence[Trace], axes: Axes, plots: PlotView) -> list[Curve]:
        """The traces within the axes as curves, thinned to the number of dots."""
        kept: dict[tuple[object, ...], tuple[Floats, Floats]] = {}
        ends = (axes.low, axes.high, axes.log_x, axes.canvas_width, axes.markers)
        found = []
        for trace in traces:
            key = (self.key(trace, plots), ends)
            window = self._windows.get(key)
            if window is None:
                window = self._window(trace, axes, plots)
            kept[key] = window
            x, y = window
            if len(x):
                found.append(
                    Curve(x=x, y=y, color=trace.color, lane=trace.lane, behind=trace.behind)
                )
        self._windows = kept
        return found

    def lost(self, trace: Trace) -> Floats:
        """The steps at which a trace has no finite value; only new points are examined."""
        raw = trace.raw
        if raw is None:
            return np.empty(0)
        seen, cuts, steps = self._lost.get(trace.source, (0, raw.cuts, np.empty(0)))
        if cuts != raw.cuts:
            seen, steps = 0, np.empty(0)
        if seen < len(raw):
            steps = np.concatenate((steps, raw.lost(seen)))
            self._lost[trace.source] = len(raw), raw.cuts, steps
        return steps

    def _window(self, trace: Trace, axes: Axes, plots: PlotView) -> tuple[Floats, Floats]:
        series, scale = self.series(trace, plots), scale_of(trace.state, plots.x)
        if series is None or scale is None or (trace.inherited and scale.seconds is not None):
            return np.empty(0), np.empty(0)  # the times of a fork's parent are not known
        columns = axes.canvas_width * DOTS[axes.markers].across
        borders = np.array([axes.low, axes.high])
        if axes.log_x:  # to each part its share of points, or the left would have too few
            borders = np.geomspace(axes.low, axes.high, 9)
        bins = max(1, BINS_PER_COLUMN * columns // (len(borders) - 1))
        steps = scale.to_step(borders)
        parts = [series.window(float(low), float(high), bins) for low, high in pairwise(steps)]
        x, y = (np.concatenate(column) for column in zip(*parts, strict=True))
        if len(parts) > 1:  # each brought its neighbours
            order = np.argsort(x, kind="stable")
            x, y = x[order], y[order]
            fresh = (np.diff(x, prepend=-np.inf) > 0) | (np.diff(y, prepend=np.nan) != 0)
            x, y = x[fresh], y[fresh]
        return scale.to_x(x), y


def step_at(state: RunState, plots: PlotView) -> int | None:
    """The step of a run at the crosshair; None if the axis does not know the run."""
    scale = scale_of(state, plots.x)
    if scale is None or plots.crosshair is None:
        return None
    step = float(scale.to_step(np.array([plots.crosshair]))[0])
    return math.floor(step + 1e-6 * max(1.0, step))  # float64 made of 7 / 40 * 40 is below 7


def value_at(series: Series | None, step: int | None) -> tuple[int, float] | None:
    """The newest recorded step up to this one, and its value; None before the first."""
    if series is None or step is None:
        return None
    index = series.index_after(step) - 1
    if index < 0:
        return None
    at, value = series.point(index)
    return int(at), value


def nearest_step(state: RunState, plots: PlotView, x: float) -> float | None:
    """The position of the recorded step of a run that is next to a position; None if the axis
    does not know the run."""
    scale, steps = scale_of(state, plots.x), state.seconds.steps
    if scale is None or not len(steps):
        return None
    step = float(scale.to_step(np.array([x]))[0])
    index = int(np.searchsorted(steps, step))
    near = steps[max(0, index - 1) : index + 1]
    nearest = near[[np.argmin(np.abs(near - step))]]
    return float(scale.to_x(nearest)[0])
