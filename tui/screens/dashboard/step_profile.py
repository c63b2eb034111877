"""Where the time of some steps went: the most expensive operations, and where the trace is."""

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.runs.events import Operation, Profiled
from tui.panels.keys import bindings, closing
from tui.text import clean, count, number

_BAR = 20


class ProfileScreen(ModalScreen[None]):
    """A window over the dashboard with the operations of a profile, most expensive first."""

    KEYS = (closing(),)
    BINDINGS = bindings(KEYS)

    def __init__(self, profile: Profiled) -> None:
        super().__init__()
        self._profile = profile

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="profile") as box:
            box.border_title = f"Steps {self._profile.first_step} to {self._profile.last_step}"
            box.border_subtitle = "Esc closes"
            yield Static(self._table(self._profile.operations), id="operations")
            yield Static(
                f"\nThe whole trace, for Perfetto or chrome://tracing, is in the run's directory: "
                f"{clean(self._profile.trace)}",
                markup=False,
            )

    def _table(self, operations: Sequence[Operation]) -> Text:
        text = Text("   share  time        calls  operation\n", style="bold")
        full = "#" if getattr(self.app, "plain", False) else "█"
        most = max((operation.share for operation in operations), default=0.0) or 1.0
        for operation in operations:
            text.append(f" {operation.share:7.1%}", style="bold")
            text.append(f"  {number(operation.seconds * 1000, 3)} ms".ljust(13))
            text.append(f"{count(operation.calls):>6}  ")
            bar = full * round(operation.share / most * _BAR)
            text.append(bar.ljust(_BAR + 1), style=self.app.theme_variables["lane-0"])
            text.append(f"{clean(operation.name, 60)}\n")
        return text
