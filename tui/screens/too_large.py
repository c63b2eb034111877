"""A question before runs begin that do not fit into memory: the kernel may end them, or others."""

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from presets import UserError
from presets.schema import RunConfig
from tui.panels.keys import Key, bindings
from tui.screens.app_screen import AppScreen
from tui.text import clean


class TooLargeScreen(ModalScreen[bool]):
    """A question: start what does not fit into memory, or go back."""

    KEYS = (
        Key("y", "answer(True)", "Start", "start it all the same"),
        Key("escape,n,q,enter", "answer(False)", "Back", "go back and start nothing"),
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, why: str) -> None:
        """`why` names the estimate and what is free."""
        super().__init__()
        self._why = why

    def compose(self) -> ComposeResult:
        with Vertical(id="too-large") as box:
            box.border_title = "Memory"
            yield Static(
                f"{clean(self._why)}\n\n"
                "It may be killed for memory, and other programs with it.\n\n"
                "  y  start it all the same\n"
                "  n  go back (Enter, Esc)",
                markup=False,
            )

    def action_answer(self, answer: bool) -> None:
        """Close with an answer."""
        self.dismiss(answer)


def start_if_it_fits(
    screen: AppScreen,
    configs: Sequence[RunConfig],
    start: Callable[[], None],
    *,
    otherwise: Callable[[], None] = lambda: None,
) -> None:
    """Call `start` if the runs fit into memory, or if a person wants them all the same; else
    `otherwise`, also if the screen was left meanwhile.

    The devices are asked in a thread.
    """

    def measure() -> None:
        try:
            from tui.choices import memory_verdict

            why = memory_verdict.too_large(configs)
        except UserError:  # the start says so
            why = ""
        screen.app.call_from_thread(ask, why)

    def ask(why: str) -> None:
        if not screen.is_current:
            otherwise()
        elif why:
            screen.app.push_screen(TooLargeScreen(why), answered)
        else:
            start()

    def answered(wanted: bool | None) -> None:
        (start if wanted else otherwise)()

    screen.run_worker(measure, thread=True, group="memory")
