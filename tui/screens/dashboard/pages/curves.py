"""The first page: the panels that a person chose, in the order and of the widths they chose."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.widget import Widget

from tui.choices.kept import small_files
from tui.panels import chosen_panels as layout
from tui.panels.chosen_panels import METRIC, Arrangement, Layout, Placed
from tui.panels.curves import CurvesPanel
from tui.panels.known import PANELS, Known, known
from tui.panels.layer_distribution import DistributionPanel
from tui.panels.layers import LayersPanel
from tui.panels.panel import Panel
from tui.panels.panel_grid import COLUMNS, Cell
from tui.plots.lane_view import View
from tui.screens.dashboard.pages.page import FlowPage

SUBJECT = "layout"
"""The name under which the layout is remembered."""
_LIST_LINES, _NARROW_LIST_LINES = 11, 5
_SHORT = 36
"""Lines of a narrow terminal below which the curves of many runs are shown one plot at a time."""
_MANY = 3
"""Runs from which on their curves need the width of the terminal."""


class CurvesPage(FlowPage, can_focus=False):
    """The page that a person arranges; a metric that no run has keeps its place, but no room."""

    NAME = "Curves"
    ID = "panels"

    def __init__(self) -> None:
        super().__init__()
        self._layout = small_files.load(SUBJECT, Layout)
        self._made: dict[str, Panel] = {}
        self._metrics: frozenset[str] = frozenset()
        self._lanes = 1
        self._turned = 0
        """Which of the plots is shown where they are shown one at a time."""

    def compose(self) -> ComposeResult:
        for placed in self.arrangement:
            if placed.panel in PANELS:
                yield self._make(placed.panel)

    def first(self) -> Widget | None:
        return None

    def show(self, view: View) -> None:
        super().show(view)
        if (self._lanes >= _MANY) != (len(view.lanes) >= _MANY):
            self._lanes = len(view.lanes)
            self._bring()
        metrics = frozenset(name for lane in view.lanes for name in lane.state.metrics)
        if metrics != self._metrics:
            self._metrics = metrics
            if any(placed.panel.startswith(METRIC) for placed in self.arrangement):
                self._bring()

    def on_resize(self) -> None:
        self._bring()

    @property
    def one_plot(self) -> bool:
        """Whether plots are shown one at a time: many runs on a small terminal that the app
        arranges."""
        small = self.narrow and self.app.size.height < _SHORT and self._layout.narrow is None
        return small and self._lanes >= _MANY

    def turn(self, by: int) -> bool:
        if self.one_plot:
            self._turned += by
            self._bring()
        return self.one_plot

    def _shown(self) -> list[Placed]:
        """What is to be shown and has something to show."""
        shown = [placed for placed in self.arrangement if self._has(placed.panel)]
        plots = [placed for placed in shown if not _is_list(placed.panel)]
        if not (self.one_plot and plots):
            return shown
        plot = plots[self._turned % len(plots)]
        return [Placed(plot.panel, COLUMNS), Placed("runs", COLUMNS)]

    @property
    def arrangement(self) -> Arrangement:
        """What a person chose for terminals of this width, without panels that no longer exist."""
        chosen = layout.arrangement(self._layout, narrow=self.narrow)
        return tuple(placed for placed in chosen if known(placed.panel)) or self.default

    @property
    def default(self) -> Arrangement:
        """The app's own arrangement for terminals of this width."""
        return layout.arrangement(Layout(), narrow=self.narrow)

    def rearrange(self, chosen: Arrangement | None) -> None:
        """Show these panels from now on, also after the next start; None for the app's own."""
        self._layout = layout.with_arrangement(self._layout, chosen, narrow=self.narrow)
        small_files.save(SUBJECT, self._layout)
        self._bring()

    def choices(self) -> dict[str, Known]:
        """All panels that the page could show, by name."""
        chosen = [placed.panel for placed in self.arrangement]
        metrics = [METRIC + name for name in sorted(self._metrics)]
        found = {name: known(name) for name in (*PANELS, *metrics, *chosen)}
        return {name: panel for name, panel in found.items() if panel is not None}

    def placed(self, width: int, height: int) -> Sequence[tuple[Widget, Cell]]:
        rows = _NARROW_LIST_LINES if self.narrow else _LIST_LINES
        if self.one_plot:
            rows = 2 + min(self._lanes, _NARROW_LIST_LINES)
        shown = [(placed.panel, placed) for placed in self._shown()]
        lists_only = all(name in PANELS and PANELS[name].lines for name, _ in shown)
        return [
            (self._made[name], Cell(placed.span, rows if _is_list(name) and not lists_only else 0))
            for name, placed in shown
            if name in self._made
        ]

    def on_layers_panel_chosen(self, message: LayersPanel.Chosen) -> None:
        """Show the distributions of the layer that was selected."""
        for panel in self.query(DistributionPanel):
            panel.choose(message.layer)

    def _bring(self) -> None:
        """Make the panels that are to be shown and were not made yet, and hide the rest."""
        shown = [placed.panel for placed in self._shown()]
        new = [self._make(name) for name in shown if name not in self._made]
        for name, panel in self._made.items():
            panel.display = name in shown
            if isinstance(panel, CurvesPanel):
                panel.legend = self.one_plot
        if new:
            self.mount(*new)
        self.settle()

    def _has(self, name: str) -> bool:
        """Whether a panel of this name exists and has something to show."""
        return name in PANELS or name.removeprefix(METRIC) in self._metrics

    def _make(self, name: str) -> Panel:
        found = known(name)
        assert found is not None
        # The others are at home on pages of their own, where they have these names.
        at_home = layout.place(layout.WIDE, name) is not None
        self._made[name] = found.make(name if at_home else f"arranged-{len(self._made)}")
        return self._made[name]


def _is_list(name: str) -> bool:
    return name in PANELS and PANELS[name].lines
