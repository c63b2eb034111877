"""The list of all runs: only the rows that are visible are drawn, however many there are."""

from collections.abc import Sequence

from rich.text import Text
from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.panels.keys import MOVE_FAR, bindings, together
from tui.panels.progress import STATUS_COLORS
from tui.runs.listing.columns import COLUMNS, Column
from tui.runs.listing.row import Row
from tui.text import column as in_cells

_NAME_WIDTH = 24
"""Least width of the widest column, in cells, as long as other columns can be left out."""


class RunTable(Widget, can_focus=True):
    """A table of runs with a cursor and marks; the screen decides which rows it has."""

    KEYS = (
        together(
            *MOVE_FAR,
            does="choose a run; Page Up, Page Down, Home, End too",
            shown="Up, Down, k, j",
        ),
    )
    BINDINGS = bindings(KEYS)

    class Opened(Message):
        """A row was clicked twice."""

    def __init__(self) -> None:
        super().__init__(id="table")
        self._rows: list[Row] = []
        self._cursor = 0
        self._first = 0
        self._all_columns: Sequence[Column] = COLUMNS
        self._sorted = ("age", False)
        self.marked: set[str] = set()
        """The ids of the runs that are to be opened together."""
        self.empty = ""
        """What is said if there are no rows."""

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self._cursor] if self._cursor < len(self._rows) else None

    def show(
        self,
        rows: list[Row],
        sorted_by: tuple[str, bool],
        columns: Sequence[Column] = COLUMNS,
    ) -> None:
        """Show these rows in this order; the cursor stays on its run, if it is still there."""
        current = self.current
        self._all_columns = columns
        self._rows, self._sorted = rows, sorted_by
        place = next((i for i, row in enumerate(rows) if current and row.id == current.id), None)
        self._cursor = min(self._cursor, max(0, len(rows) - 1)) if place is None else place
        self._scroll()

    def mark(self) -> None:
        """Mark the run under the cursor, or take the mark away, and go to the next."""
        if (row := self.current) is not None:
            self.marked ^= {row.id}
            self.action_move(1)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._cursor = max(0, min(len(self._rows) - 1, self._cursor + by))
        self.screen.refresh_bindings()  # other things can be done with another run
        self._scroll()

    def action_move_page(self, by: int) -> None:
        """Move the cursor by the number of visible rows."""
        self.action_move(by * max(1, self.size.height - 2))

    def action_move_to(self, end: str) -> None:
        """Move the cursor to the first row, or to the last."""
        self.action_move(-len(self._rows) if end == "first" else len(self._rows))

    def on_click(self, event: Click) -> None:
        row = self._first + event.y - 1
        if event.y >= 1 and row < len(self._rows):
            self.action_move(row - self._cursor)
            if event.chain == 2:
                self.post_message(self.Opened())

    def on_mouse_scroll_down(self) -> None:
        self.action_move(3)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-3)

    def on_resize(self) -> None:
        self._scroll()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def render_line(self, y: int) -> Strip:
        columns = self._columns()
        index = self._first + y - 1
        if y == 0:
            line = self._head(columns)
        elif index < len(self._rows):
            line = self._line(self._rows[index], columns, at_cursor=index == self._cursor)
        elif not self._rows and y == 2:
            line = Text(f"    {self.empty}", style=self.app.theme_variables["plot-ink"])
        else:
            return Strip.blank(self.size.width, self.rich_style)
        segments = list(line.render(self.app.console))
        width = self.size.width
        return Strip(segments).adjust_cell_length(width).apply_style(self.rich_style).simplify()

    def _scroll(self) -> None:
        visible = max(1, self.size.height - 1)
        self._first = max(self._cursor - visible + 1, min(self._first, self._cursor))
        self._first = max(0, min(self._first, len(self._rows) - visible))
        self.refresh()

    def _columns(self) -> Sequence[tuple[Column, int]]:
        kept = list(self._all_columns)
        while self._left(kept) < _NAME_WIDTH and any(column.rank for column in kept):
            kept.remove(max(kept, key=lambda column: (column.rank, kept.index(column))))
        name_width = max(4, self._left(kept))
        return [(column, column.width or name_width) for column in kept]

    def _left(self, columns: list[Column]) -> int:
        return self.size.width - 4 - sum(column.width + 1 for column in columns)

    def _head(self, columns: Sequence[tuple[Column, int]]) -> Text:
        theme = self.app.theme_variables
        line = Text("    ", style=theme["plot-ink"])
        title, descending = self._sorted
        for column, width in columns:
            arrow = (" ▼" if descending else " ▲") if column.name == title else ""
            words = f"{column.head}{arrow}"
            line.append(in_cells(words, width, right=column.right), style="bold" if arrow else "")
            line.append(" ")
        return line

    def _line(self, row: Row, columns: Sequence[tuple[Column, int]], *, at_cursor: bool) -> Text:
        theme = self.app.theme_variables
        line = Text("> " if at_cursor else "  ", style="bold")
        line.append("* " if row.id in self.marked else "  ", style=theme["accent"])
        for column, width in columns:
            style = ""
            if column.name == "status":
                style = theme[STATUS_COLORS.get(row.status, "foreground")]
            elif at_cursor and column.name == "name":
                style = "bold"
            line.append(in_cells(column.show(row), width, right=column.right), style=style)
            line.append(" ")
        if at_cursor:
            line.stylize(f"on {theme['panel']}")
        return line
