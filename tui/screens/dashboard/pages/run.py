"""The sixth page: how the selected run was configured, what happened to it, what it printed."""

from collections.abc import Sequence

from textual import work
from textual.message import Message

from tui.panels.all_settings import ConfigurationPanel
from tui.panels.engine_log import EngineLogPanel
from tui.panels.log import HistoryPanel, LogPanel
from tui.panels.panel import Panel
from tui.panels.panel_grid import Cell
from tui.plots.lane_view import View
from tui.runs import text_tail as tail
from tui.runs.run import Run
from tui.runs.text_tail import Tail
from tui.screens.dashboard.pages.page import FixedPage

_POLL_SECONDS = 1.0
"""How often the output is read again while the page is shown."""
_NO_OUTPUT = Tail(problem="this log has no output")
"""Shown for another program's log; what that program printed was not kept."""


class RunPage(FixedPage, can_focus=False):
    """The page of one run's configuration, history, log and output, each scrolled and searched."""

    NAME = "Run"
    ID = "run-page"

    class Read(Message):
        """A thread has read the output of a run."""

        def __init__(self, run: Run, tail: Tail) -> None:
            super().__init__()
            self.run = run
            self.tail = tail

    def __init__(self) -> None:
        super().__init__()
        self._tail: tuple[str, Tail] = ("", Tail())

    def panels(self) -> Sequence[tuple[Panel, Cell, Cell]]:
        return [
            (ConfigurationPanel(id="configuration"), Cell(6), Cell(6)),
            (HistoryPanel(id="history"), Cell(6), Cell(6)),
            (LogPanel(id="log-lines"), Cell(6), Cell(12)),
            (EngineLogPanel(id="output"), Cell(6), Cell(12)),
        ]

    def on_mount(self) -> None:
        self._timer = self.set_interval(_POLL_SECONDS, self._poll)

    def opened(self) -> None:
        self._timer.resume()
        self._poll()

    def closed(self) -> None:
        self._timer.pause()

    def show(self, view: View) -> None:
        other = self._view is None or self._view.focus.state is not view.focus.state
        super().show(view)
        if other:
            self._poll()

    def _poll(self) -> None:
        if self._view is not None:
            run = self._view.focus.state.run
            self._read(run, self._tail[1] if self._tail[0] == run.id else None)

    # A network disk may take its time; the screen does not wait for it.
    @work(thread=True, exclusive=True, group="tail")
    def _read(self, run: Run, before: Tail | None) -> None:
        path = run.engine_log_path
        found = _NO_OUTPUT if path is None else tail.read(path, before)
        self.post_message(self.Read(run, found))

    def on_run_page_read(self, message: Read) -> None:
        self._tail = message.run.id, message.tail
        self.query_one(EngineLogPanel).take(message.run.id, message.tail)
