"""Curves of a metric over steps: of one run, or of several laid over each other."""

from collections.abc import Sequence

from rich.text import Text

from tui import plot
from tui.lanes import Lane, View
from tui.panels.panel import Panel
from tui.plot import Curve, Frame
from tui.series import Series, Smoothed
from tui.text import number


class CurvesPanel(Panel):
    """One metric, with its validation values where it has some.

    With one run, training and validation are two curves. With several, each run is one curve:
    of the training values, smoothed because their noise would hide the runs behind each other,
    or of the validation values. What is not noisy, such as the learning rate, stays as it is.
    """

    def __init__(
        self, *, id: str, heading: str, train: str, val: str = "", noisy: bool = True
    ) -> None:
        super().__init__(id=id, heading=heading)
        self._train = train
        self._val = val
        self._noisy = noisy
        self._drawn: tuple[object, ...] = ()
        self._lines: list[Text] = []
        """The picture of what was drawn last, since drawing is what a key waits for."""
        self._smoothed: dict[tuple[str, str], Smoothed] = {}

    def heading(self, view: View) -> Text:
        text = Text()
        if view.several:
            if self._val:
                text.append("validation" if view.split == "val" else "training, smoothed")
            return text
        state = view.focus.state
        for metric, index in ((self._train, 0), (self._val, 1)):
            if metric and (value := state.last(metric)) is not None:
                sample = plot.line_sample(index, ascii_only=self.plain)
                text.append(f"{sample} ", style=self.color(f"lane-{index}"))
                split = metric.partition("/")[0] + " " if self._val else ""
                text.append(f"{split}{number(value)}  ")
        return text

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
        return self._lines

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
            return [curve for lane in order if (curve := self._lane_curve(lane, metric))]
        metrics = state_metrics = view.focus.state.metrics
        return [
            Curve(
                x=state_metrics[metric].steps,
                y=state_metrics[metric].values,
                color=self.color(f"lane-{index}"),
                lane=index,
            )
            for index, metric in ((0, self._train), (1, self._val))
            if metric in metrics
        ]

    def _metric(self, view: View) -> str:
        return self._val if view.split == "val" and self._val else self._train

    def _lane_curve(self, lane: Lane, metric: str) -> Curve | None:
        series = lane.state.metrics.get(metric)
        if series is None or not len(series):
            return None
        if self._noisy and metric == self._train:
            series = self._smooth(lane, metric, series)
        return Curve(x=series.steps, y=series.values, color=lane.color, lane=lane.index)

    def _smooth(self, lane: Lane, metric: str, series: Series) -> Series:
        return self._smoothed.setdefault((lane.state.id, metric), Smoothed()).of(series)
