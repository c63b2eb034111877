"""Asks what becomes of runs that still train when the screen is left."""

from typing import Literal

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

Answer = Literal["leave", "stop", "cancel"]


class QuitScreen(ModalScreen[Answer]):
    """Leave the runs running, stop them, or stay."""

    BINDINGS = [
        ("l,enter", "answer('leave')", "Leave it running"),
        ("s", "answer('stop')", "Stop it"),
        ("escape,c", "answer('cancel')", "Stay"),
    ]

    def __init__(self, active: int) -> None:
        super().__init__()
        self._active = active

    def compose(self) -> ComposeResult:
        runs, it = ("A run is", "it") if self._active == 1 else (f"{self._active} runs are", "them")
        with Vertical(id="quit") as box:
            box.border_title = "Quit"
            yield Static(
                f"{runs} still training.\n\n"
                f"  l  leave {it} running and quit (Enter)\n"
                f"  s  stop {it} and quit\n"
                "  c  stay here (Esc)",
                markup=False,
            )

    def action_answer(self, answer: Answer) -> None:
        """Close with an answer."""
        self.dismiss(answer)
