"""The pages of the dashboard: which is shown, and how its panels are arranged."""

from typing import ClassVar

from textual.binding import Binding

from tui.panels.page_bar import PagesPanel
from tui.panels.prompt import Prompt
from tui.plots.lanes import View
from tui.screens.dashboard.arrange import ArrangeScreen
from tui.screens.dashboard.pages.curves import CurvesPage
from tui.screens.dashboard.pages.layers import LayersPage
from tui.screens.dashboard.pages.metrics import MetricsPage
from tui.screens.dashboard.pages.page import Page
from tui.screens.dashboard.pages.run import RunPage
from tui.screens.dashboard.pages.samples import SamplesPage
from tui.screens.dashboard.pages.system import SystemPage
from tui.screens.run_actions import SteeringScreen

PAGES: tuple[type[Page], ...] = (
    CurvesPage,
    LayersPage,
    SamplesPage,
    MetricsPage,
    SystemPage,
    RunPage,
)


def _page(number: int, tooltip: str) -> Binding:
    name = PAGES[number].NAME
    return Binding(f"{number + 1}", f"page({number})", name, show=False, tooltip=tooltip)


class PagingScreen(SteeringScreen):
    """Shows one page at a time; a page is made when it is first opened."""

    BINDINGS = [
        _page(0, "Show the curves"),
        _page(1, "Show the layers"),
        _page(2, "Show predictions or texts"),
        _page(3, "Show every metric"),
        _page(4, "Show GPUs, processor and memory"),
        _page(5, "Show configuration, history and log"),
        Binding("A", "arrange", "Arrange", show=False, tooltip="Choose and arrange the panels"),
    ]
    PAGING_KEYS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("1, 2, 3", "curves, layers, samples"),
        ("4, 5, 6", "every metric; the machine; configuration, history and log"),
        ("A", "choose and arrange the panels of page 1"),
        ("/", "filter the metrics, or search the lines at hand; Esc drops it"),
        ("Enter, Backspace", "while searching: the next hit, the one before"),
    )

    def __init__(self) -> None:
        super().__init__()
        self._pages: dict[int, Page] = {0: PAGES[0]()}
        """Those that were opened, by number."""
        self._page = 0

    def view_at_hand(self) -> View | None:
        """What the panels show; None until there is something."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Show the panels in sight what there is, in this frame."""
        raise NotImplementedError

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
        self.query_one(PagesPanel).turn_to(number)
        if (view := self.view_at_hand()) is not None:
            self.page.show(view)
        self.set_focus(self.page.first())
        self.call_after_refresh(self.redraw)

    async def on_pages_panel_chosen(self, message: PagesPanel.Chosen) -> None:
        await self.action_page(message.page)

    def on_page_rearranged(self) -> None:
        """Other panels are in sight: they are drawn as soon as they have their sizes."""
        self.call_after_refresh(self.redraw)

    async def action_arrange(self) -> None:
        """Choose the panels of the first page, their order and their widths."""
        await self.action_page(0)
        page = self.query_one(CurvesPage)
        self.app.push_screen(
            ArrangeScreen(page.arrangement, page.default, page.choices(), page.rearrange)
        )
