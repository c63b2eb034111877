"""Gradient norm and clipping of all lanes, one under the other over the same steps."""

from collections.abc import Sequence

import numpy as np
from rich.text import Text

from tui.panels.panel import Panel
from tui.plots import chart, heat
from tui.races.view import RaceView
from tui.runs.points.series import Floats
from tui.text import clean, column, cut, number

_NAME = 18


class RaceGradientsPanel(Panel[RaceView]):
    """A panel with two lines a lane, for seed 0: the largest norm in each interval of steps, on one
    logarithmic scale for all lanes, and the share of its steps that were clipped."""

    HEADING = "Gradient norm and clipping"

    def heading(self, view: RaceView) -> Text:
        low, high = self._scale(view)
        if not low < high:
            return Text()
        words = f"seed 0; norms from {number(low, 3)} to {number(high, 3)}, logarithmic"
        return Text(words, style=self.color("plot-ink"))

    def body(self, view: RaceView, width: int, height: int) -> Sequence[Text]:
        cells = max(1, width - _NAME - 12)
        lanes = [lane for lane in view.order if lane in view.drawn]
        at = lanes.index(view.selected) if view.selected in lanes else 0
        fit = max(1, height // 2)
        first = max(0, min(at, len(lanes) - fit))
        scale = self._scale(view)
        lines: list[Text] = []
        for lane in lanes[first : first + fit]:
            lines += self._lane(view, lane, cells, scale)
        return lines[:height] or [Text(" waiting for data", style=self.color("plot-ink"))]

    def _scale(self, view: RaceView) -> tuple[float, float]:
        """The smallest and largest norm of the lanes that are shown."""
        found = [view.news.lanes[lane].grad_norms for lane in view.drawn]
        norms = np.concatenate(found) if found else np.empty(0)
        norms = norms[np.isfinite(norms) & (norms > 0)]
        return (float(norms.min()), float(norms.max())) if len(norms) else (1.0, 1.0)

    def _lane(
        self, view: RaceView, lane: int, cells: int, scale: tuple[float, float]
    ) -> tuple[Text, Text]:
        news = view.news.lanes[lane]
        color = view.color(lane)
        selected = lane == view.selected
        name = cut(clean(news.label), _NAME - 2)
        norms = Text(">" if selected else " ", style="bold")
        norms.append(f"{column(name, _NAME - 1)}", style=f"bold {color}" if selected else color)
        norms.append(self._drawn(_stretches(news.grad_norms, cells, view), scale), style=color)
        last = news.grad_norms[-1] if len(news.grad_norms) else None
        norms.append(f" {number(last, 3):>9}", style=self.color("plot-ink"))
        clips = Text(" " * _NAME)
        share = float(news.clipped.mean()) if len(news.clipped) else 0.0
        shares = np.nan_to_num(_stretches(news.clipped, cells, view, mean=True))
        clips.append(chart.strip(shares, ascii_only=self.plain), style=self.color("warning"))
        clips.append(f" {share:>4.0%} clips", style=self.color("plot-ink"))
        return norms, clips

    def _drawn(self, norms: Floats, scale: tuple[float, float]) -> str:
        low, high = np.log10(scale)
        with np.errstate(all="ignore"):
            share = (np.log10(norms) - low) / ((high - low) or 1.0)
        heights = heat.heights(ascii_only=self.plain)
        most = len(heights) - 1
        levels = np.clip(1 + np.nan_to_num(share, nan=0.0, posinf=1.0) * (most - 1), 1, most)
        levels = np.where(np.isnan(norms), 0, levels).astype(int)
        return "".join(heights[level] for level in levels)


def _stretches(values: Floats, cells: int, view: RaceView, *, mean: bool = False) -> Floats:
    """The largest value, or the mean, in each of `cells` intervals of the race's steps; NaN for
    those to come. float64 (cells,)."""
    found = np.full(cells, np.nan)
    if not len(values):
        return found
    places = (np.arange(len(values)) * cells / max(view.news.spec.budget, len(values))).astype(int)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(places)) + 1))
    if mean:
        lengths = np.diff(np.append(starts, len(values)))
        found[places[starts]] = np.add.reduceat(values, starts) / lengths
    else:
        with np.errstate(invalid="ignore"):
            found[places[starts]] = np.fmax.reduceat(values, starts)
    return found
