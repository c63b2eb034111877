"""The parts of a log's writer: waiting lines, missing records, and writes that resume."""

import errno
import os
import time
from collections import deque
from dataclasses import dataclass, field

from engine.runs.events import AnyEvent, Evaluation, Gap, Scalars

_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
"""After these errors the file ends where the last successful write ended."""


@dataclass
class Missing:
    """A count of the records that were dropped since the last gap was queued."""

    records: int = 0
    first_step: int = 0
    last_step: int = 0
    reason: str = ""

    def add(self, event: AnyEvent, reason: str) -> None:
        self.records += 1
        self.reason = reason or self.reason or "the disk is too slow"
        if isinstance(event, Scalars | Evaluation):
            steps = event.step if isinstance(event, Scalars) else [event.step]
            self.first_step = min(self.first_step or steps[0], steps[0])
            self.last_step = max(self.last_step, steps[-1])

    def gap(self) -> Gap:
        return Gap(
            records=self.records,
            first_step=self.first_step,
            last_step=self.last_step,
            reason=self.reason,
        )


@dataclass
class Pen:
    """A writer of whole lines, which may take several attempts for one."""

    file: int
    line: bytes = b""
    done: int = 0
    """The number of bytes of `line` that are in the file."""
    torn: bool = False
    """Whether the file may end inside a line."""
    since: float = 0.0
    """The start of the write in progress, on the monotonic clock; 0 between two."""

    def write(self, line: bytes) -> str:
        """Write the line, or the rest that an earlier attempt left. Returns why it failed, "" if it
        did not."""
        if not self.done:
            self.line = b"\n" + line if self.torn else line
        self.since = time.monotonic()
        try:
            while self.done < len(self.line):
                self.done += os.write(self.file, self.line[self.done :])
        except OSError as error:
            if error.errno not in _FULL:
                # Anything may be in the file now: end that line, and write all of this one again.
                self.torn, self.done = True, 0
            return error.strerror or str(error)
        finally:
            self.since = 0.0
        self.torn, self.done = False, 0
        return ""


@dataclass
class Queue:
    """A queue of waiting lines, bounded in number and bytes."""

    max_records: int
    max_bytes: int
    lines: deque[bytes] = field(default_factory=deque)
    size: int = 0
    """The size of all lines in bytes."""

    def has_room(self, size: int) -> bool:
        """Whether a line of this many bytes fits; a single one always does."""
        fits = not self.lines or self.size + size <= self.max_bytes
        return fits and len(self.lines) < self.max_records

    def put(self, line: bytes) -> None:
        self.lines.append(line)
        self.size += len(line)

    def drop_first(self) -> None:
        self.size -= len(self.lines.popleft())


def cut_torn_tail(file: int) -> int:
    """Cut what follows the last newline of an open file; returns the number of bytes cut."""
    size = end = os.fstat(file).st_size
    while end > 0:
        begin = max(0, end - 65536)
        newline = os.pread(file, end - begin, begin).rfind(b"\n")
        if newline >= 0:
            end = begin + newline + 1
            break
        end = begin
    if end < size:
        os.ftruncate(file, end)
    return size - end
