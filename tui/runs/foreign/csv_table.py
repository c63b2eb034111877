"""CSV tables such as Keras and Ultralytics write: a row is a record, a column a metric."""

import csv
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from tui.runs.foreign import fields
from tui.runs.foreign.event_builder import EventBuilder
from tui.runs.foreign.growing_file import Lines
from tui.runs.foreign.records import COUNTED
from tui.text import real

DELIMITERS = ",;\t"
MAX_COLUMNS = 4096

Row = list[str]


class CsvReader:
    """A reader of a table that may grow.

    A field cannot span several lines: the parser keeps no state from one line to the next, so that
    damage in one line does not spoil those after it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines = Lines(path)
        self._malformed = 0
        self._header: Row = []
        self._delimiter = ","
        self._step: int | None = None
        """Index of the column with the step; None if rows are counted."""
        self._epoch: int | None = None
        self._count = fields.Counter()
        self._time: int | None = None
        self._keys: dict[int, str] = {}
        """Names of the metrics by column."""
        self._row = 0
        """Number of rows read from the file as it is now."""
        self._told = 0
        """Number of rows that were reported; they are passed over in a file that was rewritten."""
        self._first: dict[str, str] = {}
        """The first row, by name of the column."""
        self._last_step = 0

    @property
    def damaged(self) -> int:
        """Number of lines that were skipped."""
        return self._lines.damaged + self._malformed

    @property
    def changed_at(self) -> float:
        """When the file was last written."""
        return self._lines.tail.changed_at

    def metrics(self, header: Row) -> dict[int, str]:
        """Names of the metrics by index of the column."""
        return {i: name for i, name in enumerate(header) if name}

    def read(self, builder: EventBuilder) -> bool:
        """Read a piece; returns whether more can be read at once. Raises OSError."""
        lines = self._lines.read()
        if self._lines.anew:
            self._row, self._header = 0, []
            return True
        if lines and not self._header:
            lines = self._begin(lines, builder)
        if lines:
            self._take(self._parse(lines), builder)
        return self._lines.more

    def _begin(self, lines: list[bytes], builder: EventBuilder) -> list[bytes]:
        """Read the header; returns the lines after it."""
        for number, line in enumerate(lines):
            text = line.decode("utf-8-sig", "replace").strip()
            if not text or text.startswith("#"):
                continue
            self._delimiter = max(DELIMITERS, key=text.count)
            names = [name.strip() for name in self._split(line)][:MAX_COLUMNS]
            if not names:
                self._malformed += 1
                continue
            unnamed = all(real(name) is not None for name in names)
            if unnamed:
                names = [f"column {i}" for i in range(1, len(names) + 1)]
            self._know(names, builder)
            return lines[number if unnamed else number + 1 :]
        return []

    def _know(self, header: Row, builder: EventBuilder) -> None:
        """Find out what the columns are; a log that only got more columns goes on."""
        if self._told and not self._first.keys() <= set(header):
            self._forget(builder)
        elif self._told:
            builder.say("info", f"columns were added: {len(header)} now")
        self._header = header
        keys = self.metrics(header)
        step = fields.find(fields.STEPS, header)
        time = fields.find(fields.TIMES, header)
        self._step = header.index(step) if step is not None else None
        self._time = header.index(time) if time is not None else None
        epoch = fields.find(fields.EPOCHS, header)
        self._epoch = header.index(epoch) if epoch is not None and epoch != step else None
        used = (self._step, self._time)
        self._keys = {
            i: key for i, key in keys.items() if i not in used and key not in fields.NO_METRIC
        }
        where = f"the step is the column {step}" if step else "no column of steps: rows are counted"
        when = f", the time the column {time}" if time else "; without times"
        builder.say("info", where + when)

    def _forget(self, builder: EventBuilder) -> None:
        builder.restart()
        self._told, self._first, self._last_step = 0, {}, 0
        self._count = fields.Counter()

    def _split(self, line: bytes) -> Row:
        text = line.decode("utf-8-sig", "replace")
        try:
            return next(csv.reader([text], delimiter=self._delimiter, strict=True), [])
        except csv.Error:
            return []

    def _parse(self, lines: list[bytes]) -> list[Row]:
        """The rows of whole lines; lines that are not rows of this table count as malformed."""
        whole = [line for line in lines if line]
        text = b"\n".join(whole).decode("utf-8", "replace")
        if '"' in text or "\r" in text or "\0" in text:
            rows = [self._split(line) for line in whole]
        else:
            try:
                rows = list(csv.reader(text.split("\n"), delimiter=self._delimiter))
            except csv.Error:  # a field longer than the parser allows
                rows = [self._split(line) for line in whole]
        width = len(self._header)
        good = [row for row in rows if len(row) == width]
        self._malformed += len(rows) - len(good)
        return good

    def _take(self, rows: list[Row], builder: EventBuilder) -> None:
        if rows and self._row == 0:
            first = dict(zip(self._header, rows[0], strict=True))
            if self._told and any(first[name] != cell for name, cell in self._first.items()):
                self._forget(builder)
            self._first = self._first or first
        passed = max(0, min(len(rows), self._told - self._row))
        self._row += passed
        for full, group in groupby(rows[passed:], key=lambda row: tuple(map(bool, row))):
            self._tell(list(group), full, builder)
        self._told = max(self._told, self._row)

    def _tell(self, rows: list[Row], full: Sequence[bool], builder: EventBuilder) -> None:
        """Report rows that have the same cells filled."""
        cells = list(zip(*rows, strict=True))
        steps = self._steps(cells, full, len(rows))
        if self._count.wrapped:
            builder.say("info", COUNTED)
        columns = {i: _numbers(cells[i]) for i in self._keys if full[i]}
        exact = {i: column for i, column in columns.items() if column is not None}
        self._row += len(rows)
        moments = self._moments(cells, len(rows))
        if None in steps or any(None in column for column in exact.values()):
            self._tell_one_by_one(steps, moments, exact, builder)
        elif exact:
            named = {self._keys[i]: column for i, column in exact.items()}
            builder.columns(named, steps, moments)  # type: ignore[arg-type]  # None is not in them

    def _tell_one_by_one(
        self,
        steps: list[int | None],
        moments: list[float | None],
        columns: dict[int, list[float | None]],
        builder: EventBuilder,
    ) -> None:
        """Report rows some of whose cells are not numbers."""
        for number, (step, moment) in enumerate(zip(steps, moments, strict=True)):
            if step is None:
                self._malformed += 1
                continue
            for i, column in columns.items():
                if (value := column[number]) is not None:
                    builder.point(self._keys[i], step, moment, value)

    def _steps(
        self, cells: list[tuple[str, ...]], full: Sequence[bool], n: int
    ) -> list[int | None]:
        if self._step is None:
            return list(range(self._row + 1, self._row + n + 1))
        if not full[self._step]:
            return [self._last_step] * n
        steps = list(map(fields.step, cells[self._step]))
        if self._epoch is not None and full[self._epoch]:
            epochs = map(real, cells[self._epoch])
            steps = [
                self._count(step, epoch) if step is not None else None
                for step, epoch in zip(steps, epochs, strict=True)
            ]
        self._last_step = next((step for step in reversed(steps) if step is not None), 0)
        return steps

    def _moments(self, cells: list[tuple[str, ...]], n: int) -> list[float | None]:
        return [None] * n if self._time is None else list(map(fields.moment, cells[self._time]))


def _numbers(cells: tuple[str, ...]) -> list[float | None] | None:
    """A column as numbers, with None for other text; None if there is no number at all."""
    try:
        return list(map(float, cells))
    except ValueError:
        numbers = list(map(real, cells))
        return numbers if any(number is not None for number in numbers) else None


def read_header(line: bytes) -> Row:
    """The names of the columns in the first line of a table; [] if it is not one."""
    text = line.decode("utf-8-sig", "replace").strip()
    delimiter = max(DELIMITERS, key=text.count)
    try:
        names = next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []
    return [name.strip() for name in names]
