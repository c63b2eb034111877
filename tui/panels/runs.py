"""The runs of the dashboard: status, best, final and test values of each."""

from collections.abc import Sequence

from rich.text import Text

from tui.panels.progress import STATUS_COLORS
from tui.panels.rows import RowsPanel
from tui.plots.chart import line_sample
from tui.plots.lanes import Lane, View
from tui.text import clean, fixed

_COLUMNS = ("best", "final", "test")
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
        return Text("accuracy" if self._narrow else "accuracy on validation and test data")

    def show_figures(self, view: View) -> None:
        self.show(view)

    def body(self, view: View, width: int, height: int) -> Sequence[Text]:
        column = 6 if self._narrow else 8
        status_width = max(_STATUS_WIDTH, *(len(lane.state.status) for lane in view.lanes))
        name_width = max(4, width - column * len(_COLUMNS) - status_width - 6)
        head = Text(" " * (6 + name_width + status_width), style=self.color("plot-ink"))
        head.append("".join(name.rjust(column) for name in _COLUMNS))
        first = self.first_row(view, height)
        shown = view.lanes[first : first + max(1, height - 1)]
        return [head, *(self._row(view, lane, name_width, status_width, column) for lane in shown)]

    @property
    def _narrow(self) -> bool:
        return self.size.width < 60

    def _row(self, view: View, lane: Lane, name_width: int, status_width: int, column: int) -> Text:
        state = lane.state
        selected = view.several and lane is view.focus
        sample = line_sample(lane.index, ascii_only=self.plain)
        row = Text().append(">" if selected else " ", style="bold")
        row.append(sample if view.several else "   ", style=lane.color).append(" ")
        name = clean(lane.label)
        if len(name) > name_width:
            name = name[: name_width - 1] + "…"
        row.append(f"{name:<{name_width}} ", style="bold" if selected else "")
        status = state.status.ljust(status_width)
        row.append(status, style=self.color(STATUS_COLORS[state.status]))
        best = state.best("val/accuracy")
        cells = (best[1] if best else None, state.last("val/accuracy"), state.last("test/accuracy"))
        return row.append(
            "".join(fixed(value, column - 4 + (column < 8)).rjust(column) for value in cells)
        )
