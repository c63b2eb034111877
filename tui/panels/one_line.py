"""One line of words over other panels."""

from rich.text import Text

from tui.panels.panel import Panel
from tui.plots.lane_view import View


class LinePanel(Panel, can_focus=False):
    """A panel of one line: a title and some words after it."""

    ALLOW_MAXIMIZE = False

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._words = Text()

    def say(self, title: str, words: Text) -> None:
        """The words of the line."""
        self._heading, self._words = title, words
        self._redraw()

    def heading(self, view: View) -> Text:
        return self._words

    def body(self, view: View, width: int, height: int) -> list[Text]:
        return []
