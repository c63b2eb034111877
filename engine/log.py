"""Append to and follow an event log: one JSON line an event, written with one `os.write`."""

import os
from pathlib import Path
from typing import BinaryIO

from engine.events import AnyEvent, DamagedLineError, decode, encode

MAX_LINE_BYTES = 16 * 2**20
"""A longer line is damage, not a record."""


class LogWriter:
    """Appends events; a record is in the file as soon as `append` returns."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)
        self._torn = False

    def append(self, event: AnyEvent) -> None:
        """Write one record. Raises OSError if the disk refuses it."""
        line = encode(event)
        if self._torn:  # a part of the record before is there: end its line, or both are lost
            line = b"\n" + line
        written = os.write(self._file, line)
        while written < len(line):  # only on a full disk or a signal
            self._torn = True
            written += os.write(self._file, line[written:])
        self._torn = False

    def close(self) -> None:
        """Flush to the disk and close."""
        os.fdatasync(self._file)
        os.close(self._file)


class LogReader:
    """Follows a log from its beginning, while it grows or after it ended.

    Bytes after the last newline are "not yet": they are read again next time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged = 0
        """Complete lines that were skipped because their checksum did not match."""
        self.unknown = 0
        """Events of a kind that this version does not know."""
        self._offset = 0
        self._cut_first_line = False

    def start_at(self, offset: int) -> None:
        """Begin at a byte of the file instead of its beginning; a cut first line is dropped."""
        self._offset = offset
        self._cut_first_line = offset > 0

    def read(self, max_bytes: int = 2**20) -> list[AnyEvent]:
        """Events that are new since the last call, from about `max_bytes` of the file.

        An empty list means that there is nothing more for now. A missing file is an empty one.
        Raises OSError if the file exists but cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                while lines := self._next_lines(file, max_bytes):
                    if events := self._decode(lines):
                        return events
        except FileNotFoundError:
            pass
        return []

    def _next_lines(self, file: BinaryIO, max_bytes: int) -> list[bytes]:
        """Whole lines after the offset, which moves behind them; none at the end of the file."""
        file.seek(self._offset)
        data = file.read(max_bytes)
        end = data.rfind(b"\n")
        while end < 0 and len(data) < MAX_LINE_BYTES and (more := file.read(max_bytes)):
            data += more
            end = data.rfind(b"\n")
        if end < 0 and len(data) < MAX_LINE_BYTES:
            return []
        if end < 0:
            end = len(data) - 1  # too long for a record: what follows it is dropped with it
        cut, self._cut_first_line = self._cut_first_line, data[end : end + 1] != b"\n"
        self._offset += end + 1
        lines = data[: end + 1].split(b"\n")
        if cut:
            lines[0] = b""
        return lines

    def _decode(self, lines: list[bytes]) -> list[AnyEvent]:
        events: list[AnyEvent] = []
        for line in filter(None, lines):
            try:
                event = decode(line)
            except DamagedLineError:
                self.damaged += 1
                continue
            if event is None:
                self.unknown += 1
            else:
                events.append(event)
        return events


def read_all(path: Path) -> list[AnyEvent]:
    """Every whole record of a log."""
    reader = LogReader(path)
    events: list[AnyEvent] = []
    while chunk := reader.read(8 * 2**20):
        events += chunk
    return events
