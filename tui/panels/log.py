"""What happened to the selected run: what its engine wrote, commands, checkpoints, faults."""

from collections.abc import Iterable, Sequence

from rich.text import Text

from tui.panels.lines import LinesPanel
from tui.plots.lane_view import View
from tui.runs.state.marks_and_notes import Note
from tui.text import clean, clock, count

_COLORS = {"info": "foreground", "good": "success", "warning": "warning", "error": "error"}


class LogPanel(LinesPanel):
    """A panel of the log's lines together with what happened, newest last."""

    HEADING = "Log"
    FOLLOWS = True

    def remark(self, view: View) -> Text:
        """A remark on the lines that are missing."""
        state = view.focus.state
        missing = []
        if state.lost_records:
            missing.append(f"gap: {_plural(state.lost_records, 'record')} not written")
        if state.damaged:
            missing.append(f"{_plural(state.damaged, 'damaged line')} skipped")
        if state.fallen:
            missing.append(f"{_plural(state.fallen, 'value')} skipped whose step goes back")
        return Text(", ".join(missing), style=self.color("warning"))

    def lines(self, view: View, width: int) -> Sequence[Text]:
        return self._notes(view.focus.state.history)

    def _notes(self, notes: Iterable[Note]) -> list[Text]:
        lines = []
        for note in notes:
            line = Text(f" {clock(note.time)} ", style=self.color("plot-ink"))
            lines.append(line.append(clean(note.text), style=self.color(_COLORS[note.level])))
        return lines


class HistoryPanel(LogPanel):
    """A panel of what happened without the log's lines: commands and what became of them,
    checkpoints, pauses, restarts, faults."""

    HEADING = "History"

    def remark(self, view: View) -> Text:
        return Text("commands, checkpoints, restarts, faults", style=self.color("plot-ink"))

    def lines(self, view: View, width: int) -> Sequence[Text]:
        happened = self._notes(view.focus.state.happened)
        return happened or [Text(" nothing yet", style=self.color("plot-ink"))]


def _plural(number: int, noun: str) -> str:
    return f"{count(number)} {noun}{'s' * (number != 1)}"
