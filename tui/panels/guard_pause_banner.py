"""A banner that says why a run waits for a person, and what can be done about it."""

from collections.abc import Sequence

from rich.text import Text

from tui.panels.panel import Panel
from tui.plots.lane_view import View
from tui.runs.state.marks_and_notes import alarm_line
from tui.text import clean

_CHOICES = "p goes on, l lr, g clip, f fork, s stop"


class BannerPanel(Panel, can_focus=False):
    """A banner of two lines, shown only while a guard has paused the selected run."""

    ALLOW_MAXIMIZE = False

    def show(self, view: View) -> None:
        state = view.focus.state
        self.display = state.alarm is not None and state.paused is not None
        super().show(view)

    def _title_line(self, view: View, width: int) -> Text:
        alarm = view.focus.state.alarm
        line = Text(" ", style=f"bold {self.color('error')}")
        line.append(clean(alarm_line(alarm)) if alarm else "")
        line.truncate(width, overflow="ellipsis")
        return line

    def body(self, view: View, width: int, height: int) -> Sequence[Text]:
        alarm = view.focus.state.alarm
        name = alarm.checkpoint if alarm else ""
        good = f"last good: {clean(name)}" if name else "no good checkpoint"
        line = Text(f" {good}; ", style=self.color("foreground"))
        line.append(_CHOICES, style="bold")
        line.truncate(width, overflow="ellipsis")
        return [line]
