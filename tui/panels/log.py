"""What happened to the selected run: what its engine wrote, commands, checkpoints, faults."""

from collections.abc import Sequence

from rich.text import Text

from tui.lanes import View
from tui.panels.panel import Panel
from tui.text import clean, clock, count

_COLORS = {"info": "foreground", "good": "success", "warning": "warning", "error": "error"}


class LogPanel(Panel):
    """As many of the newest lines as there is room for."""

    HEADING = "Log"

    def heading(self, view: View) -> Text:
        """What is missing from what is shown."""
        state = view.focus.state
        missing = []
        if state.lost_records:
            missing.append(f"gap: {_plural(state.lost_records, 'record')} not written")
        if state.damaged:
            missing.append(f"{_plural(state.damaged, 'damaged line')} skipped")
        return Text(", ".join(missing), style=self.color("warning"))

    def body(self, view: View, width: int, height: int) -> Sequence[Text]:
        newest = list(view.focus.state.history)[-height:] if height else []
        lines = []
        for note in newest:
            line = Text(f" {clock(note.time)} ")
            line.stylize(self.color("plot-ink"))
            line.append(clean(note.text), style=self.color(_COLORS[note.level]))
            line.truncate(width, overflow="ellipsis")
            lines.append(line)
        return lines


def _plural(number: int, noun: str) -> str:
    return f"{count(number)} {noun}{'s' * (number != 1)}"
