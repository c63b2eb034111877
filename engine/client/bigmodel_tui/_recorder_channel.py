"""The way to the process that records: a queue, a thread that sends, a thread that listens."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from bigmodel_tui._logged_steps import Block

MAX_WAITING = 32768
"""Rows that wait for a recorder that does not read; more are dropped and counted."""
CLOSE_SECONDS = 5.0
"""How long the end of a run waits for its last records."""

# The loop's own repository may hold another `engine`: ours comes first, whatever else is found.
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); from engine.programs.recorder import main; main()"
)


def _root() -> str:
    """The folder that holds our `engine` package: beside this package, or above the source."""
    here = Path(__file__).resolve()
    beside = here.parents[1]
    return str(
        beside if (beside / "engine" / "programs" / "recorder.py").is_file() else here.parents[3]
    )


def complain(line: str) -> None:
    """One warning for the person; never an error, even where warnings are made errors."""
    with suppress(Exception):
        warnings.warn(f"bigmodel_tui: {line}", RuntimeWarning, stacklevel=2)


class Wire:
    """Carries messages to the recorder, and what it reports back. Nothing here raises into the
    loop or makes it wait, but `close`, for a while."""

    def __init__(self) -> None:
        """Raises OSError if no process can be started."""
        self.stop_asked = False
        """Somebody asked the run to stop."""
        self.asked: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        """Commands for the loop, with `id`, `command` and `calls`."""
        self.alive = True
        self._queue: queue.SimpleQueue[Block | dict[str, Any] | None] = queue.SimpleQueue()
        self._put = self._taken = 0
        """Rows; each is written by one thread only."""
        self._lost: dict[str, int] = {}
        self._give_up_at: float | None = None
        self._complained = False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOT, _root()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            bufsize=0,
        )
        self._sender = threading.Thread(target=self._send, name="bigmodel_tui", daemon=True)
        self._listener = threading.Thread(target=self._listen, name="bigmodel_tui", daemon=True)
        self._sender.start()
        self._listener.start()

    @property
    def pid(self) -> int:
        """The process number of the recorder."""
        return self._process.pid

    def next_asked(self, wait: bool, seconds: float) -> dict[str, Any] | None:
        """The next command for the loop; waits for it a while if told to."""
        try:
            return self.asked.get(wait, seconds) if wait else self.asked.get_nowait()
        except queue.Empty:
            return None

    def send(self, message: dict[str, Any]) -> None:
        """Queue a message; a handful a run, so they always fit."""
        if self.alive:
            self._queue.put(message)

    def send_block(self, block: Block) -> None:
        """Queue rows, or count them as lost."""
        if not self.alive:
            return
        if self._put - self._taken + len(block.rows) > MAX_WAITING:
            lost = self._lost
            lost["first"] = lost.get("first", block.rows[0].step)
            lost["last"] = block.rows[-1].step
            lost["records"] = lost.get("records", 0) + len(block.rows)
            return
        if self._lost:
            self._queue.put({"kind": "lost", **self._lost})
            self._lost = {}
        self._put += len(block.rows)
        self._queue.put(block)

    def close(self, message: dict[str, Any]) -> None:
        """Send the last message, and wait a little until the recorder is through."""
        until = time.monotonic() + CLOSE_SECONDS
        self._give_up_at = until - 1.0
        if self._lost:
            self.send({"kind": "lost", **self._lost})
        self.send(message)
        self._queue.put(None)
        self._sender.join(CLOSE_SECONDS)
        self._listener.join(max(0.0, until - time.monotonic()))
        self.alive = False

    def forked(self) -> None:
        """In a forked process: it is not the loop, and must not keep the pipe open."""
        self.alive = False
        self._process.returncode = 0  # not this process's child
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()

    def _send(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        with suppress(OSError):  # the recorder is gone: `_listen` says so
            while (item := self._queue.get()) is not None:
                for message in self._messages(item):
                    data = memoryview(json.dumps(message).encode() + b"\n")
                    while data:
                        data = data[os.write(pipe.fileno(), data) :]
        self.alive = False
        with suppress(OSError):
            pipe.close()

    def _messages(self, item: Block | dict[str, Any]) -> list[dict[str, Any]]:
        if isinstance(item, dict):
            return [item]
        self._taken += len(item.rows)
        try:
            told = item.wait(self._late)
        except Exception:  # the device is broken: the loop will hear of it itself
            told = False
        messages = [{"kind": "rows", **columns} for columns in item.columns()]
        if not told:
            line = "values on the device could not be read"
            messages.append({"kind": "say", "level": "warning", "message": line})
        return messages

    def _late(self) -> bool:
        return self._give_up_at is not None and time.monotonic() > self._give_up_at

    def _listen(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        said, ended = "", False
        with suppress(OSError, ValueError):
            for line in iter(pipe.readline, b""):
                try:
                    report = json.loads(line)
                except ValueError:
                    said = line.decode(errors="replace").strip() or said
                    continue
                if isinstance(report, dict):
                    self.stop_asked |= "stop" in report
                    ended |= "ended" in report
                    if "ask" in report:
                        self.asked.put(report["ask"])
                    if "error" in report:
                        said, self._complained = str(report["error"]), True
                        complain(f"this run is not recorded: {said}")
        self.alive = False
        with suppress(OSError, ValueError):
            pipe.close()
        code = self._process.wait()
        if not ended and not self._complained:
            why = said or f"exit status {code}"
            complain(f"the recorder has gone ({why}); the rest of this run is not recorded")
