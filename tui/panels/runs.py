"""The runs of the dashboard: status, and the values of the metric that each is judged by."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.text import Text

from tui.panels.progress import STATUS_COLORS
from tui.panels.rows import RowsPanel
from tui.plots.chart import line_sample
from tui.plots.lane_view import Lane, View
from tui.text import cells, clean, fixed, number
from tui.text import column as in_cells

_COLUMNS = ("best", "final", "test")
_METRIC_WIDTH = 16
"""Greatest width of the name of a row's metric, in cells."""
_STATUS_WIDTH = 8
"""Least width of the status, in cells; the longer `unreachable` takes some of the name's."""


class RunsPanel(RowsPanel[View]):
    """A table of the runs; progress, configuration and log are about the selected one."""

    HEADING = "Runs"

    def number_of_rows(self, view: View) -> int:
        return len(view.lanes)

    def selected_row(self, view: View) -> int:
        return view.selected

    def heading(self, view: View) -> Text:
        metrics = list(dict.fromkeys(_judged(lane) for lane in view.lanes))
        known = [clean(metric, 40) for metric in metrics if metric]
        if not known:
            return Text("no metric yet")
        words = known[0] if len(known) == 1 else f"by {', '.join(known)}"
        return Text(words if self._narrow or len(known) > 1 else f"{words}, and of the test set")

    def show_figures(self, view: View) -> None:
        self.show(view)

    def body(self, view: View, width: int, height: int) -> Sequence[Text]:
        widths = self._widths(view, width)
        head = Text(" " * (6 + widths.name + widths.status), style=self.color("plot-ink"))
        head.append("metric".rjust(widths.metric)[: widths.metric])
        head.append("".join(name.rjust(widths.value) for name in _COLUMNS[: widths.values]))
        first = self.first_row(view, height)
        shown = view.lanes[first : first + max(1, height - 1)]
        return [head, *(self._row(view, lane, widths) for lane in shown)]

    def _widths(self, view: View, width: int) -> "_Widths":
        """The columns; where runs are judged by several metrics, each row names its own, for which
        a narrow panel leaves out the test value."""
        value = 6 if self._narrow else 8
        metrics = {_judged(lane) for lane in view.lanes} - {""}
        metric = 0
        if len(metrics) > 1:
            longest = max(cells(self._named(each)) for each in metrics)
            metric = min(longest, _METRIC_WIDTH - 8 * self._narrow) + 1
        values = len(_COLUMNS) - (self._narrow and metric > 0)
        status = max(_STATUS_WIDTH, *(len(lane.state.status) for lane in view.lanes))
        name = max(4, width - value * values - metric - status - 6)
        return _Widths(name, status, metric, value, values)

    def _named(self, metric: str) -> str:
        """The metric's name; without its split where there is little room."""
        return clean(metric.rpartition("/")[2] if self._narrow else metric)

    @property
    def _narrow(self) -> bool:
        return self.size.width < 60

    def _row(self, view: View, lane: Lane, widths: "_Widths") -> Text:
        state = lane.state
        selected = view.several and lane is view.focus
        sample = line_sample(lane.index, ascii_only=self.plain)
        row = Text().append(">" if selected else " ", style="bold")
        row.append(sample if view.several else "   ", style=lane.color).append(" ")
        name = in_cells(clean(lane.label), widths.name)
        row.append(f"{name} ", style="bold" if selected else "")
        status = state.status.ljust(widths.status)
        row.append(status, style=self.color(STATUS_COLORS[state.status]))
        metric = _judged(lane)
        if widths.metric:
            row.append(" " + in_cells(self._named(metric), widths.metric - 1, right=True))
        best = state.best(metric)
        test = f"test/{metric.partition('/')[2]}"
        values = (best[1] if best else None, state.last(metric), state.last(test))
        return row.append("".join(_figure(v, widths.value) for v in values[: widths.values]))


class _Widths(NamedTuple):
    """The widths of the table's columns, in cells."""

    name: int
    status: int
    metric: int
    """0 where all runs are judged by the same one."""
    value: int
    values: int
    """How many of the columns with values are shown."""


def _judged(lane: Lane) -> str:
    return lane.state.judged_by


def _figure(value: float | None, width: int) -> str:
    """A value in a column with a blank before it; in fewer digits where it would not fit."""
    fitting = (fixed(value, decimals) for decimals in range(width - 4 + (width < 8), -1, -1))
    short = next((text for text in fitting if len(text) < width), number(value, 3))
    return in_cells(short, width - 1, right=True).rjust(width)
