"""The list of alerts: what happened to the open runs, newest first."""

from collections.abc import Mapping, Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.panels.keys import bindings, closing
from tui.runs.alerts.open_alerts import Entry
from tui.text import clean, clock, count

_COLORS = {"information": "success", "warning": "warning", "error": "error"}
_EMPTY = (
    "No alerts. A run is watched for values that are not finite, a loss that\n"
    "diverges, gradients that explode, clipping at nearly every step, a plateau,\n"
    "a stall, a failure and a crash. A good end is told once, and is no alert.\n\n"
    "Set how you are told in config.yaml under `alerts`: bell, notify, command."
)


class AlertsScreen(ModalScreen[None]):
    """A window over the dashboard with the alerts of its runs, newest first."""

    KEYS = (closing("escape,q,exclamation_mark"),)
    BINDINGS = bindings(KEYS)

    def __init__(self, entries: Sequence[Entry], names: Mapping[str, str]) -> None:
        """`names` are what the screen calls the runs, by id."""
        super().__init__()
        self._entries = list(reversed(entries))
        self._names = names

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="alerts") as box:
            box.border_title = "Alerts"
            box.border_subtitle = "Esc closes"
            yield Static(self._lines() if self._entries else Text(_EMPTY))

    def _lines(self) -> Text:
        text = Text()
        for entry in self._entries:
            alert = entry.alert
            text.append(f"{clock(entry.time)}  ")
            color = self.app.theme_variables[_COLORS[alert.level]]
            text.append(f"{alert.letter} {alert.kind:<10}", style=f"bold {color}")
            text.append(f"  step {count(alert.step)}  ")
            if len(self._names) > 1:
                text.append(f"{clean(self._names.get(alert.run, alert.run), 30)}  ", style="bold")
            text.append(clean(alert.text))
            text.append("  (earlier)\n" if entry.past else "\n")
        text.rstrip()
        return text
