"""How the magnitudes in a layer are distributed, over the steps: a heat map."""

from collections.abc import Sequence

from rich.text import Text

from engine.runs.events import Histograms
from tui.panels.keys import Key, bindings
from tui.panels.panel import Panel
from tui.plots import heat
from tui.plots.lane_view import View
from tui.text import clean

_LABEL = 6


class DistributionPanel(Panel):
    """A heat map of magnitudes: a column a layer probe, the newest on the right; a row a power of
    ten; the shade is the share."""

    HEADING = "Magnitudes"
    KEYS = (
        Key(
            "w",
            "switch",
            "Gradient/weights",
            "on the layers: magnitudes of gradients, or of weights",
        ),
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._layer = ""
        self._of = "gradient"

    def choose(self, layer: str) -> None:
        """Show this layer."""
        self._layer = layer
        self._redraw()

    def action_switch(self) -> None:
        """Show gradients instead of weights, or the other way round."""
        self._of = "weight" if self._of == "gradient" else "gradient"
        self._redraw()

    def heading(self, view: View) -> Text:
        layer = clean(self._layer or self._first_layer(view))
        text = Text(f"|{self._of}| of {layer}" if layer else "")
        return text.append("  w: gradient or weights", style=self.color("plot-ink"))

    def body(self, view: View, width: int, height: int) -> Sequence[Text]:
        probes = list(view.focus.state.histograms.get(self._of, ()))
        layer = self._layer or self._first_layer(view)
        columns = [column for probe in probes if (column := _column(probe, layer))]
        canvas = width - _LABEL - 1
        if not columns or canvas < 4 or height < 3:
            return [Text(" no distribution was recorded yet")]
        columns = columns[-canvas:]
        low, high = probes[-1].low, probes[-1].high
        rows = height - 1
        binned = [_rebin(column, rows) for column in columns]
        lines = []
        every = max(1, round(rows / (high - low) * 2))
        for row in range(rows):
            power = high - (row + 0.5) / rows * (high - low)
            label = f"1e{round(power):+d}" if row % every == 0 else ""
            line = Text(label.rjust(_LABEL) + " ", style=self.color("plot-ink"))
            for shares in binned:
                line.append(*self._cell(shares[rows - 1 - row]))
            lines.append(line)
        first, last = probes[-len(columns)].step, probes[-1].step
        scale = f"step {last}"
        if len(columns) > len(f"step {first}  {last}"):
            scale = f"step {first}".ljust(len(columns) - len(str(last))) + str(last)
        return [*lines, Text(" " * (_LABEL + 1) + scale, style=self.color("plot-ink"))]

    def _cell(self, share: float) -> tuple[str, str]:
        character = heat.shade(3 * share, ascii_only=self.plain)
        return character, heat.warmth(3 * share, self.color("lane-1"), self.color("background"))

    def _first_layer(self, view: View) -> str:
        probe = view.focus.state.layers
        return probe.names[0] if probe is not None and probe.names else ""


def _column(probe: Histograms, layer: str) -> list[int]:
    """The counts of a layer in one layer probe; empty where it has none."""
    if layer not in probe.names or probe.names.index(layer) >= len(probe.counts):
        return []
    return probe.counts[probe.names.index(layer)]


def _rebin(counts: Sequence[int], rows: int) -> list[float]:
    """Shares of all counts in each of `rows` parts of the axis, smallest magnitudes first."""
    total = sum(counts) or 1
    shares = [0.0] * rows
    for index, count in enumerate(counts):
        shares[min(rows - 1, index * rows // len(counts))] += count / total
    return shares
