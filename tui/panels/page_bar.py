"""One line that names the pages of the dashboard, and which of them is shown."""

from collections.abc import Sequence

from rich.text import Text
from textual.message import Message

from tui.panels.panel import Panel
from tui.plots.lane_view import View
from tui.plots.plot_view import summary

_SHORT = 3
"""Letters of a page's name when the names do not fit."""


class PageBar(Panel, can_focus=False):
    """A bar with the names of all pages; the number before a page is its key."""

    ALLOW_MAXIMIZE = False
    SHOWS_PLOTS = True

    class Chosen(Message):
        """A page was clicked."""

        def __init__(self, page: int) -> None:
            super().__init__()
            self.page = page

    def __init__(self, names: Sequence[str], *, id: str) -> None:
        super().__init__(id=id)
        self._names = names
        self._page = 0

    def turn_to(self, page: int) -> None:
        """Mark the page that is shown."""
        self._page = page
        self._redraw()

    def on_click(self, event: object) -> None:
        """Show the page under the mouse."""
        end = 1
        for index, words in enumerate(self._words(self.size.width)):
            begin, end = end, end + len(words) + 1
            if begin <= getattr(event, "x", 0) < end:
                self.post_message(self.Chosen(index))

    def _words(self, width: int) -> list[str]:
        room = sum(len(name) + 5 for name in self._names) + 1 <= width
        names = [name if room else name[:_SHORT] for name in self._names]
        numbered = [f"{index} {name}" for index, name in enumerate(names, start=1)]
        return [
            f"[{words}]" if index == self._page else f" {words} "
            for index, words in enumerate(numbered)
        ]

    def _title_line(self, view: View, width: int) -> Text:
        line = Text(" ")
        for index, words in enumerate(self._words(width)):
            here = index == self._page
            line.append(words, style=f"bold {self.color('accent')}" if here else "").append(" ")
        room = max(0, width - len(line) - 1)
        line.append(summary(view.plots, room).rjust(room), style=self.color("plot-ink"))
        return line

    def body(self, view: View, width: int, height: int) -> list[Text]:
        return []
