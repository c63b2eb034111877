"""Append to and follow an event log: one JSON line an event, written with one `os.write`."""

import os
from pathlib import Path

from engine.events import AnyEvent, DamagedLineError, decode, encode

MAX_LINE_BYTES = 16 * 2**20
"""A longer line is damage, not a record."""


class LogWriter:
    """Appends events; a record is in the file as soon as `append` returns."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)

    def append(self, event: AnyEvent) -> None:
        """Write one record. Raises OSError if the disk refuses it."""
        line = encode(event)
        written = os.write(self._file, line)
        while written < len(line):  # only on a full disk or a signal; the CRC guards the seam
            written += os.write(self._file, line[written:])

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
        """Events that are new since the last call, from at most about `max_bytes` of the file.

        An empty list means that there is nothing new for now. A missing file is an empty one.
        Raises OSError if the file exists but cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                data = file.read(max_bytes)
                end = data.rfind(b"\n")
                while end < 0 and len(data) < MAX_LINE_BYTES and (more := file.read(max_bytes)):
                    data += more
                    end = data.rfind(b"\n")
        except FileNotFoundError:
            return []
        if end < 0:
            if len(data) >= MAX_LINE_BYTES:
                self._offset += len(data)
                self._cut_first_line = True
                self.damaged += 1
            return []
        self._offset += end + 1
        lines = data[:end].split(b"\n")
        if self._cut_first_line:
            self._cut_first_line = False
            del lines[0]
        return self._decode(lines)

    def _decode(self, lines: list[bytes]) -> list[AnyEvent]:
        events: list[AnyEvent] = []
        for line in lines:
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
