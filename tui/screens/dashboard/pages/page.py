"""The base of the dashboard's pages: containers of panels, of which one is shown at a time."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import Offset, Region, Size, Spacing
from textual.layout import Layout, WidgetPlacement
from textual.message import Message
from textual.widget import Widget

from tui.panels.panel import Panel
from tui.panels.panel_grid import Cell, flow
from tui.plots.lane_view import View

NARROW_COLUMNS = 120
"""Width in columns below which pages are arranged for narrow terminals."""


class Page(Container, can_focus=False):
    """A container of panels that draw themselves; it owns the keys that they share."""

    ALLOW_MAXIMIZE = False
    NAME = ""
    """The page's name, one word, in the line of pages."""
    ID = ""

    class Rearranged(Message):
        """Panels came into sight that have not been told what to show."""

    def __init__(self) -> None:
        super().__init__(id=self.ID, classes="page")
        self._view: View | None = None

    def show(self, view: View) -> None:
        """Take in the view before its panels draw it; called at each frame with something new."""
        self._view = view

    def first(self) -> Widget | None:
        """The widget that gets the focus when the page is opened; None for none."""
        return next((panel for panel in self.query(Panel) if panel.display), None)

    def turn(self, by: int) -> bool:
        """Show the next or previous of panels that are shown one at a time; False if all are."""
        return False

    def opened(self) -> None:
        """Called when the page is put on the screen."""

    def closed(self) -> None:
        """Called when another page takes its place."""

    @property
    def narrow(self) -> bool:
        return self.app.size.width < NARROW_COLUMNS


class FlowPage(Page, can_focus=False):
    """A page whose panels fill rows of twelve columns; their order and widths may change."""

    stretch = True
    """Whether the panels of a row that is not full are widened to fill it."""

    def __init__(self) -> None:
        super().__init__()
        self._flow = _Flow()

    def placed(self, width: int, height: int) -> Sequence[tuple[Widget, Cell]]:
        """The panels in their order, each with the cell that it asks for; sizes in cells."""
        raise NotImplementedError

    @property
    def layout(self) -> Layout:
        return self._flow

    def settle(self) -> None:
        """Arrange the panels again, because what `placed` returns has changed."""
        # Textual arranges the ancestors of a widget that asks for a layout.
        for child in self.children[:1]:
            child.refresh(layout=True)
        self.post_message(self.Rearranged())


class FixedPage(FlowPage, can_focus=False):
    """A page that always has the same panels."""

    def panels(self) -> Sequence[tuple[Panel, Cell, Cell]]:
        """Each panel with the cells that it asks for on a wide and on a narrow terminal."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self._panels = self.panels()

    def compose(self) -> ComposeResult:
        yield from (panel for panel, _, _ in self._panels)

    def placed(self, width: int, height: int) -> Sequence[tuple[Widget, Cell]]:
        return [(panel, small if self.narrow else wide) for panel, wide, small in self._panels]


class _Flow(Layout):
    """The Textual layout of a `FlowPage`: asks the page where each panel goes."""

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
