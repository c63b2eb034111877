"""Curves of a metric over steps: of one run, or of several laid over each other."""

from collections.abc import Mapping, Sequence

from rich.text import Text

from tui import marks, plot
from tui.lanes import Lane, View
from tui.palette import blend
from tui.panels.panel import Panel
from tui.plot import Curve, Frame
from tui.series import Series, Smoothed
from tui.text import number

INHERITED = 0.45
"""How much of its own colour the curve of a fork's parent keeps."""


class CurvesPanel(Panel):
    """One metric, with its validation values where it has some.

    With one run, training and validation are two curves. With several, each run is one curve:
    of the training values, smoothed because their noise would hide the runs behind each other,
    or of the validation values. What is not noisy, such as the learning rate, stays as it is.
    The marks are those of the selected run; a fork begins with its parent's curve, faint.
    """

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
        """`more` are further metrics of a single run, with what the heading calls them; they are
        drawn where they were recorded."""
        super().__init__(id=id, heading=heading)
        self._train = train
        self._val = val
        self._more = dict(more or {})
        self._noisy = noisy
        self._drawn: tuple[object, ...] = ()
        self._lines: list[Text] = []
        """The picture of what was drawn last, since drawing is what a key waits for."""
        self._smoothed: dict[tuple[str, str, bool], Smoothed] = {}

    def metrics(self, view: View) -> tuple[str, str]:
        """The training metric and the validation metric, "" for none."""
        return self._train, self._val

    def heading(self, view: View) -> Text:
        text = Text()
        train, val = self.metrics(view)
        if view.several:
            if train and val:
                text.append("validation" if view.split == "val" else "training, smoothed")
            return text
        state = view.focus.state
        names = {train: "train " if val else "", val: "val "}
        names |= {metric: f"{name} " for metric, name in self._more.items()}
        for metric, index in self._drawn_metrics(view):
            if (value := state.last(metric)) is not None:
                sample = plot.line_sample(index, ascii_only=self.plain)
                text.append(f"{sample} ", style=self.color(f"lane-{index}"))
                text.append(f"{names[metric]}{number(value)}  ")
        return text

    def _drawn_metrics(self, view: View) -> list[tuple[str, int]]:
        """What is drawn of a single run, each with its line style."""
        metrics = [*self.metrics(view), *self._more]
        return [(metric, index) for index, metric in enumerate(metrics) if metric]

    def body(self, view: View, width: int, height: int) -> Sequence[Text]:
        return self.plot(view, self.frame(view, width, height))

    def plot(self, view: View, frame: Frame) -> list[Text]:
        """The curves, or words where there are none yet."""
        curves = self.curves(view)
        if not curves:
            words = "nothing was recorded" if not view.focus.state.active else "waiting for data"
            middle = Text(words, style=self.color("plot-ink"), justify="center")
            middle.align("center", frame.width)
            return [Text()] * (frame.height // 2) + [middle]
        threshold = self.threshold(view)
        # Series only grow: with the same ends, the picture is the same.
        ends = [(len(c.x), float(c.x[-1]), float(c.y[-1]), c.color, c.lane) for c in curves]
        drawn = (frame, threshold, ends)
        if drawn != self._drawn:
            self._drawn, self._lines = drawn, plot.draw(curves, frame, threshold)
        colors = {kind: self.color(name) for kind, name in marks.COLORS.items()}
        return marks.overlay(self._lines, view.focus.state.marks, frame, colors)

    def frame(self, view: View, width: int, height: int) -> Frame:
        """The size and look of the plot."""
        return Frame(
            width=width,
            height=height,
            x_limit=view.x_limit,
            ink=self.color("plot-ink"),
            ascii=self.plain,
        )

    def threshold(self, view: View) -> float | None:
        """A value to draw as a horizontal line."""
        return None

    def curves(self, view: View) -> list[Curve]:
        """What is drawn, the selected run last and so in front."""
        if view.several:
            order = sorted(view.lanes, key=lambda lane: lane is view.focus)
            metric = self._metric(view)
            return [curve for lane in order for curve in self._lane_curves(lane, metric)]
        state = view.focus.state
        found = []
        for metric, index in self._drawn_metrics(view):
            color = self.color(f"lane-{index}")
            if before := state.inherited.get(metric):
                found.append(_curve(before, self._faint(color), index))
            if metric in state.metrics:
                found.append(_curve(state.metrics[metric], color, index))
        return found

    def _metric(self, view: View) -> str:
        train, val = self.metrics(view)
        return val if (view.split == "val" and val) or not train else train

    def _lane_curves(self, lane: Lane, metric: str) -> list[Curve]:
        state = lane.state
        found = []
        for of, color in ((state.inherited, self._faint(lane.color)), (state.metrics, lane.color)):
            series = of.get(metric)
            if series is None or not len(series):
                continue
            if self._noisy and not metric.startswith("val/"):
                key = (state.id, metric, of is state.metrics)
                series = self._smoothed.setdefault(key, Smoothed()).of(series)
            found.append(_curve(series, color, lane.index))
        return found

    def _faint(self, color: str) -> str:
        return blend(color, self.color("background"), INHERITED)


def _curve(series: Series, color: str, lane: int) -> Curve:
    return Curve(x=series.steps, y=series.values, color=color, lane=lane)
