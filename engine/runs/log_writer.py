"""A writer of an event log with a thread of its own, so that no disk slows down the engine."""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from engine.runs.events import AnyEvent, encode
from engine.runs.log_queue import Missing, Pen, Queue, cut_torn_tail
from engine.runs.safe_file_access import open_to_write

MAX_QUEUED_RECORDS = 4096
MAX_QUEUED_BYTES = 4 * 2**20
"""Maximum size of the records that wait in memory for the disk, in bytes; more is dropped and
counted."""
SYNC_SECONDS = 1.0
"""Minimum time between two `fdatasync`."""
RETRY_SECONDS = 0.25
"""Time until another attempt after the disk refused a record."""
SLOW_SECONDS = 2.0
"""Time after which a single write is reported as trouble."""


@dataclass(frozen=True)
class Trouble:
    """A trouble that keeps a log from being written."""

    reason: str
    """The reason in the system's words; "" if there is no trouble."""
    waiting: int
    """The number of records that wait in memory."""
    dropped: int
    """The number of records that were lost so far."""


class LogWriter:
    """A writer that appends events: one `os.write` each, `fdatasync` at most once a second.

    A record survives the death of the process once its `os.write` returned: `written` counts these.
    Records that the disk does not take wait in memory; those that do not fit there are dropped, and
    a `Gap` takes their place in the log as soon as there is room again.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_records: int = MAX_QUEUED_RECORDS,
        max_bytes: int = MAX_QUEUED_BYTES,
    ) -> None:
        """Open or create the log; an incomplete last line is cut off. Raises OSError."""
        self._file = open_to_write(path, os.O_RDWR | os.O_APPEND)
        self.cut_bytes = cut_torn_tail(self._file)
        self.written = 0
        self.dropped = 0
        self._queued = 0
        self._synced = 0
        """Like `written` and `_queued`, a count of this writer's records since its beginning."""
        self._pen = Pen(self._file)
        self._queue = Queue(max_records, max_bytes)
        self._missing = Missing()
        self._reason = ""
        """Why the last write or sync failed; "" if it succeeded."""
        self._sync_at = 0.0
        """The earliest time of the next `fdatasync`, on the monotonic clock."""
        self._hurry = False
        """Whether somebody waits for an `fdatasync`."""
        self._closing = self._gave_up = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)
        self._thread.start()

    def append(self, event: AnyEvent) -> None:
        """Queue one record. Never waits for the disk, never raises OSError."""
        line = encode(event)
        with self._changed:
            if self._missing.records and self._queue.has_room(len(line) + 1024):
                self._put_gap()
            if self._missing.records or not self._queue.has_room(len(line)):
                self._missing.add(event, self.trouble().reason)
                self.dropped += 1
                return
            self._put(line)
            if len(self._queue.lines) == 1:  # else the thread is at work, or waits for the disk
                self._changed.notify_all()

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until the kernel has all records; False if it has not after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._queue.lines and not self._missing.records, timeout
            )

    def sync(self, timeout: float = 10.0) -> bool:
        """Wait until all records so far are on the disk; False if not after `timeout` seconds."""
        with self._changed:
            goal = self._queued
            self._hurry = True
            self._changed.notify_all()
            return self._changed.wait_for(
                lambda: self._synced >= goal and not self._missing.records, timeout
            )

    def close(self, timeout: float = 10.0) -> bool:
        """Write the waiting records and close; False if some were left after `timeout` seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout)
        complete = not self._thread.is_alive()
        with self._changed:
            self._gave_up = True
            self._changed.notify_all()
        self._thread.join(RETRY_SECONDS)  # inside a write that hangs it ends with the process
        return complete and not self._queue.lines and not self._missing.records

    def trouble(self) -> Trouble:
        """The trouble that keeps the log from being written now."""
        reason, since = self._reason, self._pen.since
        if not reason and since and time.monotonic() - since > SLOW_SECONDS:
            reason = "the disk does not answer"
        return Trouble(reason, len(self._queue.lines), self.dropped)

    def _put(self, line: bytes) -> None:
        self._queue.put(line)
        self._queued += 1

    def _put_gap(self) -> None:
        self._put(encode(self._missing.gap()))
        self._missing = Missing()

    def _work(self) -> None:
        """The work of the thread."""
        try:
            while self._wait():
                if self._queue.lines:
                    self._write()
                if self._synced < self.written and (
                    time.monotonic() >= self._sync_at or (self._hurry and not self._queue.lines)
                ):
                    self._sync()
            if self._synced < self.written:
                self._sync()
        finally:
            os.close(self._file)

    def _wait(self) -> bool:
        """Wait until there is something to write or to sync; False at the end."""
        with self._changed:
            while not self._gave_up:
                if self._missing.records and not self._queue.lines:
                    self._put_gap()
                if self._queue.lines:
                    return True
                unsynced = self._synced < self.written
                if self._closing:
                    return False
                if unsynced and (self._hurry or time.monotonic() >= self._sync_at):
                    return True
                self._changed.wait(self._sync_at - time.monotonic() if unsynced else None)
            return False

    def _write(self) -> None:
        """Write the first record of the queue, or note why not and wait a little."""
        reason = self._pen.write(self._queue.lines[0])
        with self._changed:
            self._reason = reason
            if reason:
                self._changed.wait_for(lambda: self._gave_up, RETRY_SECONDS)
                return
            self.written += 1
            self._queue.drop_first()
            self._changed.notify_all()

    def _sync(self) -> None:
        goal = self.written
        reason = ""
        try:
            os.fdatasync(self._file)
        except OSError as error:
            reason = error.strerror or str(error)
        with self._changed:
            self._sync_at = time.monotonic() + SYNC_SECONDS
            self._reason = reason
            self._hurry = False
            if not reason:
                self._synced = goal
            self._changed.notify_all()
