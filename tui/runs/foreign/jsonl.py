"""JSON lines: each line is a record, its numbers are metrics."""

from pathlib import Path
from typing import Any

from tui.runs.foreign.event_builder import EventBuilder
from tui.runs.foreign.growing_file import Lines
from tui.runs.foreign.interpreter import Interpreter
from tui.runs.foreign.record_flattening import Record, Records, parse


class JsonLinesReader:
    """A reader of JSON lines that may grow."""

    def __init__(self, path: Path, interpreter: Interpreter) -> None:
        self._lines = Lines(path)
        self._malformed = 0
        self._interpreter = interpreter
        self._records = Records(interpreter)

    @property
    def damaged(self) -> int:
        """Number of lines that were skipped."""
        return self._lines.damaged + self._malformed + self._interpreter.refused

    @property
    def changed_at(self) -> float:
        """When the file was last written."""
        return self._lines.tail.changed_at

    def read(self, builder: EventBuilder) -> bool:
        """Read a piece; returns whether more can be read at once. Raises OSError, ReadAgain."""
        lines = self._lines.read()
        if self._lines.anew:
            builder.restart("read anew: the file was rewritten")
            self._interpreter.forget()
            self._records = Records(self._interpreter)
            return True
        records = []
        for line in lines:
            if line and not line.isspace():
                record = self._parse(line)
                if record is None:
                    self._malformed += 1
                else:
                    records.append(record)
        if records:
            self._records.take(records, builder)
        return self._lines.more

    def _parse(self, line: bytes) -> Record | None:
        try:
            record: Any = parse(line)
        except ValueError:
            return None
        return self._records.flat(record) if isinstance(record, dict) else None
