"""Leaving: asks what becomes of runs that still train."""

from collections.abc import Sequence
from typing import Literal

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.runs import control, run_directory
from engine.runs.run_directory import RunDir
from presets import UserError
from tui.panels.keys import Key, bindings
from tui.screens.app_screen import AppScreen
from tui.text import clean

Answer = Literal["leave", "stop", "cancel"]


class QuitScreen(ModalScreen[Answer]):
    """A question: leave the runs running, stop them, or stay."""

    KEYS = (
        Key("l,enter", "answer('leave')", "Leave it running", "leave the runs running, and quit"),
        Key("s", "answer('stop')", "Stop it", "stop the runs, and quit"),
        Key("escape,c", "answer('cancel')", "Stay", "stay"),
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, active: int) -> None:
        """`active` is the number of runs that still train."""
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


def leave(screen: AppScreen, active: Sequence[RunDir]) -> None:
    """End the app, after asking what becomes of the runs that still train."""
    if not active:
        screen.app.exit()
        return

    def answered(answer: Answer | None) -> None:
        if answer == "stop":
            for run in active:
                try:
                    control.send(run, "stop")
                except UserError as error:
                    screen.complain(str(error))
            screen.app.exit(message=f"stopping {', '.join(clean(run.id) for run in active)}")
        elif answer == "leave":
            names = " ".join(run_directory.address(run) for run in active)
            screen.app.exit(
                message=clean(f"still training; come back with: bigmodel-tui watch {names}")
            )

    screen.app.push_screen(QuitScreen(len(active)), answered)
