"""The engine's pen: it writes events of one run, and lines for people also to standard output."""

import time
from typing import Literal

from engine.events import AnyEvent, LogLine, RunEnded, RunStarted, Scalars
from engine.log import LogWriter


class Journal:
    """Writes the event log of a run, and knows its clock and its last step."""

    def __init__(self, log: LogWriter) -> None:
        self._log = log
        self._began = time.perf_counter()
        self.step = 0
        """The last step that is in the log."""

    def seconds(self) -> float:
        """Since the run's start, to the millisecond."""
        return round(time.perf_counter() - self._began, 3)

    def emit(self, event: AnyEvent) -> None:
        """Append an event. Raises OSError if the disk refuses it: a run that cannot be recorded
        must fail."""
        if isinstance(event, RunStarted):
            self._began = time.perf_counter()
        elif isinstance(event, Scalars):
            self.step = event.step[-1]
        self._log.append(event)

    def say(self, message: str, level: Literal["info", "warning", "error"] = "info") -> None:
        """A line for people, here and on standard output, which goes to `engine.log`."""
        self.emit(LogLine(level=level, message=message))
        print(message, flush=True)

    def end(self, status: Literal["done", "stopped", "failed"], reason: str) -> None:
        """The last event; `reason` is cut to one line of at most 500 characters."""
        line = (reason.splitlines() or [""])[0][:500]
        self.say(f"{status}: {line}", "error" if status == "failed" else "info")
        self.emit(RunEnded(status=status, reason=line, step=self.step, seconds=self.seconds()))
