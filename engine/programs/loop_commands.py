"""Commands to a loop that is not ours: who may obey them, and what became of each."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from engine.runs.control import Command, Inbox, Refused
from engine.runs.events import CommandAnswered, StateChanged
from engine.runs.journal import Journal
from engine.runs.run_directory import RunDir
from presets import UserError

POLL_SECONDS = 0.1

Outcome = Literal["accepted", "applied", "rejected"]


class LoopCommands:
    """Hands commands to the loop, which obeys them when it logs, and answers the others."""

    def __init__(
        self, run: RunDir, journal: Journal, report: Callable[[dict[str, Any]], None]
    ) -> None:
        """`report` sends a message to the loop's process."""
        self._inbox = Inbox(run, POLL_SECONDS)
        self._journal = journal
        self._report = report
        self._stop: Command | None = None
        self._waiting: dict[str, CommandAnswered] = {}
        """What the loop was asked and has not answered, by id."""
        self.accepted: list[str] = ["stop"]
        """The names of what the loop accepts."""
        self.step = 0
        """The last one that was logged."""
        self.lr: float | None = None
        """The learning rate that was logged last."""

    def poll(self) -> None:
        """Take new commands."""
        for command in self._inbox.take():
            try:
                self._take(command)
            except UserError as error:
                self._emit(_event(command, "rejected", self.step, str(error)))

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
            reason = "" if stopped else "the loop ended without reading should_stop"
            outcome: Outcome = "applied" if stopped else "rejected"
            self._emit(_event(self._stop, outcome, self.step, reason))
        for id in list(self._waiting):
            self.answered(id, "rejected", "the loop ended before its next log")
        for command in self._inbox.take(at_once=True):
            reason = command.reason if isinstance(command, Refused) else "the run has ended"
            self._emit(_event(command, "rejected", self.step, reason))

    def _take(self, command: Command | Refused) -> None:
        """Raises UserError with the reason to reject it."""
        if isinstance(command, Refused):
            raise UserError(command.reason)
        if command.name == "stop":
            if self._stop is not None:
                raise UserError("the run was asked to stop already")
            self._stop = command
            seen = "the loop sees it in should_stop"
            if command.arguments.now:
                seen += "; its process is not ours to end"
            self._emit(_event(command, "accepted", self.step, seen))
            self._report({"stop": command.id})
            return
        calls = self._calls(command)
        asked = _event(command, "accepted", self.step)
        if command.name == "set":
            asked = msgspec.structs.replace(asked, arguments=calls)
        self._waiting[command.id] = asked
        self._emit(asked)
        self._report({"ask": {"id": command.id, "command": command.name, "calls": calls}})

    def _calls(self, command: Command) -> dict[str, Any]:
        """The functions that are meant, with their values. Raises UserError."""
        if command.name == "set":
            calls = _plain(command)
            calls |= calls.pop("own", {})
        else:
            calls = {"pause" if command.name == "resume" else command.name: None}
        if "lr_factor" in calls:
            if self.lr is None and "lr" in self.accepted:
                raise UserError("no lr was logged that a factor could change; give a value")
            calls["lr"] = calls.pop("lr_factor") * (self.lr or 0.0)
        refused = [name for name in calls if name not in self.accepted]
        if refused or not calls:
            accepted = ", ".join(self.accepted)
            raise UserError(f"this loop accepts {accepted}; not {', '.join(refused) or 'nothing'}")
        return calls if command.name != "resume" else {}

    def _emit(self, event: CommandAnswered) -> None:
        self._journal.emit(event)


def _event(
    command: Command | Refused, outcome: Outcome, step: int, reason: str = ""
) -> CommandAnswered:
    known = command if isinstance(command, Command) else None
    return CommandAnswered(
        id=command.id,
        command=known.name if known else "",
        arguments=_plain(known) if known else {},
        outcome=outcome,
        step=step,
        reason=reason[:500],
    )


def _plain(command: Command) -> dict[str, Any]:
    arguments: dict[str, Any] = msgspec.to_builtins(command.arguments)
    return arguments
