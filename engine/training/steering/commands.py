"""Steering of a run from outside: commands in its control folder, and signals to the process."""

import math
import signal
import time
from collections import deque
from types import FrameType
from typing import TYPE_CHECKING, Literal

import msgspec

from engine.runs.control import Arguments, Command, Inbox, Refused
from engine.runs.events import CommandAnswered, StateChanged
from engine.runs.journal import Journal
from engine.runs.run_directory import RunDir
from engine.training.steering.earlier_commands import Past
from presets import UserError

if TYPE_CHECKING:  # both import torch, which takes a second or two
    from engine.training.recording.profiling import Profiler
    from engine.training.saving.saver import Saver
    from engine.training.state import Training

_POLL_SECONDS = 0.05
"""Time between two polls of the control folder."""


class Signals:
    """A memory of SIGTERM and SIGINT, so that the loop can end between two steps."""

    def __init__(self) -> None:
        self.received = ""
        """The name of the first signal that came, "" if none did."""

    def install(self) -> None:
        """Take over both signals in this process."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._remember)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.received = self.received or signal.Signals(number).name


class Steering:
    """The engine's end of the control folder of one run: it reads, obeys and answers commands, in
    the order in which they were sent.

    A command is obeyed once, even if the engine dies in between: the next engine learns from the
    log which ones were answered. Commands that were applied after the checkpoint with which that
    engine begins are applied again at their steps.
    """

    def __init__(self, run: RunDir, journal: Journal, signals: Signals) -> None:
        """Raises OSError if the run has a log that cannot be read."""
        self.run = run
        self.paused = False
        self._inbox = Inbox(run, _POLL_SECONDS)
        self._journal = journal
        self._signals = signals
        self._past = Past(run)
        self._queue: deque[Command | Refused] = deque(self._past.unanswered)
        self._seen = {command.id for command in self._queue}
        self._again: deque[CommandAnswered] = deque()
        self._restarted_at = 0
        self._last: Command | None = None
        """The command, if any, to stop after the epoch that ends with step `_last_step`."""
        self._last_step = 0

    def stop_reason(self, step: int) -> str | None:
        """Before training begins: why it should not begin, None if it should. Obeys `stop` alone;
        other commands wait."""
        self._collect()
        for command in self._queue:
            if isinstance(command, Command) and command.name == "stop":
                self._queue.remove(command)
                self._answer(command, "accepted", step)
                self._answer(command, "applied", step)
                return "stop command"
        return self._signals.received or None

    def begin(self, training: "Training", restarted_at: int) -> None:
        """Training goes on from a checkpoint of step `restarted_at`: find the commands to apply
        again."""
        self._again.extend(self._past.applied_after(training.applied))
        self._restarted_at = restarted_at
        restart, paused = self._journal.restart, self._past.paused
        if restart and not restart.asked and paused:  # whoever resumes a run wants it to go on
            self.pause(restarted_at, paused.reason)

    def waiting(self, step: int) -> bool:
        """Whether there is something to obey after `step` steps. Cheap enough for every step."""
        self._collect()
        return bool(
            self._queue
            or self._signals.received
            or self.paused
            or (self._last and step >= self._last_step)
            or (self._again and self._again[0].step <= step)
        )

    def obey(self, training: "Training", saver: "Saver", profiler: "Profiler") -> str | None:
        """Obey the commands that are waiting, and wait as long as the run is paused.

        Returns why the run has to stop now, None if it goes on.
        """
        while True:
            self._apply_again(training)
            if reason := self._obey_waiting(training, saver, profiler):
                return reason
            if self._last and training.step >= self._last_step:
                self._answer(self._last, "applied", training.step)
                self._last = None
                return "stop command"
            if self._signals.received:
                return self._signals.received
            if not self.paused:
                return None
            with self._journal.busy("paused"):
                time.sleep(_POLL_SECONDS)
            self._collect()

    def pause(self, step: int, reason: str) -> None:
        """Pause; `obey` will wait until a person decides."""
        if not self.paused:
            self.paused = True
            self._journal.emit(StateChanged(state="paused", step=step, reason=reason))

    def close(self, step: int) -> None:
        """Answer the commands that came too late, after `step` steps, so that none stays without an
        answer."""
        late = [*self._queue, *self._inbox.take(at_once=True)]
        self._queue.clear()
        if self._last is not None:
            late.insert(0, self._last)
        for command in late:
            reason = command.reason if isinstance(command, Refused) else "the run has ended"
            self._answer(command, "rejected", step, reason)

    def _collect(self) -> None:
        for command in self._inbox.take():
            if not (command.id in self._seen or self._past.answered(command.id)):
                self._seen.add(command.id)
                self._queue.append(command)

    def _obey_waiting(
        self, training: "Training", saver: "Saver", profiler: "Profiler"
    ) -> str | None:
        while self._queue:
            command = self._queue.popleft()
            step = training.step
            if isinstance(command, Refused):
                self._answer(command, "rejected", step, command.reason)
                continue
            try:
                self._check(command)
                if command.arguments.after == "epoch":
                    self._stop_later(command, training)
                    continue
                self._answer(command, "accepted", step)
                changed = self._obey(command, training, saver, profiler)
            except UserError as error:
                self._answer(command, "rejected", step, str(error))
                continue
            self._answer(command, "applied", step, changed)
            if command.name == "stop":
                return "stop command"
            self._tell_state(command, step)
        return None

    def _check(self, command: Command) -> None:
        """Raises UserError with the reason if the command is to be rejected."""
        arguments = set(_plain(command.arguments))
        of_stop = {"after", "now"}
        of_set = set(Arguments.__struct_fields__) - of_stop - {"own"}
        known = {"stop": of_stop, "set": of_set}
        unknown = sorted(arguments - known.get(command.name, set()))
        if unknown:
            raise UserError(f"{command.name} knows no {' or '.join(unknown)}")
        if command.name == "resume" and not self.paused:
            raise UserError("the run is not paused")
        if command.name == "pause" and self.paused:
            raise UserError("the run is paused already")

    def _stop_later(self, command: Command, training: "Training") -> None:
        """Plan to stop after the epoch in which the command was first accepted."""
        if self._last is not None:
            raise UserError(f"the run stops after step {self._last_step} already")
        begun = max(training.step, self._past.accepted_at(command.id), 1)
        epochs = math.ceil(begun / training.steps_per_epoch)
        self._last, self._last_step = command, epochs * training.steps_per_epoch
        self._answer(command, "accepted", training.step, f"stops after step {self._last_step}")

    def _obey(
        self, command: Command, training: "Training", saver: "Saver", profiler: "Profiler"
    ) -> str:
        """Returns what changed, in one line. Raises UserError with the reason to reject it."""
        if command.name == "set":
            changed = training.change(command.arguments)
            training.applied.append(command.id)
            return changed
        if command.name == "checkpoint":
            trouble = saver.save("command")
            if trouble or saver.newest is None:
                raise UserError(trouble or "nothing to save")
            return f"saved {saver.newest.name}"
        if command.name == "profile":
            profiler.begin(training.step)
            return "the next steps"
        return ""

    def _tell_state(self, command: Command, step: int) -> None:
        if command.name == "pause":
            self.pause(step, "command")
        elif command.name == "resume":
            self.paused = False
            self._journal.emit(StateChanged(state="running", step=step, reason="command"))

    def _apply_again(self, training: "Training") -> None:
        """Apply the commands of the log that the checkpoint lacks, at their steps in the log."""
        while self._again and self._again[0].step <= training.step:
            command = self._again.popleft()
            changed = training.change(msgspec.convert(command.arguments, Arguments))
            training.applied.append(command.id)
            self._journal.say(f"step {training.step}: {changed}, again after the restart")
            if command.step > self._restarted_at:  # what the log says of later steps is void
                self._journal.emit(
                    CommandAnswered(
                        id=command.id,
                        command=command.command,
                        arguments=command.arguments,
                        outcome="applied",
                        step=training.step,
                        reason=changed,
                    )
                )

    def _answer(
        self,
        command: Command | Refused,
        outcome: Literal["accepted", "applied", "rejected"],
        step: int,
        reason: str = "",
    ) -> None:
        self._journal.emit(
            CommandAnswered(
                id=command.id,
                command=command.name if isinstance(command, Command) else "",
                arguments=_plain(command.arguments) if isinstance(command, Command) else {},
                outcome=outcome,
                step=step,
                reason=reason[:500],
            )
        )
        if outcome == "applied":
            # Before the next step: an engine that continues this one applies the command again at
            # the step that the log names, and would obey it as a new one where the log names none.
            self._journal.flush()


def _plain(arguments: Arguments) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(arguments)
    return plain
