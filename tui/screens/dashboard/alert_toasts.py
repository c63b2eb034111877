"""Tells a person what happens to the runs that a screen watches."""

import os
import time
from collections.abc import Sequence

from textual.message import Message

from engine.runs.events import AnyEvent
from presets.userconfig import Alerts
from tui.runs.alerts import notify
from tui.runs.alerts.open_alerts import OpenAlerts, Unseen
from tui.runs.state.store import RunState
from tui.screens.dashboard.actions_base import DashboardActions
from tui.text import clean


class AlertToasts:
    """Alerts as toasts, as a list, and beyond the screen as the user's configuration has it."""

    class CommandFailed(Message):
        """The user's command for alerts did not work."""

        def __init__(self, line: str) -> None:
            super().__init__()
            self.line = line

    def __init__(self, screen: DashboardActions, limits: Alerts) -> None:
        """`screen` shows the toasts, and is posted `CommandFailed`."""
        self.book = OpenAlerts(limits, time.time())
        """The alerts since the screen was opened."""
        self._screen = screen
        self._limits = limits
        self._commands = notify.Commands(limits, self._command_failed)

    @property
    def unseen(self) -> Unseen:
        """Those that were told since the list was opened last."""
        return self.book.unseen

    def tell(self, state: RunState, events: Sequence[AnyEvent], *, earlier: bool) -> None:
        """Tell what these events, which were applied to the run, have brought; `earlier` if it is
        known that they happened before the screen was opened."""
        for alert in self.book.check(state, events, time.time(), earlier=earlier):
            name = self._screen.watched.name_of(state)
            self._screen.notify(
                clean(f"{name}: {alert.text}"),
                title="" if alert.is_news else f"{alert.letter} {alert.kind}, step {alert.step}",
                severity=alert.level,
                markup=False,
            )
            control = notify.sequences(alert, name, self._limits, os.environ)
            self._screen.host.write_control(control)
            self._commands.add(alert, name, str(state.run.path.absolute()))

    def show_list(self) -> None:
        """List what happened; all of it counts as seen."""
        from tui.screens.dashboard.alert_list import AlertsScreen

        self.book.seen()
        watched = self._screen.watched
        names = {state.id: watched.name_of(state) for state in watched.states.values()}
        self._screen.app.push_screen(AlertsScreen(tuple(self.book.entries), names))

    def _command_failed(self, line: str) -> None:
        """Called in the thread that runs the commands."""
        self._screen.post_message(self.CommandFailed(line))
