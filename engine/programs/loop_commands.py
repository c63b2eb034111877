"""Commands to a loop that is not ours: who may obey them, and what became of each."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from engine.runs.control import Inbox, Refused, Request
from engine.runs.events import Command, StateChanged
from engine.runs.journal import Journal
from engine.runs.run_directory import RunDir
from presets import UserError

LOOK_SECONDS = 0.1

Outcome = Literal["accepted", "applied", "rejected"]


class LoopCommands:
    """Hands commands to the loop, which obeys them when it logs, and answers the others."""

    def __init__(
        self, run: RunDir, journal: Journal, report: Callable[[dict[str, Any]], None]
    ) -> None:
        """`report` sends a message to the loop's process."""
        self._inbox = Inbox(run, LOOK_SECONDS)
        self._journal = journal
        self._report = report
        self._stop: Request | None = None
        self._waiting: dict[str, Command] = {}
        """What the loop was asked and has not answered, by id."""
        self.accepted: list[str] = ["stop"]
        """The names of what the loop accepts."""
        self.step = 0
        """The last one that was logged."""
        self.lr: float | None = None
        """The learning rate that was logged last."""

    def look(self) -> None:
        """Take new commands."""
        for request in self._inbox.take():
            try:
                self._take(request)
            except UserError as error:
                self._emit(_event(request, "rejected", self.step, str(error)))

    def answered(self, id: str, outcome: Outcome, reason: str) -> None:
        """The loop did, or did not, what it was asked for."""
        if (asked := self._waiting.pop(id, None)) is not None:
            changes = {"outcome": outcome, "reason": reason, "step": self.step}
            self._emit(msgspec.structs.replace(asked, **changes))

    def state(self, state: Literal["paused", "running"], reason: str) -> None:
        """The loop waits, or goes on."""
        self._journal.emit(StateChanged(state=state, step=self.step, reason=reason))

    def close(self, *, stopped: bool) -> None:
        """The loop has ended; `stopped` is whether it knew that it was asked to."""
        if self._stop is not None:
            reason = "" if stopped else "the loop ended without a look at should_stop"
            outcome: Outcome = "applied" if stopped else "rejected"
            self._emit(_event(self._stop, outcome, self.step, reason))
        for id in list(self._waiting):
            self.answered(id, "rejected", "the loop ended before its next log")
        for request in self._inbox.take(at_once=True):
            reason = request.reason if isinstance(request, Refused) else "the run has ended"
            self._emit(_event(request, "rejected", self.step, reason))

    def _take(self, request: Request | Refused) -> None:
        """Raises UserError with the reason to reject it."""
        if isinstance(request, Refused):
            raise UserError(request.reason)
        if request.command == "stop":
            if self._stop is not None:
                raise UserError("the run was asked to stop already")
            self._stop = request
            seen = "the loop sees it in should_stop"
            self._emit(_event(request, "accepted", self.step, seen))
            self._report({"stop": request.id})
            return
        calls = self._calls(request)
        asked = _event(request, "accepted", self.step)
        if request.command == "set":
            asked = msgspec.structs.replace(asked, arguments=calls)
        self._waiting[request.id] = asked
        self._emit(asked)
        self._report({"ask": {"id": request.id, "command": request.command, "calls": calls}})

    def _calls(self, request: Request) -> dict[str, Any]:
        """The functions that are meant, with their values. Raises UserError."""
        if request.command == "set":
            calls = _plain(request)
            calls |= calls.pop("own", {})
        else:
            calls = {"pause" if request.command == "resume" else request.command: None}
        if "lr_factor" in calls:
            if self.lr is None and "lr" in self.accepted:
                raise UserError("no lr was logged that a factor could change; give a value")
            calls["lr"] = calls.pop("lr_factor") * (self.lr or 0.0)
        refused = [name for name in calls if name not in self.accepted]
        if refused or not calls:
            accepted = ", ".join(self.accepted)
            raise UserError(f"this loop accepts {accepted}; not {', '.join(refused) or 'nothing'}")
        return calls if request.command != "resume" else {}

    def _emit(self, event: Command) -> None:
        self._journal.emit(event)


def _event(request: Request | Refused, outcome: Outcome, step: int, reason: str = "") -> Command:
    known = request if isinstance(request, Request) else None
    return Command(
        id=request.id,
        command=known.command if known else "",
        arguments=_plain(known) if known else {},
        outcome=outcome,
        step=step,
        reason=reason[:500],
    )


def _plain(request: Request) -> dict[str, Any]:
    arguments: dict[str, Any] = msgspec.to_builtins(request.arguments)
    return arguments
