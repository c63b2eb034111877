"""Plays a recorded event log into a run directory, as if an engine were at work there."""

import gzip
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from msgspec import structs

from engine.runs import run_directory
from engine.runs.control import Command, Inbox, Refused
from engine.runs.events import (
    AnyEvent,
    CommandAnswered,
    RunEnded,
    RunStarted,
    Scalars,
    StateChanged,
    decode,
    encode,
)
from engine.runs.run_directory import Lock, RunDir

RECORDING = Path(__file__).with_name("run.jsonl.gz")
"""A run of the recipe `fashion-cnn` with `target='val/accuracy >= 0.9'` and `diagnostics.every=25`:
its event log as the engine wrote it. While it trained, a checkpoint was asked for and the clipping
threshold and learning rate were changed."""
RUN_ID = "demo-fashion-cnn"
TICK_SECONDS = 0.05
START_SECONDS = 1.5
"""A pause before the first event, in which a real engine would load torch."""


def recording() -> list[AnyEvent]:
    """The events of the recorded run."""
    with gzip.open(RECORDING) as file:
        return [event for line in file.read().splitlines() if (event := decode(line)) is not None]


def prepare(root: Path, events: Sequence[AnyEvent]) -> RunDir:
    """A run directory under `root` with the configuration of a recorded run, and no events."""
    started = next(event for event in events if isinstance(event, RunStarted))
    run = RunDir(root / RUN_ID)
    run_directory.make(run, started.config)
    run.engine_log_path.write_text("This is a recorded run; no engine is at work.\n")
    return run


class Player(threading.Thread):
    """A thread that writes recorded events at their own pace, and obeys pause, resume and stop."""

    def __init__(self, run: RunDir, events: Sequence[AnyEvent], *, pace: float = 1.0) -> None:
        """`pace` is the speed relative to the recording."""
        super().__init__(name="demo", daemon=True)
        self._events = list(events)
        self._pace = pace
        self._closed = threading.Event()
        self._lock = Lock(run)  # as an engine does: the run is alive while it is held
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(run.events_path, flags, 0o600)
        self._inbox = Inbox(run)
        self._paused = self._stopped = False
        self._step = 0
        self._seconds = 0.0

    def close(self) -> None:
        """Stop writing; the run directory may be removed afterwards."""
        self._closed.set()
        if self.is_alive():
            self.join()
        self._release()

    def run(self) -> None:
        """Write the events that are due, until all are written or the run is stopped."""
        begun, played, polled_at = self._events[0].time, -START_SECONDS, time.monotonic()
        waiting = deque(self._events)
        while waiting and not self._closed.wait(TICK_SECONDS):
            for command in self._inbox.take():
                self._obey(command)
            now = time.monotonic()
            played += 0.0 if self._paused else (now - polled_at) * self._pace
            polled_at = now
            if self._stopped:
                break
            while waiting and waiting[0].time - begun <= played:
                self._write(waiting.popleft())
        self._release()

    def _write(self, event: AnyEvent) -> None:
        if isinstance(event, Scalars):
            self._step, self._seconds = event.step[-1], event.seconds[-1]
        os.write(self._file, encode(structs.replace(event, time=time.time())))

    def _obey(self, command: Command | Refused) -> None:
        """Answer a command: the recording can be paused and stopped, not changed."""
        name = command.name if isinstance(command, Command) else "unreadable"
        known = name in ("pause", "resume", "stop")
        self._write(
            CommandAnswered(
                id=command.id,
                command=name,
                outcome="applied" if known else "rejected",
                step=self._step,
                reason="" if known else "this is a recorded run; it can be paused and stopped",
            )
        )
        if name == "pause":
            self._paused = True
            self._write(StateChanged(state="paused", step=self._step, reason="command"))
        elif name == "resume":
            self._paused = False
            self._write(StateChanged(state="running", step=self._step, reason="command"))
        elif name == "stop":
            self._stopped = True
            step, seconds = self._step, self._seconds
            self._write(RunEnded(status="stopped", reason="command", step=step, seconds=seconds))

    def _release(self) -> None:
        """Release the run's lock and close its log; may be called twice."""
        self._lock.release()
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)
