"""The base of the dashboard's pages: containers of panels, of which one is shown at a time."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import Offset, Region, Size, Spacing
from textual.layout import Layout, WidgetPlacement
from textual.message import Message
from textual.widget import Widget

from tui.panels.flow import Cell, flow
from tui.panels.panel import Panel
from tui.plots.lanes import View

NARROW_COLUMNS = 120
"""A terminal of fewer columns has arrangements of its own."""


class Page(Container, can_focus=False):
    """Its panels draw themselves; the page says which there are, and owns the keys they share."""

    ALLOW_MAXIMIZE = False
    NAME = ""
    """One word, for the line of pages."""
    ID = ""

    class Rearranged(Message):
        """Panels came into sight that have not been told what to show."""

    def __init__(self) -> None:
        super().__init__(id=self.ID, classes="page")
        self._view: View | None = None

    def show(self, view: View) -> None:
        """Called at each frame in which something is new, before the panels are shown."""
        self._view = view

    def first(self) -> Widget | None:
        """Who has the keyboard when the page is opened; None for nobody."""
        return next((panel for panel in self.query(Panel) if panel.display), None)

    def opened(self) -> None:
        """The page is on the screen."""

    def closed(self) -> None:
        """Another page is."""

    @property
    def narrow(self) -> bool:
        return self.app.size.width < NARROW_COLUMNS


class FlowPage(Page, can_focus=False):
    """Its panels lie in rows of twelve columns, in an order and of widths that may change."""

    stretch = True
    """Whether a row that is not full is widened."""

    def __init__(self) -> None:
        super().__init__()
        self._flow = _Flow()

    def placed(self, width: int, height: int) -> Sequence[tuple[Widget, Cell]]:
        """The panels in their order, and what each asks for."""
        raise NotImplementedError

    @property
    def layout(self) -> Layout:
        return self._flow

    def settle(self) -> None:
        """What `placed` says has changed."""
        # Of a widget that asks for a layout, Textual arranges the ancestors anew.
        for child in self.children[:1]:
            child.refresh(layout=True)
        self.post_message(self.Rearranged())


class FixedPage(FlowPage, can_focus=False):
    """Always the same panels."""

    def panels(self) -> Sequence[tuple[Panel, Cell, Cell]]:
        """The panels, and what each asks for on a wide and on a narrow terminal."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self._panels = self.panels()

    def compose(self) -> ComposeResult:
        yield from (panel for panel, _, _ in self._panels)

    def placed(self, width: int, height: int) -> Sequence[tuple[Widget, Cell]]:
        return [(panel, small if self.narrow else wide) for panel, wide, small in self._panels]


class _Flow(Layout):
    """Asks the page who goes where."""

    name = "flow"

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> list[WidgetPlacement]:
        assert isinstance(parent, FlowPage)
        asked = parent.placed(size.width, size.height)
        placed = [(widget, cell) for widget, cell in asked if widget in children]
        cells = [cell for _, cell in placed]
        boxes = flow(cells, size.width, size.height, stretch=parent.stretch)
        return [
            WidgetPlacement(
                Region(box.x, box.y, box.width, box.height),
                Offset(),
                Spacing(),
                widget,
            )
            for (widget, _), box in zip(placed, boxes, strict=True)
        ]
