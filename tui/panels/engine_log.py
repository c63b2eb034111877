"""What the selected run's training process printed: the end of its `engine.log`."""

from collections.abc import Sequence

from rich.text import Text

from tui.panels.lines import LinesPanel
from tui.plots.lane_view import View
from tui.runs.text_tail import Tail
from tui.text import clean, count


class EngineLogPanel(LinesPanel):
    """A panel of lines that the page reads from the file."""

    HEADING = "Output"
    FOLLOWS = True

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._tail = Tail()
        self._texts: list[Text] = []
        self._run = ""

    def take(self, run: str, tail: Tail) -> None:
        """Show the lines that the file of this run has now."""
        if (run, tail) != (self._run, self._tail):
            self._run, self._tail = run, tail
            self._texts = [Text(f" {line}", style=self.color("foreground")) for line in tail.lines]
            self._redraw()

    def remark(self, view: View) -> Text:
        if view.focus.state.read_only:
            return Text()
        words = clean(str(view.focus.state.run.engine_log_path))
        if self._tail.cut:
            words = f"the last {count(len(self._tail.lines))} lines of {words}"
        return Text(words, style=self.color("plot-ink"))

    def lines(self, view: View, width: int) -> Sequence[Text]:
        if self._run == view.focus.state.id and self._texts:
            return self._texts
        words = self._tail.problem if self._run == view.focus.state.id else "reading"
        return [Text(f" {words or 'nothing was printed'}", style=self.color("plot-ink"))]
