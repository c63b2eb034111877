"""The lanes of a race as curves: their median over seeds, with the quartiles around it."""

from collections.abc import Sequence

import numpy as np
from rich.segment import Segment
from rich.text import Text

from tui.panels.legend import legend
from tui.panels.panel import Panel
from tui.panels.race import tuning
from tui.plots import chart
from tui.plots.axes import Axes
from tui.plots.chart import Curve
from tui.plots.palette import blend
from tui.plots.picture import Picture
from tui.plots.ticks import LABEL_WIDTH
from tui.races import drawn_metric
from tui.races.view import RaceView
from tui.runs.points.series import Floats
from tui.text import clean, number

BAND = 0.45
"""Share of its own colour that the band of a lane keeps."""
_UNIT_WORDS = {"steps": "steps", "samples": "samples", "seconds": "training seconds"}


class RacePlotPanel(Panel[RaceView]):
    """A plot of the race's metric over steps, samples or training seconds."""

    HEADING = "Race"

    def title(self, view: RaceView) -> str:
        return drawn_metric.name(view.news.spec.metric, log_y=view.log_y)

    def heading(self, view: RaceView) -> Text:
        text = Text(f"over {_UNIT_WORDS[view.unit]}, median", style=self.color("plot-ink"))
        if view.bands != "none":
            text.append(" and quartiles" if view.bands == "all" else ", quartiles of the selected")
        if (goal := view.news.goal) is not None:
            text.append(f"  goal {goal.op} {number(goal.value)}", style=self.color("warning"))
        return text

    def body(self, view: RaceView, width: int, height: int) -> Sequence[Text | list[Segment]]:
        curves = [curve for lane in view.drawn for curve in self._curves(view, lane)]
        if not curves and view.news.spec.num_trials and not view.hidden:
            return tuning.lines(view, width, height, ink=self.color("plot-ink"))
        if not curves:
            words = "all lanes are hidden; h shows the selected one" if view.hidden else "waiting"
            return [Text(), Text(f" {words}", style=self.color("plot-ink"))]
        axes = Axes(
            width=width,
            height=height,
            low=0.0,
            high=self._end(view),
            ink=self.color("plot-ink"),
            log_y=view.log_y,
            markers="ascii" if self.plain else "braille",
            baseline=None,
        )
        goal = view.news.goal
        threshold = None
        if goal is not None and goal.metric == view.news.spec.metric:
            threshold = float(self._drawn(view, np.array([goal.value]))[0])
        if view.log_y and threshold is not None and threshold <= 0:
            threshold = None
        return list(chart.draw(curves, axes, threshold).lines())

    def _drawn(self, view: RaceView, values: Floats) -> Floats:
        return drawn_metric.drawn(values, view.news.spec.metric, log_y=view.log_y)

    def _curves(self, view: RaceView, lane: int) -> list[Curve]:
        news, color = view.news.lanes[lane], view.color(lane)
        x = news.x[view.unit]
        if not len(x):
            return []
        found = [Curve(x=x, y=self._drawn(view, news.median), color=color, lane=lane)]
        if view.bands == "all" or (view.bands == "selected" and lane == view.selected):
            faint = blend(color, self.color("background"), BAND)
            ends = (self._drawn(view, end) for end in (news.low, news.high))
            found = [Curve(x=x, y=y, color=faint, lane=2, behind=True) for y in ends] + found
        return found

    def _end(self, view: RaceView) -> float:
        """The end of the x axis: the planned one if it is known, so that the plot does not move."""
        ends = [float(lane.x[view.unit][-1]) for lane in view.news.lanes if len(lane.x["steps"])]
        if view.unit == "steps":
            return float(view.news.spec.budget)
        return max([1e-3, *ends])


class SensitivityPanel(Panel[RaceView]):
    """A plot of each lane's best value over its learning rate, as the trials found it."""

    HEADING = "Learning-rate sensitivity"

    def title(self, view: RaceView) -> str:
        return f"best {clean(view.news.spec.metric)} of each trial"

    def heading(self, view: RaceView) -> Text:
        lane = view.lane
        if lane.tuned_lr is None or lane.lr is None:
            return Text("over its learning rate", style=self.color("plot-ink"))
        words = f"{clean(lane.label, 24)}: * best {lane.tuned_lr:.3g}, p preset {lane.lr:.3g}"
        return Text(words, style=view.color(view.selected))

    def body(self, view: RaceView, width: int, height: int) -> Sequence[Text | list[Segment]]:
        curves, marks = [], []
        for lane in view.drawn:
            points = [(lr, best) for lr, best in view.news.lanes[lane].trials if np.isfinite(best)]
            if points:
                x, y = np.array(points).T
                curves.append(Curve(x=x, y=y, color=view.color(lane), lane=lane))
                marks.append(lane)
        if not curves:
            if view.news.spec.num_trials:
                return tuning.lines(view, width, height, ink=self.color("plot-ink"))
            words = (
                "tier quick tunes nothing; a race of tier fair or rigorous shows how each lane"
                " depends on its learning rate"
            )
            said = Text(words, style=self.color("plot-ink"))
            return [Text(), *said.wrap(self.app.console, max(1, width - 1))]
        lanes = ((lane, view.news.lanes[lane].label, view.color(lane)) for lane in sorted(marks))
        named = legend(lanes, width, max(1, height // 6), plain=self.plain)
        if any(len(lane.trials) < lane.num_trials for lane in view.news.lanes):
            tried = tuning.lines(view, width, max(1, height // 3), ink=self.color("plot-ink"))
            named = [*tried, *named]
        height -= len(named) + 1
        ends = [float(end) for curve in curves for end in (curve.x[0], curve.x[-1])]
        low, high = min(ends), max(ends)
        axes = Axes(
            width=width,
            height=height,
            low=low,
            high=high if high > low else 10 * low,
            ink=self.color("plot-ink"),
            log_x=True,
            markers="ascii" if self.plain else "braille",
            baseline=None,
        )
        picture = chart.draw(curves, axes)
        for lane in marks:
            self._mark(picture, axes, view, lane)
        picture.write(height - 1, 0, " " * LABEL_WIDTH, axes.ink)  # no steps
        under = Text("learning rate", style=axes.ink, justify="center")
        under.align("center", width)
        return [*named, *picture.lines(), under]

    def _mark(self, picture: Picture, axes: Axes, view: RaceView, lane: int) -> None:
        """A letter on the top row at the preset's learning rate, and one at the tuned one."""
        news = view.news.lanes[lane]
        for lr, letter in ((news.lr, "p"), (news.tuned_lr, "*")):
            column = axes.column(lr) if lr is not None else None
            if column is not None and (lane == view.selected or letter == "*"):
                picture.write(0, column, letter, f"bold {view.color(lane)}")
