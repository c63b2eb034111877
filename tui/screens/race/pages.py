"""The pages of a race's screen: panels that all draw one view of the race."""

from collections.abc import Callable
from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import Container

from tui.panels.panel import Panel
from tui.panels.race.gradients import RaceGradientsPanel
from tui.panels.race.layers import RaceLayersPanel
from tui.panels.race.plot import RacePlotPanel, SensitivityPanel
from tui.panels.race.standings import StandingsPanel
from tui.races.news import RaceNews
from tui.races.view import RaceView
from tui.text import clean, count, duration

PAGES = ("Curves", "Rates", "Gradients", "Layers")


def title(news: RaceNews, page: int) -> str:
    """The names of the pages, with one of them marked, and how the race stands."""
    pages = "  ".join(
        f"[{n} {name}]" if n == page + 1 else f"{n} {name}" for n, name in enumerate(PAGES, 1)
    )
    made = news.spec
    status = f"{news.status}: {news.reason}" if news.reason else news.status
    left = f", {duration(news.remaining)} to go" if news.remaining else ""
    runs = f"{count(news.done)} of {count(news.total)} runs{left}"
    # What may be cut off on a narrow terminal comes last.
    told = (status, runs, f"tier {made.tier}", f"{count(made.budget)} steps each")
    return f"{pages}   {clean('  '.join(told))}  {clean(news.race.id)}"


class RacePages(Container):
    """The panels of all pages, of which one page is shown; what is hidden is not drawn."""

    def __init__(self) -> None:
        super().__init__(id="race-pages")
        self.page = 0
        """The number of the page that is shown, from 0."""
        self.view: RaceView | None = None
        """What is drawn; None before the first news of the race."""

    def compose(self) -> ComposeResult:
        with Container(id="race-curves", classes="race-page"):
            yield RacePlotPanel(id="race-plot")
            yield StandingsPanel(id="standings")
        yield SensitivityPanel(id="sensitivity", classes="race-page")
        yield RaceGradientsPanel(id="race-gradients", classes="race-page")
        yield RaceLayersPanel(id="race-layers", classes="race-page")

    def show_page(self, page: int) -> None:
        """Show another page."""
        self.page = page
        for index, widget in enumerate(self.query(".race-page")):
            widget.display = index == page
        self.call_after_refresh(self.draw)

    def shift_columns(self, by: int) -> None:
        """Show columns of the standings further right, or left again."""
        self.query_one(StandingsPanel).shift(by)

    def begin(self, view: RaceView) -> None:
        """Draw the first view of a race."""
        self.view = view
        self.draw()

    def change_view(self, **changes: object) -> None:
        """Draw the view with other values of its fields; nothing before there is one."""
        self.turn(lambda view: replace(view, **changes))  # type: ignore[arg-type]

    def turn(self, change: Callable[[RaceView], RaceView]) -> None:
        """Draw what a change makes of the view; nothing before there is one."""
        if self.view is not None:
            self.begin(change(self.view))

    def draw(self) -> None:
        """Draw what is shown."""
        if self.view is None:
            return
        for panel in self.query(Panel):
            if panel.is_on_screen:
                panel.show(self.view)

    def on_rows_panel_selected(self, message: StandingsPanel.Selected) -> None:
        if self.view is not None:
            self.change_view(selected=self.view.order[message.place])
