"""The layers of two lanes side by side."""

import math
from collections.abc import Sequence

from rich.text import Text

from engine.runs.events import Layers
from tui.panels.layers import health, numbers
from tui.panels.panel import Panel
from tui.races.view import RaceView
from tui.text import clean, column, cut, number

_COLUMNS = (("update_ratio", "update"), ("grad_norm", "gradient"), ("dead", "dead"))
_CELL = 9


class RaceLayersPanel(Panel[RaceView]):
    """A panel of the newest layer probes of two lanes, for seed 0: log10(update / weight), gradient
    norm, dead units."""

    HEADING = "Layers"

    def heading(self, view: RaceView) -> Text:
        if len(view.news.lanes) < 2:
            return Text()
        return Text("b puts another lane beside the selected one", style=self.color("plot-ink"))

    def body(self, view: RaceView, width: int, height: int) -> Sequence[Text]:
        pair = [view.selected, view.beside] if len(view.news.lanes) > 1 else [view.selected]
        probes = [view.news.lanes[lane].layers for lane in pair]
        names = next((probe.names for probe in probes if probe is not None), None)
        if names is None:
            return [Text(" no layer probe yet", style=self.color("plot-ink"))]
        of_lane = _CELL * len(_COLUMNS) + 2
        name_width = max(8, width - of_lane * len(pair) - 1)
        head = Text(" " * (name_width + 1))
        second = Text(" " + "layer".ljust(name_width), style=self.color("plot-ink"))
        for lane, probe in zip(pair, probes, strict=True):
            step = f", step {probe.step}" if probe is not None else ""
            words = clean(f"{view.news.lanes[lane].label}{step}", of_lane - 2)
            head.append(f"  {column(words, of_lane - 2)}", style=f"bold {view.color(lane)}")
            second.append("  " + "".join(word.rjust(_CELL) for _, word in _COLUMNS))
        rows = [self._row(names[row], row, probes, name_width) for row in range(len(names))]
        return [head, second, *rows][:height]

    def _row(self, name: str, row: int, probes: list[Layers | None], name_width: int) -> Text:
        shown = cut(clean(name), name_width - 1, keep_end=True)
        line = Text(f" {column(shown, name_width)}")
        for probe in probes:
            line.append("  ")
            for measured, _ in _COLUMNS:
                values = numbers(probe, measured) if probe is not None else []
                value = values[row] if row < len(values) else math.nan
                line.append(_text(measured, value).rjust(_CELL), style=self._style(measured, value))
        return line

    def _style(self, column: str, value: float) -> str:
        if column == "update_ratio":
            return self.color(health(value))
        return self.color("error") if column == "dead" and value > 0.5 else ""


def _text(column: str, value: float) -> str:
    if math.isnan(value):
        return "-"
    if column == "update_ratio":
        return f"{value:.2f}"
    return f"{value:.0%}" if column == "dead" else number(value, 3)
