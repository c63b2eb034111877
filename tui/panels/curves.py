"""Curves of a metric: of one run, or of several laid over each other."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from rich.segment import Segment
from rich.text import Text
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.message import Message

from tui.panels.legend import legend
from tui.panels.panel import Panel
from tui.plots import chart, crosshair, mark_places, marks, readout, x_scale
from tui.plots.axes import Axes
from tui.plots.chart import Curve, line_sample
from tui.plots.lane_view import Lane, View
from tui.plots.marks import Placed
from tui.plots.palette import blend
from tui.plots.picture import Picture
from tui.plots.plot_view import logarithmic, shown, smoothing_name
from tui.plots.readout import Value
from tui.plots.reference_lines import Level
from tui.plots.ticks import LABEL_WIDTH
from tui.plots.traces import Trace, Traces
from tui.text import clean, number

NOISY = ("train/", "grad_norm", "clip/")
"""What the names of metrics begin with that are noisy, since they are of every step."""
INHERITED = 0.45
"""Share of its own colour that the curve of a fork's parent keeps."""
RAW = 0.4
"""Share of their colour that the raw values behind a smoothed curve keep."""
_SHORTER = ((4, "train"), (3, "train"), (3, "tr"), (3, ""), (2, ""))
"""Digits of the values in a title, and the word before the training value; the first pair that
fits is taken."""
_MOST_LEVELS = 8
NOTHING_HERE = "nothing here; 0 shows all"
"""Said where the visible part of the axis has no curve."""


class Drawn(NamedTuple):
    """A picture of curves, and what it was made from."""

    key: object
    axes: Axes
    picture: Picture


class CurvesPanel(Panel):
    """A panel of one metric, with its validation values if there are any.

    With one run, training and validation are two curves. With several, each run is one curve:
    of the training values, smoothed because their noise would hide the runs behind each other,
    or of the validation values. What is not noisy, such as the learning rate, stays as it is.
    Behind the smoothed curve of the selected run are its raw values. The marks are its, too; a
    fork begins with its parent's curve, faint.
    """

    SHOWS_PLOTS = True

    class Pointed(Message):
        """A person clicked on a place of the x axis, or turned the wheel there."""

        def __init__(self, x: float, zoom: float | None) -> None:
            super().__init__()
            self.x = x
            self.zoom = zoom
            """The factor by which more is to be shown than now; None for a click."""

    def __init__(
        self,
        *,
        id: str,
        heading: str = "",
        train: str = "",
        val: str = "",
        more: Mapping[str, str] | None = None,
        noisy: bool = True,
    ) -> None:
        """`more` are further metrics of a single run, by the words that the heading has for them;
        they are drawn if they were recorded."""
        super().__init__(id=id, heading=heading)
        self._train = train
        self._val = val
        self._more = dict(more or {})
        self._noisy = noisy
        self.legend = False
        """Whether the title line names the runs, where no list of them is beside."""
        self._traces = Traces()
        self._drawn: Drawn | None = None
        """What was drawn last: kept, because drawing takes most of the time that a key waits."""

    def metrics(self, view: View) -> tuple[str, str]:
        """The training metric and the validation metric, "" for none."""
        return self._train, self._val

    def more(self, view: View) -> Mapping[str, str]:
        """Further metrics of a single run, by the words that the heading has for them."""
        return self._more

    def heading(self, view: View) -> Text:
        if view.plots.crosshair is not None:
            return self._crosshair_heading(view)
        if view.several:
            return self._legend(view) if self.legend else Text(self._what(view))
        room = self.size.width - len(self.title(view)) - 4
        shown = [t for t in self.traces(view) if not t.behind and not t.inherited]
        text = Text()
        for digits, train in _SHORTER:
            text = self._values(shown, digits, train)
            if text.cell_len - 2 <= room:
                break
        if text.cell_len > room:  # of blanks
            text.rstrip()
        return text

    def _legend(self, view: View) -> Text:
        """Which curves are shown, and the runs by their lines, as many as there is room for."""
        what = Text(self._what(view))
        lanes = ((lane.index, lane.label, lane.color) for lane in view.lanes)
        room = self.size.width - len(self.title(view)) - what.cell_len - 5
        (line,) = legend(lanes, max(1, room), 1, plain=self.plain)
        return what.append_text(line)

    def _values(self, traces: Sequence[Trace], digits: int, train: str) -> Text:
        """The newest values, with this number of digits; means where they are noisy."""
        text = Text()
        for trace in traces:
            label = train if trace.label == "train" else trace.label
            value = number(self._newest(trace), digits)
            text.append(f"{self._sample(trace)} ", style=trace.color)
            text.append(f"{label} {value}  ".lstrip())
        return text

    def _newest(self, trace: Trace) -> float | None:
        """The newest value, of a noisy metric the mean of its last steps."""
        noisy = self._noisy and trace.metric.startswith(NOISY)
        return (trace.state.recent if noisy else trace.state.last)(trace.metric)

    def _what(self, view: View) -> str:
        """Which curves of several runs are shown."""
        train, val = self.metrics(view)
        metric = self._metric(view)
        words = []
        if train and val:
            words.append("validation" if metric == val else "training")
        if self._smoothing(view, metric) and (words or view.plots.smoothing != "auto"):
            words.append(smoothing_name(view.plots) or "smoothed")
        return ", ".join(words)

    def _drawn_metrics(self, view: View) -> list[tuple[str, int]]:
        """The metrics of a single run that are drawn, each with its line style."""
        metrics = [*self.metrics(view), *self.more(view)]
        return [(metric, index) for index, metric in enumerate(metrics) if metric]

    def body(self, view: View, width: int, height: int) -> Sequence[Text | list[Segment]]:
        return self.plot(view, self.axes(view, width, height))

    def plot(self, view: View, axes: Axes) -> list[Text | list[Segment]]:
        """The curves with everything over them, or words where there are none yet."""
        found = self.traces(view)
        base = self._base(view, axes, found)
        if base is None:
            words = "nothing was recorded" if not view.focus.state.active else "waiting for data"
            middle = Text(words, style=self.color("plot-ink"), justify="center")
            middle.align("center", axes.width)
            return [*[Text()] * (axes.height // 2), middle]
        picture = base.copy()
        self._add_epochs(picture, view, axes)
        placed = mark_places.marks_of(view, axes, found, self._traces)
        colors = {kind: self.color(name) for kind, name in marks.COLORS.items()}
        marks.overlay(picture, placed, axes, colors)
        self._add_crosshair(picture, view, axes, placed)
        return list(picture.lines())

    def axes(self, view: View, width: int, height: int) -> Axes:
        """The size and style of the plot."""
        plots = view.plots
        low, high = shown(plots, x_scale.extent(view))
        return Axes(
            width=width,
            height=height,
            low=low,
            high=high,
            ink=self.color("plot-ink"),
            kind=plots.x,
            log_x=logarithmic(plots),
            log_y=plots.log_y,
            markers="ascii" if self.plain else plots.markers,
            robust=plots.robust,
            # A zoomed curve is not pressed together by a zero far below it.
            baseline=0.0 if plots.window is None else None,
        )

    def threshold(self, view: View) -> float | None:
        """A value to draw as a horizontal line."""
        return None

    def levels(self, view: View) -> tuple[Level, ...]:
        """What trivial means reach of the metric, by the selected run's task: whoever looks sees
        whether the model beats them."""
        drawn = {metric.partition("/")[2] or metric for metric in self.metrics(view) if metric}
        found = [each for each in view.focus.state.references if each.metric in drawn]
        return tuple(
            Level(float(each.value), f"{clean(each.name, 24)} {number(float(each.value), 3)}")
            for each in found[:_MOST_LEVELS]
        )

    def traces(self, view: View) -> list[Trace]:
        """What is drawn, the selected run last and so in front."""
        if view.several:
            metric = self._metric(view)
            order = sorted(view.lanes, key=lambda lane: lane is view.focus)
            return [t for lane in order for t in self._of_lane(lane, metric, view)]
        lane = view.focus
        names = self._names(view)
        found = []
        for metric, index in self._drawn_metrics(view):
            color = self.color(f"lane-{index}")
            own = Lane(lane.state, names[metric], index, color)
            found += self._of_lane(own, metric, view)
        return found

    def _names(self, view: View) -> dict[str, str]:
        train, val = self.metrics(view)
        return {train: "train" if val else "", val: "val"} | dict(self.more(view))

    def _of_lane(self, lane: Lane, metric: str, view: View) -> list[Trace]:
        smooth = self._smoothing(view, metric)
        color, made = lane.color, partial(Trace, lane.state, metric, lane.index, lane.label)
        found = []
        if metric in lane.state.inherited:
            faint = self._faint(color, INHERITED)
            found.append(made(faint, smooth=smooth, inherited=True))
        if metric in lane.state.metrics:
            if smooth and lane.state is view.focus.state:
                found.append(made(self._faint(color, RAW), behind=True))
            found.append(made(color, smooth=smooth))
        return found

    def _smoothing(self, view: View, metric: str) -> str:
        """`ema`, `median`, or "" for raw values."""
        kind = view.plots.smoothing
        if not self._noisy or kind == "none":
            return ""
        if kind == "auto":
            return "ema" if view.several and not metric.startswith("val/") else ""
        return kind

    def _metric(self, view: View) -> str:
        train, val = self.metrics(view)
        return val if (view.split == "val" and val) or not train else train

    def _faint(self, color: str, share: float) -> str:
        return blend(color, self.color("background"), share)

    def _sample(self, trace: Trace) -> str:
        return line_sample(trace.lane, ascii_only=self.plain)

    def _base(self, view: View, axes: Axes, found: list[Trace]) -> Picture | None:
        """The curves alone; None where there are none."""
        keys = tuple(self._traces.key(trace, view.plots) for trace in found)
        levels = self.levels(view)
        key = (axes, self.threshold(view), levels, keys)
        if self._drawn is None or self._drawn.key != key:
            if not any(trace.raw for trace in found):
                return None
            curves = self._traces.curves(found, axes, view.plots)
            picture = chart.draw(curves, axes, self.threshold(view), levels)
            if view.plots.window is not None and axes.fits:
                _say_if_empty(picture, curves, axes)
            self._drawn = Drawn(key, axes, picture)
        return self._drawn.picture

    def _add_epochs(self, picture: Picture, view: View, axes: Axes) -> None:
        state = view.focus.state
        scale = x_scale.scale_of(state, view.plots.x)
        if scale is not None and state.started is not None:
            marks.epochs(picture, x_scale.epoch_borders(state, scale, axes), axes)

    def _add_crosshair(
        self, picture: Picture, view: View, axes: Axes, placed: list[Placed]
    ) -> None:
        at = view.plots.crosshair
        column = axes.column(at) if at is not None and axes.fits else None
        if column is None:
            return
        marks.crosshair(picture, column, axes, self.color("foreground"))
        words = [mark.text for mark in marks.marks_at(placed, column, axes)]
        values = crosshair.values(view, self.traces(view), self._traces, plain=self.plain)
        if self._inline(view, values):
            values = []
        readout.draw(picture, values, words, axes, column)

    def _inline(self, view: View, values: list[Value]) -> bool:
        """Whether the title line has room for the values."""
        taken = len(self.title(view)) + len(crosshair.where(view)) + 6
        return not view.several and readout.width_of(values) + taken <= self.size.width

    def _crosshair_heading(self, view: View) -> Text:
        text = Text(f"{crosshair.where(view)}  ", style="bold")
        values = (
            []
            if view.several
            else crosshair.values(view, self.traces(view), self._traces, plain=self.plain)
        )
        if self._inline(view, values):
            for value in values:
                text.append(f"{value.sample} ", style=value.color)
                text.append(f"{value.text}  ", style="not bold")
        return text

    def on_click(self, event: Click) -> None:
        """Put the crosshair where the click was."""
        self._point(event.x, event.y, None)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Zoom in on what is under the pointer."""
        self._point(event.x, event.y, 1 / 1.5)
        event.stop()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Zoom out around what is under the pointer."""
        self._point(event.x, event.y, 1.5)
        event.stop()

    def _point(self, column: int, row: int, zoom: float | None) -> None:
        if self._drawn is None or row < 1 or column <= LABEL_WIDTH:
            return
        x = self._drawn.axes.x_at(np.array([column - LABEL_WIDTH - 0.5]))
        self.post_message(self.Pointed(float(x[0]), zoom))


def _say_if_empty(picture: Picture, curves: Sequence[Curve], axes: Axes) -> None:
    if any(curve.x[0] <= axes.high and curve.x[-1] >= axes.low for curve in curves):
        return
    words = NOTHING_HERE[: axes.canvas_width]
    column = LABEL_WIDTH + 1 + (axes.canvas_width - len(words)) // 2
    picture.write((axes.canvas_height - 1) // 2, column, words, axes.ink)
