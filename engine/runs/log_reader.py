"""Readers of an event log: while it grows, or whole; `LogWriter` appends to it."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from engine.runs.events import (
    AnyEvent,
    CommandAnswered,
    DamagedLineError,
    Restarted,
    RunEnded,
    RunStarted,
    decode,
)
from engine.runs.log_writer import LogWriter
from engine.runs.safe_file_access import open_regular

__all__ = ["LogReader", "LogWriter", "commands", "lifecycle", "read_all", "tail"]

MAX_LINE_BYTES = 16 * 2**20
"""Maximum length of a record, in bytes; a longer line is damage."""
_TOO_LONG = b"too long"
"""What is decoded in place of a line that is longer, and counts as damaged."""
_LIFECYCLE = (b'{"kind":"run_', b'{"kind":"restarted"')


class LogReader:
    """A reader that follows a log from its beginning, while it grows or after it ended.

    Bytes after the last newline are an unfinished record, and are read again next time. Damage
    costs the lines that it is in: reading goes on after the next newline.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged = 0
        """The number of complete lines that were skipped because their checksum did not match."""
        self.unknown = 0
        """The number of events of a kind that this version does not know."""
        self._offset = 0
        self._cut_first_line = False

    @property
    def offset(self) -> int:
        """The number of bytes read, which ends with a whole line."""
        return self._offset

    @property
    def between_lines(self) -> bool:
        """Whether a whole line begins at the offset."""
        return not self._cut_first_line

    def start_at(self, offset: int, *, whole_line: bool = False) -> None:
        """Begin at a byte of the file instead of its beginning. A cut first line is dropped, unless
        `whole_line` says that a whole one begins there."""
        self._offset = offset
        self._cut_first_line = offset > 0 and not whole_line

    def read(self, max_bytes: int = 2**20) -> list[AnyEvent]:
        """The events that are new since the last call, from about `max_bytes` of the file.

        An empty list means that there is nothing more for now. A missing file counts as empty.
        Raises OSError if the file exists but cannot be read.
        """
        try:
            with open_regular(self.path) as file:
                while lines := self._next_lines(file, max_bytes):
                    if events := self._decode(lines):
                        return events
        except FileNotFoundError:
            pass
        return []

    def _next_lines(self, file: BinaryIO, max_bytes: int) -> list[bytes]:
        """The whole lines after the offset, which moves behind them; empty at the end of the
        file."""
        self._follow_truncation(file)
        file.seek(self._offset)
        if self._cut_first_line and not self._skip_line(file):
            return []
        data = file.read(max_bytes)
        end = data.rfind(b"\n")
        while end < 0 and len(data) < MAX_LINE_BYTES and (more := file.read(max_bytes)):
            data += more
            end = data.rfind(b"\n")
        if end < 0 and len(data) < MAX_LINE_BYTES:
            return []
        if end < 0:  # too long for a record: what follows it is dropped with it
            self._cut_first_line = True
            self._offset += len(data)
            return [_TOO_LONG]
        self._offset += end + 1
        return data[: end + 1].split(b"\n")

    def _skip_line(self, file: BinaryIO) -> bool:
        """Move behind the next newline; False if there is none yet."""
        while data := file.read(2**20):
            newline = data.find(b"\n")
            self._offset += len(data) if newline < 0 else newline + 1
            if newline >= 0:
                self._cut_first_line = False
                file.seek(self._offset)
                return True
        return False

    def _follow_truncation(self, file: BinaryIO) -> None:
        """If the file was cut below the offset, go on behind its last whole line."""
        if file.seek(0, 2) >= self._offset:
            return
        end = file.tell()
        while end > 0:
            begin = max(0, end - 65536)
            file.seek(begin)
            newline = file.read(end - begin).rfind(b"\n")
            end = begin if newline < 0 else begin + newline + 1
            if newline >= 0:
                break
        self._offset = end
        self._cut_first_line = False

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
    """All whole records of a log."""
    reader = LogReader(path)
    events: list[AnyEvent] = []
    while chunk := reader.read(8 * 2**20):
        events += chunk
    return events


def tail(path: Path, max_bytes: int = 2**18) -> list[AnyEvent]:
    """The newest whole records of a log, about `max_bytes` of them. Raises OSError."""
    reader = LogReader(path)
    with open_regular(path) as file:
        reader.start_at(max(0, file.seek(0, 2) - max_bytes))
    events: list[AnyEvent] = []
    while chunk := reader.read():
        events += chunk
    return events


def lifecycle(path: Path) -> list[RunStarted | Restarted | RunEnded]:
    """The events that say when the run began, went on and ended; [] if there is no log. The rest is
    not decoded. Raises OSError if the log cannot be read."""
    found = _beginning_with(_LIFECYCLE, path)
    return [event for event in found if isinstance(event, RunStarted | Restarted | RunEnded)]


def commands(path: Path) -> list[CommandAnswered]:
    """The events that say what became of each command; [] if there is no log. The rest is not
    decoded. Raises OSError if the log cannot be read."""
    found = _beginning_with((b'{"kind":"command"',), path)
    return [event for event in found if isinstance(event, CommandAnswered)]


def _beginning_with(beginnings: tuple[bytes, ...], path: Path) -> Iterator[AnyEvent]:
    """The whole records whose lines begin with one of these bytes."""
    try:
        with open_regular(path) as file:
            for line in _whole_lines(file):
                if line.startswith(beginnings):
                    with suppress(DamagedLineError):
                        if (event := decode(line[:-1])) is not None:
                            yield event
    except FileNotFoundError:
        return


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines that end with a newline; what is too long for a record is left out, and never in
    memory as a whole."""
    inside = False
    while line := file.readline(MAX_LINE_BYTES):
        ends = line.endswith(b"\n")
        if ends and not inside:
            yield line
        inside = not ends
