"""Pages: which is shown, which run is selected on it, and how its panels are arranged."""

from engine.runs.run_directory import RunDir
from tui.panels.keys import MOVE, Key, Keys, together
from tui.panels.page_bar import PageBar
from tui.panels.panel import Panel
from tui.panels.prompt import Prompt
from tui.panels.runs import RunsPanel
from tui.screens.dashboard.actions_base import DashboardActions
from tui.screens.dashboard.pages.curves import CurvesPage
from tui.screens.dashboard.pages.layers import LayersPage
from tui.screens.dashboard.pages.metrics import MetricsPage
from tui.screens.dashboard.pages.page import Page
from tui.screens.dashboard.pages.run import RunPage
from tui.screens.dashboard.pages.samples import SamplesPage
from tui.screens.dashboard.pages.system import SystemPage
from tui.screens.dashboard.pages.trying import TryPage

PAGES: tuple[type[Page], ...] = (
    CurvesPage,
    LayersPage,
    SamplesPage,
    MetricsPage,
    SystemPage,
    RunPage,
    TryPage,
)


class PageActions(DashboardActions):
    """Keys that show another page, or one panel alone; a page is made when it is first opened."""

    KEYS: Keys = (
        together(
            Key("1", "page(0)", CurvesPage.NAME, "show the curves"),
            Key("2", "page(1)", LayersPage.NAME, "show the layers"),
            Key("3", "page(2)", SamplesPage.NAME, "show samples: predictions or texts"),
            Key("4", "page(3)", MetricsPage.NAME, "show every metric"),
            Key("5", "page(4)", SystemPage.NAME, "show GPUs, processor and memory"),
            Key("6", "page(5)", RunPage.NAME, "show configuration, history and log"),
            Key("7", "page(6)", TryPage.NAME, "ask the trained model"),
            does="show another page: curves; layers; samples; every metric; the machine; "
            "configuration, history and log of the run; try the trained model",
        ),
        Key("A", "arrange", "Arrange", "choose and arrange the panels of page 1"),
        together(
            *MOVE,
            does="select another run, a layer; scroll, on a page or in a panel that does "
            "(Page Up, Page Down, Home, End too)",
            shown="Up, Down, k, j",
        ),
        together(
            Key("left_square_bracket", "move(-1)", "Previous run", "select the run before"),
            Key("right_square_bracket", "move(1)", "Next run", "the next run, on any page"),
        ),
        together(
            Key("tab", "panel(1)", "Next panel", "go to another panel"),
            Key("shift+tab", "panel(-1)", "Previous panel"),
            does="go to another panel; with many runs on a small terminal, to another plot",
        ),
        Key("m", "zoom", "Maximize", "show the panel at hand alone, or all again", footer=True),
    )

    def __init__(self, runs: list[RunDir], selected: RunDir | None = None) -> None:
        super().__init__(runs, selected)
        self._pages: dict[int, Page] = {0: PAGES[0]()}
        """Those that were opened, by number."""
        self._page = 0

    @property
    def page(self) -> Page:
        """The one that is shown."""
        return self._pages[self._page]

    async def action_page(self, number: int) -> None:
        """Show another page; what is hidden is not drawn."""
        if self.maximized is not None:
            self.minimize()
        if number not in self._pages:
            self._pages[number] = PAGES[number]()
            await self.mount(self._pages[number], before=self.query_one(Prompt))
        for index, page in self._pages.items():
            page.display = index == number
        if number != self._page:
            self.page.closed()
            self._page = number
            self.page.opened()
        self.query_one(PageBar).turn_to(number)
        if self.watched.view is not None:
            self.page.show(self.watched.view)
        self.set_focus(self.page.first())
        self.call_after_refresh(self.redraw)

    def action_move(self, by: int) -> None:
        """Select the next or previous run."""
        if (view := self.watched.view) is not None:
            self.change_view(selected=(view.selected + by) % len(view.lanes))

    def on_rows_panel_selected(self, message: RunsPanel.Selected) -> None:
        """Select the run of a row."""
        self.change_view(selected=message.place)

    def action_panel(self, by: int) -> None:
        """Go to another panel; where plots are shown one at a time, show another one."""
        if self.maximized is not None or not self.page.turn(by):
            self.focus_next() if by > 0 else self.focus_previous()

    def action_zoom(self) -> None:
        """Maximize the focused panel, or the first one; or show all panels again."""
        if self.maximized is not None:
            self.minimize()
        else:
            focused = self.focused
            shown = [panel for panel in self.query(".page Panel") if panel.is_on_screen]
            self.maximize(focused if isinstance(focused, Panel) else shown[0])

    async def on_page_bar_chosen(self, message: PageBar.Chosen) -> None:
        await self.action_page(message.page)

    def on_page_rearranged(self) -> None:
        """Other panels are in sight: they are drawn as soon as they have their sizes."""
        self.call_after_refresh(self.redraw)

    async def action_arrange(self) -> None:
        """Choose the panels of the first page, their order and their widths."""
        from tui.screens.dashboard.arrange import ArrangeScreen

        await self.action_page(0)
        page = self.query_one(CurvesPage)
        self.app.push_screen(
            ArrangeScreen(page.arrangement, page.default, page.choices(), page.rearrange)
        )
