"""How the magnitudes in a layer are distributed, over the steps: a heat map."""

from collections.abc import Sequence

from rich.text import Text

from engine.runs.events import Histograms
from tui.panels.keys import Key, bindings
from tui.panels.panel import Panel
from tui.plots import heat
from tui.plots.lanes import View
from tui.text import clean

_LABEL = 6


class DistributionPanel(Panel):
    """Columns are looks, the newest on the right; rows are powers of ten; shade is the share."""

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
        looks = list(view.focus.state.histograms.get(self._of, ()))
        layer = self._layer or self._first_layer(view)
        columns = [column for look in looks if (column := _column(look, layer))]
        canvas = width - _LABEL - 1
        if not columns or canvas < 4 or height < 3:
            return [Text(" no distribution was recorded yet")]
        columns = columns[-canvas:]
        low, high = looks[-1].low, looks[-1].high
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
        first, last = looks[-len(columns)].step, looks[-1].step
        scale = f"step {last}"
        if len(columns) > len(f"step {first}  {last}"):
            scale = f"step {first}".ljust(len(columns) - len(str(last))) + str(last)
        return [*lines, Text(" " * (_LABEL + 1) + scale, style=self.color("plot-ink"))]

    def _cell(self, share: float) -> tuple[str, str]:
        character = heat.shade(3 * share, ascii_only=self.plain)
        return character, heat.warmth(3 * share, self.color("lane-1"), self.color("background"))

    def _first_layer(self, view: View) -> str:
        look = view.focus.state.layers
        return look.names[0] if look is not None and look.names else ""


def _column(look: Histograms, layer: str) -> list[int]:
    """The counts of a layer at one look; empty where it has none."""
    if layer not in look.names or look.names.index(layer) >= len(look.counts):
        return []
    return look.counts[look.names.index(layer)]


def _rebin(counts: Sequence[int], rows: int) -> list[float]:
    """Shares of all counts in `rows` stretches of the axis, from the smallest magnitudes on."""
    total = sum(counts) or 1
    shares = [0.0] * rows
    for index, count in enumerate(counts):
        shares[min(rows - 1, index * rows // len(counts))] += count / total
    return shares
