"""The leaderboard of a race: a line a lane, grey until the race is over."""

from collections.abc import Sequence

from rich.text import Text

from engine.race.standings import Row
from tui.panels.rows import RowsPanel
from tui.plots.chart import line_sample
from tui.races import standings_table
from tui.races.view import RaceView
from tui.text import cells, clean, column


class StandingsPanel(RowsPanel[RaceView]):
    """A table of the lanes, best first, with the columns that fit, most telling first."""

    HEADING = "Standings"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._skipped = 0
        """The number of columns after the name that are left out."""

    def shift(self, by: int) -> None:
        """Show columns further right, or left again."""
        if self._view is not None:
            last = len(self._header(self._view)) - 3
            self._skipped = max(0, min(last, self._skipped + by))
            self._redraw()

    def number_of_rows(self, view: RaceView) -> int:
        return len(view.order)

    def selected_row(self, view: RaceView) -> int:
        return view.order.index(view.selected) if view.selected in view.order else 0

    def heading(self, view: RaceView) -> Text:
        made = view.news.standings
        style = self.color("success") if made.winner else self.color("warning")
        return Text(clean(made.verdict, 200), style=style if made.final else self.color("plot-ink"))

    def body(self, view: RaceView, width: int, height: int) -> Sequence[Text]:
        news = view.news
        head = self._header(view)
        table = standings_table.cells(news.spec, news.standings, timed=news.timed)
        widths = [max(map(cells, each)) for each in zip(head, *table, strict=True)]
        widths[1] = min(widths[1], max(8, width // 4))
        shown = self._columns(widths, width)
        first = self.first_row(view, height)
        grey = self.color("plot-ink")
        lines = [Text("        ").append(self._cells(head, widths, shown), style=grey)]
        rows = view.news.standings.rows
        places = range(first, min(len(rows), first + height - 1))
        lines += [self._row(view, at, self._cells(table[at], widths, shown)) for at in places]
        more = [self._trouble(row) for row in rows if row.trouble]
        verdict = self.heading(view)
        if verdict.cell_len + len(self.title(view)) + 4 > width:  # the title line has cut it
            more = [*verdict.wrap(self.app.console, max(1, width - 2)), *more]
        more = more[: max(0, height - len(lines) - 1)]
        return [*lines, Text(), *more] if more else lines

    def _header(self, view: RaceView) -> list[str]:
        return standings_table.header(view.news.spec, view.news.goal)

    def _trouble(self, row: Row) -> Text:
        words = f" {clean(row.label, 40)}: {clean(row.trouble, 200)}"
        return Text(words, style=self.color("error"), no_wrap=True)

    def _columns(self, widths: list[int], width: int) -> list[int]:
        """The indexes of the columns that fit; the place comes with the line sample."""
        left, shown = width - 8, []
        for index, wide in enumerate(widths[1:], 1):
            if 1 < index < 2 + self._skipped:
                continue
            left -= wide + 2
            if left < 0:
                break
            shown.append(index)
        return shown

    def _cells(self, row: Sequence[str], widths: list[int], shown: list[int]) -> str:
        return "  ".join(column(row[i], widths[i], right=i != 1) for i in shown)

    def _row(self, view: RaceView, place: int, cells: str) -> Text:
        row = view.news.standings.rows[place]
        selected, hidden = row.lane == view.selected, row.lane not in view.drawn
        line = Text(">" if selected else " ", style="bold")
        over = view.news.standings.final
        line.append(f"{place + 1:>2} ", style="" if over else self.color("plot-ink"))
        sample = "   " if hidden else line_sample(row.lane, ascii_only=self.plain)
        line.append(sample, style=view.color(row.lane)).append(" ")
        style = self.color("error") if row.trouble else ""
        if hidden:
            style = self.color("plot-ink")
        line.append(cells, style=f"bold {style}".strip() if selected else style)
        return line
