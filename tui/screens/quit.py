"""Leaving: asks what becomes of runs that train or are paused."""

from collections.abc import Sequence
from typing import Literal

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.runs import control, run_directory
from presets import UserError
from tui.panels.keys import Key, bindings
from tui.screens.app_screen import AppScreen, AtWork
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

    def __init__(self, active: Sequence[AtWork]) -> None:
        super().__init__()
        self._active = active

    def compose(self) -> ComposeResult:
        it = "it" if len(self._active) == 1 else "them"
        left = "paused" if all(each.paused for each in self._active) else "running"
        with Vertical(id="quit") as box:
            box.border_title = "Quit"
            yield Static(
                f"{_how(self._active)}\n\n"
                f"  l  leave {it} {left} and quit (Enter)\n"
                f"  s  stop {it} and quit\n"
                "  c  stay here (Esc)",
                markup=False,
            )

    def action_answer(self, answer: Answer) -> None:
        """Close with an answer."""
        self.dismiss(answer)


def _how(active: Sequence[AtWork]) -> str:
    """How many runs train, and how many are paused, in a sentence."""
    paused = sum(each.paused for each in active)
    trains = len(active) - paused
    if not paused:
        return f"{'A run is' if trains == 1 else f'{trains} runs are'} still training."
    keep = "keeps its memory" if paused == 1 else "keep their memory"
    if not trains:
        return f"{'A run is' if paused == 1 else f'{paused} runs are'} paused and {keep}."
    each = "one" if paused == 1 else f"{paused}"
    return f"{trains + paused} runs are at work: {each} of them paused, which {keep}."


def leave(screen: AppScreen, active: Sequence[AtWork]) -> None:
    """End the app, after asking what becomes of the runs that train or are paused."""
    if not active:
        screen.app.exit()
        return

    runs = [each.run for each in active]

    def answered(answer: Answer | None) -> None:
        if answer == "stop":
            for run in runs:
                try:
                    control.send(run, "stop")
                except UserError as error:
                    screen.complain(str(error))
            screen.app.exit(message=f"stopping {', '.join(clean(run.id) for run in runs)}")
        elif answer == "leave":
            names = " ".join(run_directory.address(run) for run in runs)
            still = "paused" if all(each.paused for each in active) else "training"
            screen.app.exit(
                message=clean(f"still {still}; come back with: bigmodel-tui watch {names}")
            )

    screen.app.push_screen(QuitScreen(active), answered)
