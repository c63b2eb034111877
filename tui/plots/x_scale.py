"""Convert steps to what the x axis counts, and back: steps, epochs, samples or time; pure."""

import math
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace

from tui.plots.axes import Axes
from tui.plots.lane_view import View
from tui.plots.plot_view import Extent, PlotView, XKind, round_up
from tui.runs.points.series import Floats, Series
from tui.runs.state.store import ClockPiece, RunState

_MUCH = 0.1
"""Share of a plan below which the axis ends before it, or all curves would be a few columns."""
_LEAST_STEPS = 10
KINDS: tuple[XKind, ...] = ("step", "epoch", "samples", "relative", "wall")


@dataclass(frozen=True)
class Scale:
    """The relation between the steps of one run and positions on the axis. What is recorded at a
    step, such as an evaluation, lies at the time of that step."""

    factor: float = 1.0
    """Positions per step, where that is the same for each step."""
    seconds: Series | None = None
    """Seconds by step, for axes of time."""
    clock: tuple[ClockPiece, ...] = ()
    """Pieces of the run's clock, for the time of day."""

    def to_x(self, steps: Floats) -> Floats:
        """Positions, float64 (n,), of steps that never fall."""
        if self.seconds is None:
            return steps * self.factor
        x = np.interp(steps, self.seconds.steps, self.seconds.values)
        if self.clock:
            borders = [piece.step for piece in self.clock[1:]]
            zeros = np.array([piece.zero for piece in self.clock])
            x = x + zeros[np.searchsorted(borders, steps, side="left")]
        return np.maximum.accumulate(x) if len(x) else x  # a foreign log may have times that fall

    def to_step(self, x: Floats) -> Floats:
        """Steps, float64 (n,), perhaps between two whole ones."""
        if self.seconds is None:
            return x / self.factor
        if not self.clock:
            return np.interp(x, self.seconds.values, self.seconds.steps)
        steps = np.full(len(x), self.seconds.point(0)[0])
        for piece, following in zip(self.clock, (*self.clock[1:], None), strict=True):
            found = np.interp(x - piece.zero, self.seconds.values, self.seconds.steps)
            if following is not None:
                found = np.minimum(found, following.step)
            steps = np.maximum(steps, np.maximum(found, piece.step) * (x >= piece.zero))
        return steps

    @property
    def key(self) -> tuple[object, ...]:
        """A key that changes when the same steps may have other positions."""
        times = self.seconds
        return self.factor, self.clock, (len(times), times.cuts) if times is not None else ()


def scale_of(state: RunState, kind: XKind) -> Scale | None:
    """The scale of a run; None where the run lacks what the axis counts."""
    match kind:
        case "step":
            return Scale()
        case "epoch":
            per_epoch = state.started.steps_per_epoch if state.started else None
            return Scale(1 / per_epoch) if per_epoch else None
        case "samples":
            size = batch_size(state)
            return Scale(float(size)) if size else None
        case "relative":
            return Scale(seconds=state.seconds) if len(state.seconds) else None
        case "wall":
            known = len(state.seconds) and state.clock
            return Scale(seconds=state.seconds, clock=tuple(state.clock)) if known else None


def batch_size(state: RunState) -> int | None:
    """Number of samples per step."""
    size = state.config.get("batch_size")
    if size == "full" and state.started is not None:
        size = state.started.samples.get("train")
    return size if isinstance(size, int) and not isinstance(size, bool) and size > 0 else None


def kinds_of(view: View) -> list[XKind]:
    """The axes that all begun runs have."""
    begun = [lane.state for lane in view.lanes if lane.state.started is not None]
    return [k for k in KINDS if k == "step" or (begun and all(scale_of(s, k) for s in begun))]


def extent(view: View) -> Extent:
    """The extent of the data of all runs."""
    kind = view.plots.x
    scales = [(lane.state, scale) for lane in view.lanes if (scale := scale_of(lane.state, kind))]
    if kind in ("relative", "wall") or not scales:
        return _time_extent([(state, scale) for state, scale in scales if len(state.seconds)])
    highest = max(_end(state, scale.factor) for state, scale in scales)
    newest = max(scale.factor * state.step for state, scale in scales)
    unit = min(scale.factor for _, scale in scales)
    return Extent(low=0.0, high=highest, newest=newest, unit=unit)


def _end(state: RunState, factor: float) -> float:
    """Where the axis of a run ends: at its planned end; while little of the plan is done, and after
    the run ended, at a round number above what is done, which seldom moves."""
    planned, done = state.planned_steps or 0, max(state.step, 1)
    if planned <= done or (state.active and done >= _MUCH * planned):
        return factor * max(planned, done)
    return min(round_up(factor * max(done, _LEAST_STEPS)), factor * planned)


def _time_extent(scales: list[tuple[RunState, Scale]]) -> Extent:
    if not scales:
        return Extent(low=0.0, high=1.0, newest=0.0)
    ends = [
        scale.to_x(np.array([state.seconds.point(0)[0], state.seconds.point(-1)[0]]))
        for state, scale in scales
    ]
    low = min(float(first) for first, _ in ends) if scales[0][1].clock else 0.0
    newest = max(float(last) for _, last in ends)
    # While a run goes on, its end moves in leaps: a plot that moves all the time is sent anew.
    width = newest - low
    if any(state.active for state, _ in scales) and width > 0:
        width = round_up(width)
    unit = min(float(b - a) / len(s.seconds) for (a, b), (s, _) in zip(ends, scales, strict=True))
    width = max(width, 1e-3)
    return Extent(low=low, high=low + width, newest=newest, unit=min(max(unit, 1e-6), width / 4))


def epoch_borders(state: RunState, scale: Scale, axes: Axes) -> Floats:
    """Positions where epochs end; only every 2nd, 5th, ... if there is no room for all."""
    per_epoch = state.started.steps_per_epoch if state.started else None
    first, last = scale.to_step(np.array([axes.low, axes.high])).tolist()
    if scale.seconds is not None:
        last = min(last, float(state.step))  # when the others will end is not known
    if not per_epoch or last <= first:
        return np.empty(0)
    most = max(1, axes.canvas_width // 4)
    every = per_epoch * round_up(max(1.0, (last - first) / per_epoch / most))
    begin = math.floor(first / every) + 1
    return scale.to_x(np.arange(begin, math.floor(last / every) + 1) * every)


def shares(events: Series, scale: Scale, axes: Axes) -> Floats:
    """For each column of the canvas the share of its steps with an event, 0 to 1."""
    columns = axes.canvas_width
    if not len(events):
        return np.zeros(columns)
    x = axes.x_at(np.arange(columns + 1.0))
    borders = scale.to_step(x)
    first, last = scale.to_x(np.array([events.point(0)[0], events.point(-1)[0]]))
    borders[x <= first], borders[x > last] = -np.inf, np.inf  # times end at both ends of a run
    at = np.array([events.index_before(border) for border in borders.tolist()])
    total, count = np.diff(at), np.diff(events.positive(at))
    found: Floats = np.divide(count, total, out=np.zeros(columns), where=total > 0)
    return np.minimum(found, 1.0)


def converted(view: View, kind: XKind) -> PlotView:
    """The same window and crosshair on another axis, by the selected run's scale."""
    plots, state = view.plots, view.focus.state
    old, new = scale_of(state, plots.x), scale_of(state, kind)
    if old is None or new is None:
        return replace(plots, x=kind, window=None, follow=False, crosshair=None)

    def moved(x: float) -> float:
        return float(new.to_x(old.to_step(np.array([x])))[0])

    window = plots.window
    if window is not None:
        ends = moved(window[0]), moved(window[1])
        window = ends if ends[1] > ends[0] else None
    at = plots.crosshair
    return replace(
        plots,
        x=kind,
        window=window,
        follow=plots.follow and window is not None,
        crosshair=None if at is None else moved(at),
    )
