"""The base of panels that list things: a head line, and a row for each, one of them selected."""

from textual.events import Click
from textual.message import Message

from tui.panels.keys import MOVE, bindings
from tui.panels.panel import Panel, V


class RowsPanel(Panel[V]):
    """A list whose selected row a person changes by keys or a click; the screen decides."""

    KEYS = MOVE
    BINDINGS = bindings(KEYS)

    class Selected(Message):
        """Another row was selected, by its place in the list."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def number_of_rows(self, view: V) -> int:
        """How many rows there are, shown or not."""
        raise NotImplementedError

    def selected_row(self, view: V) -> int:
        """The place of the selected row."""
        raise NotImplementedError

    def action_move(self, by: int) -> None:
        """Select the next or previous row, from one end on to the other."""
        if self._view is not None and (number := self.number_of_rows(self._view)):
            self.post_message(self.Selected((self.selected_row(self._view) + by) % number))

    def on_click(self, event: Click) -> None:
        """Select the row under the mouse."""
        if self._view is None or event.y < 2:  # the title and the head line
            return
        place = event.y - 2 + self.first_row(self._view, self.size.height - 1)
        if place < self.number_of_rows(self._view):
            self.post_message(self.Selected(place))

    def first_row(self, view: V, height: int) -> int:
        """The first row that is shown, such that the selected one is, in `height` lines."""
        return max(0, self.selected_row(view) - max(1, height - 1) + 1)
