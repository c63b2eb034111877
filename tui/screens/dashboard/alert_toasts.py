"""Tells a person what happens to the runs that a screen watches."""

import os
import time
from collections.abc import Sequence
from functools import cached_property

from textual.binding import Binding
from textual.message import Message

from engine.runs.events import AnyEvent
from presets.userconfig import Alerts
from tui.runs.alerts import notify
from tui.runs.alerts.open_alerts import OpenAlerts
from tui.runs.store import RunState
from tui.screens.dashboard.alerts import AlertsScreen
from tui.screens.run_actions import SteeringScreen
from tui.text import clean


class AlertingScreen(SteeringScreen):
    """Alerts as toasts, as a list, and beyond the screen as the user's configuration has it."""

    BINDINGS = [
        Binding(
            "exclamation_mark",
            "alerts",
            "Alerts",
            show=False,
            key_display="!",
            tooltip="What happened to the runs: NaN, divergence, stalls, ...",
        ),
    ]
    ALERTING_KEYS = (("!", "alerts: what happened to the runs"),)

    class CommandFailed(Message):
        """The user's command for alerts did not work."""

        def __init__(self, line: str) -> None:
            super().__init__()
            self.line = line

    @cached_property
    def _limits(self) -> Alerts:
        config: Alerts = self._app.config.alerts
        return config

    @cached_property
    def book(self) -> OpenAlerts:
        """The alerts since this screen was opened."""
        return OpenAlerts(self._limits, time.time())

    @cached_property
    def _commands(self) -> notify.Commands:
        def complain(line: str) -> None:
            self.post_message(self.CommandFailed(line))

        return notify.Commands(self._limits, complain)

    def states(self) -> Sequence[RunState]:
        """The runs that are watched."""
        raise NotImplementedError

    def alerts_seen(self) -> None:
        """The list was opened: the counter goes."""
        raise NotImplementedError

    def look_for_alerts(
        self, state: RunState, events: Sequence[AnyEvent], *, earlier: bool
    ) -> None:
        """Tell what these events, which were applied to the run, have brought."""
        for alert in self.book.check(state, events, time.time(), earlier=earlier):
            name = self.name_of(state)
            self.notify(
                clean(f"{name}: {alert.text}"),
                title=f"{alert.kind}, step {alert.step}",
                severity=alert.level,
                markup=False,
            )
            self._app.write_control(notify.sequences(alert, name, self._limits, os.environ))
            self._commands.add(alert, name, str(state.run.path.absolute()))

    def on_alerting_screen_command_failed(self, message: CommandFailed) -> None:
        self.complain(message.line)

    def action_alerts(self) -> None:
        """List what happened."""
        self.book.seen()
        self.alerts_seen()
        names = {state.id: self.name_of(state) for state in self.states()}
        self.app.push_screen(AlertsScreen(tuple(self.book.entries), names))
