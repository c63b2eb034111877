"""What is shown when the terminal is too small for anything else."""

from textual.app import ComposeResult
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.panels.keys import Key, bindings

MIN_WIDTH = 72
MIN_HEIGHT = 20
"""The least size that the app can draw in, in cells."""


class TooSmallScreen(ModalScreen[None]):
    """The size of the terminal and the size that it needs; closed when the terminal is enlarged."""

    KEYS = (Key("q", "app.quit", "Quit", "quit; runs go on"),)
    BINDINGS = bindings(KEYS)

    def compose(self) -> ComposeResult:
        yield Static("", markup=False)

    def on_resize(self, event: Resize) -> None:
        self.query_one(Static).update(
            f"{event.size.width}x{event.size.height} is too small.\n"
            f"Needs {MIN_WIDTH}x{MIN_HEIGHT}: enlarge\nthe terminal. q quits;\nruns go on."
        )
