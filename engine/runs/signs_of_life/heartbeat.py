"""The engine's heartbeat: a small file that says when it was alive and when it made progress.

It is written in place, which works on a full disk too. It is the only sign of an engine that other
machines can trust: locks may not reach them.
"""

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from zlib import crc32

import msgspec
from msgspec import Struct

from engine.runs import lenient_json
from engine.runs.events import RunEnded
from engine.runs.log_writer import Trouble
from engine.runs.run_directory import RunDir
from engine.runs.safe_file_access import open_regular, open_to_write
from engine.runs.signs_of_life.identity import boot_id

BEAT_SECONDS = 1.0
_SIZE = 1024
"""Size of the file in bytes: constant, so that writing it needs no room on the disk."""


class Beat(Struct, frozen=True, kw_only=True):
    """The state of an engine as it writes it about once a second."""

    host: str
    boot: str
    time: float
    """The time of writing, in seconds since the epoch."""
    clock: float
    """The same on the monotonic clock, which all processes of one boot share."""
    step: int
    """The last step taken by this process; 0 before its first, also after a restart."""
    progress: float
    """The time of that step, on the monotonic clock."""
    step_seconds: float
    """Mean seconds of recent steps; 0 before the first."""
    resting: str
    """Why no steps are taken: `paused`, `evaluating`, or ""."""
    log_trouble: str
    """Why the log cannot be written, or ""."""
    log_waiting: int
    """The number of records that wait for the disk."""
    log_dropped: int
    """The number of records that were lost."""
    ended: str = ""
    """How the run ended, in case the log could not be written."""
    reason: str = ""
    unsaved: str = ""
    """What could not be written so far, the log apart; "" if nothing."""

    def age(self) -> float:
        """Seconds since the engine was alive; for another machine, by that machine's clock."""
        if self.boot == boot_id():
            return max(0.0, time.monotonic() - self.clock)
        return time.time() - self.time


class Heartbeat(threading.Thread):
    """A daemon thread that writes the file of one run."""

    def __init__(
        self,
        run: RunDir,
        *,
        trouble: Callable[[], Trouble],
        on_step: Callable[[int], None] | None = None,
    ) -> None:
        """`on_step` is called at each step. Raises OSError if the file cannot be made."""
        super().__init__(name="heartbeat", daemon=True)
        self._file = open_to_write(run.heartbeat_path, os.O_RDWR)
        self._trouble = trouble
        self._on_step = on_step
        self._host, self._boot = socket.gethostname()[:80], boot_id()
        self._step = 0
        self._progress = time.monotonic()
        self._resting = ""
        self._ended: RunEnded | None = None
        self._unsaved = ""
        self._measured = (0, self._progress)
        self._step_seconds = 0.0
        self._closed = threading.Event()
        self._beat()
        self.start()

    def progress(self, step: int) -> None:
        """Note that the run took this step."""
        self._step = step
        self._progress = time.monotonic()
        if self._on_step:
            self._on_step(step)

    def rest(self, why: str) -> str:
        """Say why no steps are to be expected; "" when they are again. Returns the previous
        reason."""
        before, self._resting = self._resting, why
        self._progress = time.monotonic()
        return before

    def end(self, ended: RunEnded) -> None:
        """Note how the run ended, which a full disk may keep out of the log."""
        self._ended = ended

    def unsaved(self, text: str) -> None:
        """What could not be written so far, the log apart; "" if nothing."""
        self._unsaved = text

    def close(self) -> None:
        """Write a last time, and stop."""
        self._closed.set()
        self.join(2.0)
        if not self.is_alive():  # else it hangs in a write, and ends with the process
            self._beat()
            os.close(self._file)

    def run(self) -> None:
        """Write the file about once a second, until `close`."""
        while not self._closed.wait(BEAT_SECONDS):
            self._beat()

    def _beat(self) -> None:
        self._measure()
        trouble = self._trouble()
        beat = Beat(
            host=self._host,
            boot=self._boot,
            time=time.time(),
            clock=time.monotonic(),
            step=self._step,
            progress=self._progress,
            step_seconds=self._step_seconds,
            resting=self._resting,
            log_trouble=trouble.reason[:80],
            log_waiting=trouble.waiting,
            log_dropped=trouble.dropped,
            ended=self._ended.status if self._ended else "",
            reason=self._ended.reason[:100] if self._ended else "",
            unsaved=self._unsaved[:200],
        )
        with suppress(OSError):
            os.pwrite(self._file, encode(beat), 0)

    def _measure(self) -> None:
        """Update the mean, which follows changes of speed within seconds; one slow step shows
        too."""
        step, at = self._step, self._progress
        steps = step - self._measured[0]
        if steps > 0:
            mean = (at - self._measured[1]) / steps
            self._step_seconds = mean if not self._step_seconds else (self._step_seconds + mean) / 2
        if steps:
            self._measured = (step, at)


def encode(beat: Beat) -> bytes:
    """The contents of the file: JSON with a checksum, padded to the size of the file."""
    body = lenient_json.encode(beat)
    return (body + b" %08x" % crc32(body)).ljust(_SIZE - 1) + b"\n"


def read(run: RunDir) -> Beat | None:
    """The newest heartbeat; None if none can be read."""
    for _ in range(3):  # a read may fall into a write
        try:
            with open_regular(run.heartbeat_path) as file:
                body, _, checksum = file.read(_SIZE).strip().rpartition(b" ")
        except OSError:
            return None
        if checksum == b"%08x" % crc32(body):
            with suppress(msgspec.MsgspecError, UnicodeError):
                return msgspec.json.decode(body, type=Beat)
    return None
