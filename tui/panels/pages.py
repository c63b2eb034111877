"""One line that names the pages of the dashboard, and which of them is shown."""

from rich.text import Text

from tui.lanes import View
from tui.panels.panel import Panel
from tui.plotview import summary

PAGES = ("Curves", "Layers", "Samples")


class PagesPanel(Panel, can_focus=False):
    """The number before a page is its key."""

    ALLOW_MAXIMIZE = False
    SHOWS_PLOTS = True

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._page = 0

    def turn_to(self, page: int) -> None:
        """Show that this page is shown."""
        self._page = page
        self._redraw()

    def _title_line(self, view: View, width: int) -> Text:
        line = Text(" ")
        for index, name in enumerate(PAGES):
            here = index == self._page
            words = f"[{index + 1} {name}]" if here else f" {index + 1} {name} "
            line.append(words, style=f"bold {self.color('accent')}" if here else "")
            line.append(" ")
        looks = summary(view.plots)
        if len(line) + len(looks) < width:
            line.append(looks.rjust(width - len(line) - 1), style=self.color("plot-ink"))
        return line

    def body(self, view: View, width: int, height: int) -> list[Text]:
        return []
