"""JSON lines: each line is a record, its numbers are metrics."""

from itertools import islice
from pathlib import Path
from typing import Any

from tui.runs.foreign.event_builder import EventBuilder
from tui.runs.foreign.growing_file import Lines
from tui.runs.foreign.records import MAX_VALUES, Stepper, numbers, parse


class JsonLinesReader:
    """A reader of JSON lines that may grow."""

    def __init__(self, path: Path) -> None:
        self._lines = Lines(path)
        self._malformed = 0
        self._stepper = Stepper()

    @property
    def damaged(self) -> int:
        """Number of lines that were skipped."""
        return self._lines.damaged + self._malformed

    @property
    def changed_at(self) -> float:
        """When the file was last written."""
        return self._lines.tail.changed_at

    def read(self, builder: EventBuilder) -> bool:
        """Read a piece; returns whether more can be read at once. Raises OSError."""
        lines = self._lines.read()
        if self._lines.anew:
            builder.restart()
            self._stepper.forget()
            return True
        for line in lines:
            if line.strip():
                self._malformed += not self._tell(line, builder)
        if lines and not self._lines.more and self._stepper.counted:
            builder.say("info", "no field of steps: records are counted")
        return self._lines.more

    def _tell(self, line: bytes, builder: EventBuilder) -> bool:
        try:
            record: Any = parse(line)
        except ValueError:
            return False
        if not isinstance(record, dict):
            return False
        values = dict(islice(numbers(record), MAX_VALUES))
        return self._stepper.tell(record, values, builder)
