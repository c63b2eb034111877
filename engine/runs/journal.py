"""The journal of a run: the engine's events, and messages that also go to standard output."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from engine.runs.events import (
    AnyEvent,
    Evaluation,
    LogLine,
    Restarted,
    RunEnded,
    RunStarted,
    Scalars,
    StateChanged,
)
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import ended_status
from engine.runs.signs_of_life.failed_writes import Unsaved
from engine.runs.signs_of_life.heartbeat import Heartbeat


@dataclass(frozen=True)
class Restart:
    """A restart: this process goes on with a run that another one began."""

    attempt: int
    """How often the run was restarted until now, this time included."""
    reason: str
    """`resume`, or how the previous process died."""
    asked: bool = True
    """Whether a person asked for it; else the engine restarted a run that crashed."""
    cut_bytes: int = 0
    """Bytes of an incomplete last line of the log, which were cut off."""


class Journal:
    """The writer of a run's events, with the run's clock and last step."""

    def __init__(
        self, log: LogWriter, *, restart: Restart | None = None, heartbeat: Heartbeat | None = None
    ) -> None:
        self.restart = restart
        """The restart if the run goes on; None for a run that begins."""
        self._log = log
        self._heartbeat = heartbeat
        self._began = time.perf_counter()
        self._unsaved = Unsaved()
        self.step = 0
        """The last step that is in the log."""
        self.complete = True
        """Whether all of the run was saved; decided at its end."""

    def seconds(self) -> float:
        """Seconds since the run's start, to the millisecond."""
        return round(time.perf_counter() - self._began, 3)

    def go_on_from(self, step: int, seconds: float) -> None:
        """Set step and clock to what they were when a checkpoint was taken."""
        self.step = step
        self._began = time.perf_counter() - seconds

    def emit(self, event: AnyEvent) -> None:
        """Hand an event to the log. Never waits for the disk and never fails: records that the disk
        refuses are counted, and become a `Gap` as soon as it writes again."""
        if isinstance(event, RunStarted):
            self._began = time.perf_counter()
        elif isinstance(event, Scalars):
            self.step = event.step[-1]
        elif isinstance(event, StateChanged) and self._heartbeat:
            self._heartbeat.rest("paused" if event.state == "paused" else "")
        elif isinstance(event, Evaluation | Restarted) and self._heartbeat:
            self._heartbeat.progress(event.step)
        self._log.append(event)

    def progress(self, step: int) -> None:
        """Note that a step was taken, for the heartbeat. Costs less than a microsecond."""
        if self._heartbeat:
            self._heartbeat.progress(step)

    @contextmanager
    def busy(self, what: str) -> Iterator[None]:
        """Do something long that takes no steps, such as `evaluating`, and is not a stall."""
        if self._heartbeat is None:
            yield
            return
        before = self._heartbeat.rest(what)
        try:
            yield
        finally:
            self._heartbeat.rest(before)

    def flush(self, timeout: float = 1.0) -> bool:
        """Wait until all events so far outlive this process; False if they do not after `timeout`
        seconds."""
        return self._log.flush(timeout)

    def sync(self, timeout: float = 10.0) -> bool:
        """Wait until all events so far are on the disk; False if they are not after `timeout`
        seconds."""
        return self._log.sync(timeout)

    def say(self, message: str, level: Literal["info", "warning", "error"] = "info") -> None:
        """Write a message into the log and on standard output, which goes to `engine.log`."""
        self.emit(LogLine(level=level, message=message))
        try:
            print(message, flush=True)
        except OSError:
            return  # a full disk must not end a training run

    def not_saved(self, what: str, trouble: str) -> None:
        """Tell that a file of the run could not be written: `what` is its kind, such as
        `checkpoint`, and `trouble` one line for people. Unless a later `saved` makes up for it, the
        run ends as not saved."""
        if self._unsaved.note(what, trouble):
            self.say(trouble, "error")
        self._show_unsaved()

    def saved(self, what: str) -> None:
        """Tell that a file of this kind is on the disk, which makes up for earlier ones."""
        self._unsaved.settle(what)
        self._show_unsaved()

    def _show_unsaved(self) -> None:
        if self._heartbeat:
            self._heartbeat.unsaved(self._unsaved.text())

    def end(self, status: Literal["done", "stopped", "failed"], reason: str) -> None:
        """Write the last event; `reason` is cut to one line of at most 500 characters."""
        if dropped := self._log.trouble().dropped:
            self.not_saved("log", f"{dropped} records of the log could not be written")
        unsaved = self._unsaved.text()
        self.complete = not unsaved
        line = (reason.splitlines() or [""])[0][:500]
        words = f"{ended_status(status, saved=not unsaved)}: {line}"
        words += f"; {unsaved}" if unsaved else ""
        self.say(words, "error" if unsaved or status == "failed" else "info")
        ended = RunEnded(
            status=status, reason=line, step=self.step, seconds=self.seconds(), unsaved=unsaved
        )
        self.emit(ended)
        if self._heartbeat:
            self._heartbeat.end(ended)
