"""What steers a run from outside: commands in its control folder, and signals to the process."""

import math
import signal
import time
from collections import deque
from types import FrameType
from typing import TYPE_CHECKING, Literal

import msgspec

from engine.runs.control import Arguments, Inbox, Refused, Request
from engine.runs.events import Command, StateChanged
from engine.runs.journal import Journal
from engine.runs.run_directory import RunDir
from engine.training.steering.earlier_commands import Past
from presets import UserError

if TYPE_CHECKING:  # both import torch, which takes a second or two
    from engine.training.recording.profiling import Profiler
    from engine.training.saving.saver import Saver
    from engine.training.state import Training

_LOOK_SECONDS = 0.05
"""Between two looks at the control folder."""


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
    """Reads, obeys and answers the commands to one run, in the order in which they were sent.

    A command is obeyed once, also if the engine dies in between: the log tells the next one which
    were answered. Those that were applied after the checkpoint it begins with are applied again at
    their steps.
    """

    def __init__(self, run: RunDir, journal: Journal, signals: Signals) -> None:
        """Raises OSError if the run has a log that cannot be read."""
        self.run = run
        self.paused = False
        self._inbox = Inbox(run, _LOOK_SECONDS)
        self._journal = journal
        self._signals = signals
        self._past = Past(run)
        self._queue: deque[Request | Refused] = deque(self._past.unanswered)
        self._seen = {request.id for request in self._queue}
        self._again: deque[Command] = deque()
        self._restarted_at = 0
        self._last: Request | None = None
        """A command to stop after the epoch that ends with step `_last_step`."""
        self._last_step = 0

    def stop_reason(self, step: int) -> str | None:
        """Before training begins: why there is nothing to begin. Other commands wait."""
        self._collect()
        for request in self._queue:
            if isinstance(request, Request) and request.command == "stop":
                self._queue.remove(request)
                self._answer(request, "accepted", step)
                self._answer(request, "applied", step)
                return "stop command"
        return self._signals.received or None

    def begin(self, training: "Training", restarted_at: int) -> None:
        """Training goes on from a checkpoint of step `restarted_at`: look up what is to be applied
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
        """Obey what is waiting, and wait as long as the run is paused.

        Returns why the run has to stop now; None to go on.
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
                time.sleep(_LOOK_SECONDS)
            self._collect()

    def pause(self, step: int, reason: str) -> None:
        """Pause; `obey` will wait until a person decides."""
        if not self.paused:
            self.paused = True
            self._journal.emit(StateChanged(state="paused", step=step, reason=reason))

    def close(self, step: int) -> None:
        """Answer what came too late: no command stays without an answer."""
        late = [*self._queue, *self._inbox.take(at_once=True)]
        self._queue.clear()
        if self._last is not None:
            late.insert(0, self._last)
        for request in late:
            reason = request.reason if isinstance(request, Refused) else "the run has ended"
            self._answer(request, "rejected", step, reason)

    def _collect(self) -> None:
        for request in self._inbox.take():
            if not (request.id in self._seen or self._past.answered(request.id)):
                self._seen.add(request.id)
                self._queue.append(request)

    def _obey_waiting(
        self, training: "Training", saver: "Saver", profiler: "Profiler"
    ) -> str | None:
        while self._queue:
            request = self._queue.popleft()
            step = training.step
            if isinstance(request, Refused):
                self._answer(request, "rejected", step, request.reason)
                continue
            try:
                self._check(request)
                if request.arguments.after == "epoch":
                    self._stop_later(request, training)
                    continue
                self._answer(request, "accepted", step)
                changed = self._obey(request, training, saver, profiler)
            except UserError as error:
                self._answer(request, "rejected", step, str(error))
                continue
            self._answer(request, "applied", step, changed)
            if request.command == "stop":
                return "stop command"
            self._tell_state(request, step)
        return None

    def _check(self, request: Request) -> None:
        """Raises UserError with the reason to reject it."""
        arguments = set(_plain(request.arguments))
        known = {"stop": {"after"}, "set": set(Arguments.__struct_fields__) - {"after", "own"}}
        unknown = sorted(arguments - known.get(request.command, set()))
        if unknown:
            raise UserError(f"{request.command} knows no {' or '.join(unknown)}")
        if request.command == "resume" and not self.paused:
            raise UserError("the run is not paused")
        if request.command == "pause" and self.paused:
            raise UserError("the run is paused already")

    def _stop_later(self, request: Request, training: "Training") -> None:
        """Stop after the epoch in which the command was accepted first."""
        if self._last is not None:
            raise UserError(f"the run stops after step {self._last_step} already")
        begun = max(training.step, self._past.accepted_at(request.id), 1)
        epochs = math.ceil(begun / training.steps_per_epoch)
        self._last, self._last_step = request, epochs * training.steps_per_epoch
        self._answer(request, "accepted", training.step, f"stops after step {self._last_step}")

    def _obey(
        self, request: Request, training: "Training", saver: "Saver", profiler: "Profiler"
    ) -> str:
        """Returns what changed, in a line. Raises UserError to reject it."""
        if request.command == "set":
            changed = training.change(request.arguments)
            training.applied.append(request.id)
            return changed
        if request.command == "checkpoint":
            trouble = saver.save("command")
            if trouble or saver.newest is None:
                raise UserError(trouble or "nothing to save")
            return f"saved {saver.newest.name}"
        if request.command == "profile":
            profiler.begin(training.step)
            return "the next steps"
        return ""

    def _tell_state(self, request: Request, step: int) -> None:
        if request.command == "pause":
            self.pause(step, "command")
        elif request.command == "resume":
            self.paused = False
            self._journal.emit(StateChanged(state="running", step=step, reason="command"))

    def _apply_again(self, training: "Training") -> None:
        """Commands of the log that the checkpoint lacks, at the steps that they have there."""
        while self._again and self._again[0].step <= training.step:
            command = self._again.popleft()
            changed = training.change(msgspec.convert(command.arguments, Arguments))
            training.applied.append(command.id)
            self._journal.say(f"step {training.step}: {changed}, again after the restart")
            if command.step > self._restarted_at:  # what the log says of later steps is void
                self._journal.emit(
                    Command(
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
        request: Request | Refused,
        outcome: Literal["accepted", "applied", "rejected"],
        step: int,
        reason: str = "",
    ) -> None:
        self._journal.emit(
            Command(
                id=request.id,
                command=request.command if isinstance(request, Request) else "",
                arguments=_plain(request.arguments) if isinstance(request, Request) else {},
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
