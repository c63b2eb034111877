"""A panel of more lines than fit, which is scrolled by keys, and searched."""

from collections.abc import Sequence

from rich.text import Text
from textual.actions import SkipAction

from tui.panels import find_in_lines
from tui.panels.keys import MOVE_FAR, Key, bindings, together
from tui.panels.panel import Panel
from tui.panels.prompt import Prompt, Question
from tui.plots.lane_view import View
from tui.text import clean

_HIT, _HIT_HERE = "reverse", "bold reverse underline"
"""The style of a hit, which is seen without colours, too."""


class LinesPanel(Panel):
    """A panel that shows its newest lines, or its first ones, until somebody scrolls.

    A search stays until Esc: its hits are marked and counted, and keys go from one to the next.
    """

    FOLLOWS = False
    """Whether the end is shown at first, as of a log."""
    KEYS = (
        *MOVE_FAR,
        together(
            Key("slash", "search", "Search", "search these lines", footer=True),
            Key("escape", "end_search", "End search", "drop the search"),
            does="in a list of lines: search; Esc drops the search",
            shown="/",
        ),
        together(
            Key("enter", "hit(1)", "Next hit", "while searching: go to the next hit"),
            Key(
                "backspace,shift+enter",
                "hit(-1)",
                "Last hit",
                "to the hit before (Shift+Enter too)",
            ),
            shown="Enter, Backspace",
        ),
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, *, id: str, heading: str = "") -> None:
        super().__init__(id=id, heading=heading)
        self._first: int | None = None
        """The first line that is shown; None for the one at first."""
        self._words = ""
        self._hit: int | None = None
        """The line of the current hit."""
        self._all_lines: Sequence[Text] | None = None
        """The lines of this frame."""
        self._of: object = None
        """The run of the lines; those of another run are shown from their start."""

    def lines(self, view: View, width: int) -> Sequence[Text]:
        """All lines; they may be wider than the panel."""
        raise NotImplementedError

    def about(self, view: View) -> object:
        """The run that the lines are about: when it changes, the scrolling begins again."""
        return view.focus.state.id

    def remark(self, view: View) -> Text:
        """The words in the title line while nothing is searched for."""
        return Text()

    def heading(self, view: View) -> Text:
        if not self._words:
            return self.remark(view)
        found = self._found(view)
        text = Text(f"/{clean(self._words, 40)}/ ", style=self.color("accent"))
        return text.append(find_in_lines.counted(found, self._hit), style="bold")

    def body(self, view: View, width: int, height: int) -> Sequence[Text]:
        if self._of != self.about(view):
            self._of, self._first, self._hit = self.about(view), None, None
        lines, top = self._all(view), self._top(view)
        if self.FOLLOWS and top == self._last(view):
            self._first = None  # back at the end, it follows again
        shown = enumerate(lines[top : top + height], start=top)
        return [self._fitted(self._marked(line, number), width) for number, line in shown]

    def _redraw(self) -> None:
        self._all_lines = None
        super()._redraw()

    def _all(self, view: View) -> Sequence[Text]:
        if self._all_lines is None:
            self._all_lines = self.lines(view, self.size.width)
        return self._all_lines

    def _found(self, view: View) -> list[int]:
        return find_in_lines.found([line.plain for line in self._all(view)], self._words)

    def _marked(self, line: Text, number: int) -> Text:
        spans = find_in_lines.spans(line.plain, self._words)
        if spans:
            line = line.copy()
        for begin, end in spans:
            line.stylize(_HIT_HERE if number == self._hit else _HIT, begin, end)
        return line

    def _fitted(self, line: Text, width: int) -> Text:
        """The visible part of a line: with its first hit, or its beginning."""
        spans = find_in_lines.spans(line.plain, self._words)
        if line.cell_len > width and spans and spans[0][1] > width - 1:
            line = Text("…").append(line[max(0, spans[0][0] - width // 3) :])
        if line.cell_len > width:
            line = line.copy()
            line.truncate(width, overflow="ellipsis")
        return line

    def action_move(self, by: int) -> None:
        """Show other lines."""
        if self._view is not None:
            self._first = max(0, min(self._last(self._view), self._top(self._view) + by))
            self._redraw()

    def action_move_page(self, by: int) -> None:
        """Scroll by the height of the panel."""
        self.action_move(by * max(1, self.size.height - 2))

    def action_move_to(self, end: str) -> None:
        """Scroll to the first or the last lines."""
        self.action_move(-(10**9) if end == "first" else 10**9)

    def on_mouse_scroll_down(self) -> None:
        """Scroll by the mouse wheel."""
        self.action_move(3)

    def on_mouse_scroll_up(self) -> None:
        """Scroll by the mouse wheel."""
        self.action_move(-3)

    def action_search(self) -> None:
        """Ask for the words to search for."""
        before = self._words

        def dropped() -> None:
            self._search(before)

        hint = "words; Enter keeps them, then Enter and Backspace go from hit to hit"
        question = Question(
            "Search", hint, self._search, changed=self._search, value=before, cancelled=dropped
        )
        self.screen.query_one(Prompt).ask(question)

    def action_hit(self, by: int) -> None:
        """Go to the next hit, or the one before."""
        if not self._words or self._view is None:
            raise SkipAction
        self._go(find_in_lines.next_hit(self._found(self._view), self._hit, by))

    def action_end_search(self) -> None:
        """End the search."""
        if not self._words:
            raise SkipAction
        self._search("")

    def _search(self, words: str) -> None:
        """Mark the hits, and go to the one that is nearest to what is shown."""
        if self._view is None or words == self._words:
            return
        self._words, self._hit = words, None
        self._go(find_in_lines.nearest(self._found(self._view), self._top(self._view)))

    def _go(self, line: int | None) -> None:
        """Show a line, with some before it."""
        self._hit = line
        if line is not None and self._view is not None:
            top, height = self._top(self._view), self.size.height - 1
            self._first = top if top <= line < top + height else max(0, line - height // 3)
        self._redraw()

    def _last(self, view: View) -> int:
        """The first line that is shown at the end."""
        return max(0, len(self._all(view)) - self.size.height + 1)

    def _top(self, view: View) -> int:
        """The first line that is shown now."""
        if self._first is None:
            return self._last(view) if self.FOLLOWS else 0
        return min(self._first, self._last(view))
