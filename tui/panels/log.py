"""The last lines that the engine of the selected run wrote."""

import time
from collections.abc import Sequence

from rich.text import Text

from tui.lanes import View
from tui.panels.panel import Panel
from tui.text import clean

_COLORS = {"info": "foreground", "warning": "warning", "error": "error"}


class LogPanel(Panel):
    """As many of the newest lines as there is room for."""

    HEADING = "Log"

    def heading(self, view: View) -> Text:
        damaged = view.focus.state.damaged
        if not damaged:
            return Text()
        lines = f"{damaged} damaged line{'s' * (damaged > 1)} skipped"
        return Text(lines, style=self.color("warning"))

    def body(self, view: View, width: int, height: int) -> Sequence[Text]:
        newest = list(view.focus.state.log)[-height:] if height else []
        lines = []
        for event in newest:
            line = Text(f" {time.strftime('%H:%M', time.localtime(event.time))} ")
            line.stylize(self.color("plot-ink"))
            line.append(clean(event.message), style=self.color(_COLORS[event.level]))
            line.truncate(width, overflow="ellipsis")
            lines.append(line)
        return lines
