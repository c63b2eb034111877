"""The third page: what the model makes of single samples."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.widget import Widget

from tui.panels.confusion import ConfusionPanel
from tui.panels.panel_grid import COLUMNS, Cell
from tui.panels.samples.panel import SamplesPanel
from tui.plots.lane_view import View
from tui.screens.dashboard.pages.page import FlowPage

_MATRIX_LINES = 12
"""Height of the confusion matrix in lines: ten classes, their names and a title."""


class SamplesPage(FlowPage, can_focus=False):
    """The page of predictions or texts, with the confusion matrix where the task has one."""

    NAME = "Samples"
    ID = "samples-page"

    def __init__(self) -> None:
        super().__init__()
        self._confusion = ConfusionPanel(id="confusion")
        self._samples = SamplesPanel(id="samples")

    def compose(self) -> ComposeResult:
        yield self._confusion
        yield self._samples

    def first(self) -> SamplesPanel:
        return self._samples

    def show(self, view: View) -> None:
        super().show(view)
        state = view.focus.state
        other = state.started is not None and state.started.task != "classification"
        needed = state.confusion is not None or not other
        if needed != self._confusion.display:
            self._confusion.display = needed
            self.settle()

    def placed(self, width: int, height: int) -> Sequence[tuple[Widget, Cell]]:
        if not self._confusion.display:
            return [(self._samples, Cell(COLUMNS))]
        if self.narrow:
            return [(self._confusion, Cell(COLUMNS, _MATRIX_LINES)), (self._samples, Cell(COLUMNS))]
        return [(self._confusion, Cell(6)), (self._samples, Cell(6))]
