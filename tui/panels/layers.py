"""A table of the layers: how large gradient and weights are, how fast they move, what is dead."""

import math
from collections.abc import Sequence

from rich.text import Text
from textual.message import Message

from engine.runs.events import Layers
from tui.panels.keys import MOVE, Key, bindings
from tui.panels.panel import Panel
from tui.plots.lane_view import View
from tui.text import clean, column, cut, number

BAND = (-3.5, -2.5)
"""Range of log10(update / weight) in which most layers learn well, near 1e-3."""
_EDGES = (-4.5, -1.5)
"""Bounds beyond which a layer hardly moves, or forgets what it knew."""
_GAUGE = (-6.0, 0.0, 15)
"""The ends of the gauge, and its cells."""
_COLUMNS = ("layer", "update_ratio", "grad_norm", "weight_norm", "dead")
_HEADS = {"update_ratio": "update", "grad_norm": "gradient", "weight_norm": "weights"}


class LayersPanel(Panel):
    """A table with a line a layer, from the input on or sorted by a column; one is selected."""

    HEADING = "Layers"
    KEYS = (
        *MOVE,
        Key("pagedown", "move(10)"),
        Key("pageup", "move(-10)"),
        Key("o", "order", "Order", "on the layers: sort by the next column", footer=True),
    )
    BINDINGS = bindings(KEYS)

    class Chosen(Message):
        """A layer was selected, by its name."""

        def __init__(self, layer: str) -> None:
            super().__init__()
            self.layer = layer

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._selected = ""
        self._column = 0
        self._first = 0

    def action_move(self, by: int) -> None:
        """Select another layer."""
        probe = self._probe
        if probe is None:
            return
        names = [probe.names[row] for row in self._rows(probe)]
        at = names.index(self._selected) if self._selected in names else 0
        self._select(names[max(0, min(len(names) - 1, at + by))])

    def action_order(self) -> None:
        """Sort by the next column."""
        self._column = (self._column + 1) % len(_COLUMNS)
        self._redraw()

    def on_click(self, event: object) -> None:
        """Select the layer under the mouse."""
        row = getattr(event, "y", 0) - 2 + self._first
        probe = self._probe
        if probe is not None and 0 <= row < len(probe.names):
            self._select(probe.names[self._rows(probe)[row]])

    def _select(self, name: str) -> None:
        self._selected = name
        self.post_message(self.Chosen(name))
        self._redraw()

    @property
    def _probe(self) -> Layers | None:
        return self._view.focus.state.layers if self._view is not None else None

    def heading(self, view: View) -> Text:
        probe = view.focus.state.layers
        if probe is None:
            return Text()
        sick = sum(health(value) == "error" for value in numbers(probe, "update_ratio"))
        text = Text(f"step {probe.step}  ")
        if sick:
            words = f"{sick} of {len(probe.names)} move too little or too much"
            text.append(f"{words}  ", style=self.color("error"))
        if self.size.width >= 70:
            text.append("update: log10(|update| / |weights|), good near -3", self.color("plot-ink"))
        return text

    def body(self, view: View, width: int, height: int) -> Sequence[Text]:
        probe = view.focus.state.layers
        if probe is None:
            return [_without(view)]
        rows = self._rows(probe)
        names = [probe.names[row] for row in rows]
        at = names.index(self._selected) if self._selected in names else 0
        shown = max(1, height - 1)
        self._first = max(0, min(self._first, at, len(rows) - shown), at - shown + 1)
        gauge = width >= 66
        name_width = max(6, width - 2 - 9 * 4 - (_GAUGE[2] + 2 if gauge else 0))
        places = range(self._first, min(len(rows), self._first + shown))
        return [
            self._head(name_width, gauge),
            *(self._row(probe, rows[place], place == at, name_width, gauge) for place in places),
        ]

    def _rows(self, probe: Layers) -> list[int]:
        """The rows of a layer probe in the order that is shown."""
        rows = list(range(len(probe.names)))
        if self._column == 0:
            return rows
        values = numbers(probe, _COLUMNS[self._column])
        return sorted(rows, key=lambda row: (math.isnan(values[row]), -values[row]))

    def _head(self, name_width: int, gauge: bool) -> Text:
        head = Text("  ", style=self.color("plot-ink"))
        for index, measured in enumerate(_COLUMNS):
            word = _HEADS.get(measured, measured) + ("v" if self._column == index and index else "")
            style = "bold" if self._column == index else ""
            head.append(word.ljust(name_width) if index == 0 else word.rjust(9), style=style)
            if measured == "update_ratio" and gauge:
                low, high, cells = _GAUGE
                head.append(f"  {low:g}".ljust(cells) + f"{high:g} ")
        return head

    def _row(self, probe: Layers, row: int, selected: bool, name_width: int, gauge: bool) -> Text:
        name = clean(probe.names[row])
        if row < len(probe.kinds):
            name = f"{name} {clean(probe.kinds[row], 20)}".strip()
        name = cut(name, name_width - 1, keep_end=True)
        line = Text("> " if selected else "  ", style="bold")
        line.append(column(name, name_width), style="bold" if selected else "")
        for measured in _COLUMNS[1:]:
            value = numbers(probe, measured)[row]
            if measured == "update_ratio":
                line.append(f"{value:9.2f}", style=self.color(health(value)))
                if gauge:
                    line.append("  ").append(self._gauge(value))
            elif measured == "dead":
                words = "-" if math.isnan(value) else f"{value:.0%}"
                line.append(words.rjust(9), style=self.color("error") if value > 0.5 else "")
            else:
                line.append(number(value, 3).rjust(9))
        return line

    def _gauge(self, value: float) -> Text:
        low, high, cells = _GAUGE
        text = Text()
        at = None
        if not math.isnan(value):
            at = round((max(low, min(high, value)) - low) / (high - low) * (cells - 1))
        for cell in range(cells):
            place = low + cell / (cells - 1) * (high - low)
            inside = BAND[0] - 0.2 <= place <= BAND[1] + 0.2
            if cell == at:
                text.append("o" if self.plain else "●", style=f"bold {self.color(health(value))}")
            else:
                dot = ("=" if inside else ".") if self.plain else ("━" if inside else "·")
                text.append(dot, style=self.color("success" if inside else "plot-ink"))
        return text


def health(ratio: float) -> str:
    """The theme variable that colours a log10(update / weight)."""
    if math.isnan(ratio):
        return "plot-ink"
    if not _EDGES[0] <= ratio <= _EDGES[1]:
        return "error"
    return "success" if BAND[0] <= ratio <= BAND[1] else "foreground"


def numbers(probe: Layers, column: str) -> list[float]:
    """One number a layer; NaN where a foreign log has none."""
    values = [float(value) for value in probe.values.get(column, [])][: len(probe.names)]
    return values + [math.nan] * (len(probe.names) - len(values))


def _without(view: View) -> Text:
    diagnostics = view.focus.state.config.get("diagnostics")
    if isinstance(diagnostics, dict) and diagnostics.get("every") == "off":
        return Text(" no layer probes: this run has diagnostics.every=off")
    waits = view.focus.state.active
    return Text(" waiting for the first layer probe" if waits else " no layer probe was recorded")
