"""The base of the dashboard's actions for pages, plots and steering: the runs, and the view."""

from collections.abc import Mapping, Sequence
from typing import Any

from tui.runs.news import News
from tui.runs.run import Run
from tui.runs.state.store import RunState
from tui.screens.dashboard.watched_runs import WatchedRuns
from tui.screens.fork_resume_rerun import RunActions


class DashboardActions(RunActions):
    """A screen that watches runs; its keys are about the selected one."""

    def __init__(self, runs: Sequence[Run], selected: Run | None = None) -> None:
        super().__init__()
        self.watched = WatchedRuns(runs, selected, self.deliver)

    def deliver(self, news: tuple[News, ...]) -> None:
        """Called in the feed's thread when there is something new."""
        raise NotImplementedError

    def change_view(self, **changes: Any) -> None:
        """Replace fields of the view, and show the panels the new one."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw the panels in sight, in this frame."""
        raise NotImplementedError

    def state_at_hand(self) -> RunState | None:
        """What is known of the selected run."""
        return self.watched.at_hand

    def run_at_hand(self) -> Run | None:
        state = self.state_at_hand()
        return state.run if state is not None else None

    def status_at_hand(self) -> str:
        state = self.state_at_hand()
        return state.status if state is not None else ""

    def label_at_hand(self) -> str:
        return self.watched.label_at_hand

    def settings_at_hand(self) -> Mapping[str, Any] | None:
        state = self.state_at_hand()
        return state.config if state is not None else None

    def runs_shown(self) -> Sequence[Run]:
        return self.watched.runs
