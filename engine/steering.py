"""What can end a run from outside: commands in its control folder, and signals to the process."""

import signal
from types import FrameType
from typing import Literal

from engine.control import Inbox, Refused, Request
from engine.events import Command
from engine.journal import Journal
from engine.rundir import RunDir

_OBEYED: tuple[Literal["accepted", "applied"], ...] = ("accepted", "applied")


class Signals:
    """Remembers SIGTERM or SIGINT, so that the loop can end between two steps."""

    def __init__(self) -> None:
        self.received = ""
        """The name of the first signal that came."""

    def install(self) -> None:
        """Take over both signals in this process."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._remember)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.received = self.received or signal.Signals(number).name


class Steering:
    """Reads and answers the commands to one run."""

    def __init__(self, run: RunDir, journal: Journal, signals: Signals) -> None:
        self._inbox = Inbox(run)
        self._journal = journal
        self._signals = signals

    def stop_reason(self, step: int) -> str | None:
        """Why the run has to stop now, after `step` steps; None to go on. Cheap enough to be asked
        before every step."""
        reason = self._signals.received or None
        for request in self._inbox.take():
            if isinstance(request, Refused):
                self._reject(request, step)
                continue
            # `stop` is the only command so far, and nothing stands between taking and obeying it.
            for outcome in _OBEYED:
                answer = Command(id=request.id, command=request.command, outcome=outcome, step=step)
                self._journal.emit(answer)
            reason = reason or "stop command"
        return reason

    def close(self, step: int) -> None:
        """Answer what came too late: no command stays without an answer."""
        for request in self._inbox.take(at_once=True):
            self._reject(request, step)

    def _reject(self, request: Request | Refused, step: int) -> None:
        if isinstance(request, Refused):
            command, reason = "", request.reason
        else:
            command, reason = request.command, "the run has ended"
        self._journal.emit(
            Command(id=request.id, command=command, outcome="rejected", step=step, reason=reason)
        )
