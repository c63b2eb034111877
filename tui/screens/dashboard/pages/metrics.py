"""The fourth page: every metric that a run logs, grouped by prefix, filtered by an expression."""

from collections.abc import Sequence

from rich.text import Text
from textual import events
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.widget import Widget

from tui.panels.curves import CurvesPanel
from tui.panels.keys import MOVE_FAR, Key, bindings, together
from tui.panels.known import of_metric
from tui.panels.one_line import LinePanel
from tui.panels.panel_grid import COLUMNS, Cell
from tui.panels.prompt import Prompt, Question
from tui.plots.lane_view import View
from tui.screens.dashboard.pages import _metric_groups as metric_groups
from tui.screens.dashboard.pages._metric_groups import Row, Window
from tui.screens.dashboard.pages.page import FlowPage
from tui.text import clean, count

_LINES = 10
"""The height of a row of panels, about; as many rows are shown as come nearest to it."""
_WIDE, _VERY_WIDE = 120, 200
"""Widths in columns from which a row has three panels, and four; else it has two."""


class MetricsPage(FlowPage, can_focus=True):
    """The page of all metrics, in as many rows of panels as fit. A panel is made when it is first
    shown, so that hundreds of metrics cost as much as those on the screen."""

    NAME = "Metrics"
    ID = "metrics-page"
    ALLOW_MAXIMIZE = False
    stretch = False
    KEYS = (
        *MOVE_FAR,
        Key("tab", "move_panel(1)", "Next panel"),
        Key("shift+tab", "move_panel(-1)", "Previous panel"),
        together(
            Key(
                "slash",
                "filter",
                "Filter",
                "show the metrics whose names match a regular expression",
                footer=True,
            ),
            Key("escape", "unfilter", "All metrics", "show all metrics"),
            does="on the metrics: show those whose names match a regular expression; Esc shows all",
            shown="/",
        ),
    )
    BINDINGS = bindings(KEYS)

    def __init__(self) -> None:
        super().__init__()
        self._metrics: frozenset[str] = frozenset()
        self._filter = ""
        self._rows: list[Row] = []
        self._window = Window(0, 0, 0)
        self._placed_rows: list[Row] = []
        """The rows that the window was last filled from."""
        self._selected = ""
        self._lines = 0
        """How many lines there are under the head line."""
        self._made: dict[str, CurvesPanel] = {}
        self._head = LinePanel(id="metrics-head")
        self._titles: list[LinePanel] = []

    def compose(self) -> ComposeResult:
        yield self._head

    def first(self) -> Widget:
        return self._made.get(self._selected, self)

    def show(self, view: View) -> None:
        super().show(view)
        metrics = frozenset(name for lane in view.lanes for name in lane.state.metrics)
        if metrics != self._metrics:
            self._metrics = metrics
            self._gather()

    def on_resize(self) -> None:
        if self.size.height > 1:  # it has no size while one of its panels is maximized
            self._lines = self.size.height - 1
            self._gather()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A click selects, too."""
        for name, panel in self._made.items():
            if panel is event.widget:
                self._selected = name

    def placed(self, width: int, height: int) -> Sequence[tuple[Widget, Cell]]:
        asked: list[tuple[Widget, Cell]] = [(self._head, Cell(COLUMNS, 1))]
        titles = iter(self._titles)
        for number in self._shown():
            if metric_groups.begins_group(self._rows, number, self._window):
                asked.append((next(titles), Cell(COLUMNS, 1)))
            cell = Cell(COLUMNS // self._columns, self._window.lines)
            asked += [(self._made[name], cell) for name in self._rows[number].names]
        return asked

    def action_move_panel(self, by: int) -> None:
        """Select the next metric, or the one before, round the ends."""
        names = [name for row in self._rows for name in row.names]
        if names:
            at = names.index(self._selected) if self._selected in names else 0
            self._select(names[(at + by) % len(names)])

    def action_move(self, by: int) -> None:
        """Select a metric in another row."""
        if self._rows:
            row, place = self._place()
            names = self._rows[max(0, min(len(self._rows) - 1, row + by))].names
            self._select(names[min(place, len(names) - 1)])

    def action_move_page(self, by: int) -> None:
        """Select a metric that is as many rows further on as are shown."""
        self.action_move(by * max(1, len(self._shown())))

    def action_move_to(self, end: str) -> None:
        """Select the first metric, or the last."""
        if self._rows:
            self._select(self._rows[0].names[0] if end == "first" else self._rows[-1].names[-1])

    def action_filter(self) -> None:
        """Ask for an expression; what it finds is shown while it is typed."""
        before = self._filter

        def dropped() -> None:
            self._apply(before)

        hint = "a regular expression, such as ^val/ or layer[0-3]"
        question = Question("Filter", hint, self._apply, self._apply, before, dropped)
        self.screen.query_one(Prompt).ask(question)

    def action_unfilter(self) -> None:
        """Show all metrics again."""
        if not self._filter or self.screen.maximized is not None:
            raise SkipAction
        self._apply("")

    def _apply(self, text: str) -> None:
        """Filter the metrics. Raises UserError if `text` is not a regular expression."""
        metric_groups.pattern(text)
        if text != self._filter:
            self._filter = text
            self._gather()

    def _gather(self) -> None:
        """Sort the metrics into rows again."""
        found = metric_groups.grouped(self._metrics, metric_groups.pattern(self._filter))
        self._rows = metric_groups.rows(found, self._columns)
        names = {name for row in self._rows for name in row.names}
        if self._selected not in names:
            self._selected = self._rows[0].names[0] if self._rows else ""
        self._say(len(names))
        self._bring()

    def _say(self, number: int) -> None:
        words = Text(f"{count(number)} of {count(len(self._metrics))}")
        if self._filter:
            words.append(f" match /{clean(self._filter, 60)}/", style=self._head.color("accent"))
            words.append("  Esc shows all", style=self._head.color("plot-ink"))
        elif not self._metrics:
            words = Text("none was recorded yet", style=self._head.color("plot-ink"))
        else:
            words.append("  / filters", style=self._head.color("plot-ink"))
        self._head.say("Metrics", words)

    def _select(self, name: str) -> None:
        self._selected = name
        self._bring()

    def _bring(self) -> None:
        """Show the rows around the selected metric; make panels that were never shown."""
        if not self._lines:
            return
        row, _ = self._place()
        window = metric_groups.window(self._rows, self._window.first, row, self._lines, _LINES)
        self.call_after_refresh(self._focus)
        if (window, self._rows) == (self._window, self._placed_rows):
            return
        self._window, self._placed_rows = window, self._rows
        shown = [name for number in self._shown() for name in self._rows[number].names]
        new: list[Widget] = []
        for name in shown:
            if name not in self._made:
                self._made[name] = of_metric(name, f"metric-{len(self._made)}")
                new.append(self._made[name])
        new += self._name_groups()
        for name, panel in self._made.items():
            panel.display = name in shown
        if new:
            self.mount(*new)
        self.settle()

    def _name_groups(self) -> list[LinePanel]:
        """Write the names of the groups; returns the lines that had to be made."""
        named = [
            self._rows[number].group
            for number in self._shown()
            if metric_groups.begins_group(self._rows, number, self._window)
        ]
        made = [LinePanel(id=f"group-{number}") for number in range(len(self._titles), len(named))]
        self._titles += made
        for number, line in enumerate(self._titles):
            line.display = number < len(named)
            if line.display:
                group = named[number]
                words = Text(count(len(group.names)), style=self._head.color("plot-ink"))
                line.say(clean(group.prefix, 100) or "without a prefix", words)
        return made

    def _focus(self) -> None:
        """Give the keyboard to the selected panel, unless somebody types."""
        screen, panel = self.screen, self._made.get(self._selected)
        if not self.display or panel is None or not panel.is_attached:
            return
        if screen.maximized is not None and screen.maximized is not panel:
            screen.maximize(panel)
        if screen.focused is None or self in screen.focused.ancestors_with_self:
            screen.set_focus(panel)

    def _place(self) -> tuple[int, int]:
        """The row of the selected metric, and its place in it."""
        for number, row in enumerate(self._rows):
            if self._selected in row.names:
                return number, row.names.index(self._selected)
        return 0, 0

    def _shown(self) -> range:
        return range(self._window.first, min(self._window.end, len(self._rows)))

    @property
    def _columns(self) -> int:
        width = self.app.size.width
        return 4 if width >= _VERY_WIDE else 3 if width >= _WIDE else 2
