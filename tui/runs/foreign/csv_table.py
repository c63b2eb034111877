"""Tables of text such as Keras and Ultralytics write: a row is a record, a column a metric."""

import csv
from collections.abc import Sequence
from pathlib import Path

from tui.runs.foreign import record_columns
from tui.runs.foreign.event_builder import EventBuilder
from tui.runs.foreign.growing_file import Lines
from tui.runs.foreign.interpreter import Interpreter
from tui.runs.foreign.record_columns import Cells, Piece
from tui.runs.foreign.separators import Row, decoded, delimiter_of, is_rule, split, unique
from tui.runs.foreign.values import MISSING, number

MAX_COLUMNS = 4096
_ODD = ('"', "\r", "\0", "|")
"""What keeps a whole piece from being parsed at once."""
_USUAL = frozenset(b"%c" % byte for byte in b"0123456789+-.")
"""How the lines of most tables begin; others may be empty, comments, headers or texts."""
_FIRST_LINES = 128
"""Number of lines among which the header is."""


class CsvReader:
    """A reader of a table that may grow.

    A field cannot span several lines: the parser keeps no state from one line to the next, so that
    damage in one line does not spoil those after it.
    """

    def __init__(self, path: Path, interpreter: Interpreter) -> None:
        self.path = path
        self._lines = Lines(path)
        self._interpreter = interpreter
        interpreter.in_table = True
        self._malformed = self._short = 0
        self._header: Row = []
        self._names: Row = []
        """The names of the columns as they are written, to know them again."""
        self._delimiter = ","
        self._comment = ""
        """The last comment before the first row, which may hold the names."""
        self._quoted = False
        """Whether cells of the newest rows are quoted, so that they may hold commas."""

    @property
    def damaged(self) -> int:
        """Number of lines that were skipped."""
        return self._lines.damaged + self._malformed + self._interpreter.refused

    @property
    def changed_at(self) -> float:
        """When the file was last written."""
        return self._lines.tail.changed_at

    def metrics(self, columns: dict[str, Cells]) -> dict[str, Cells]:
        """The columns that are read of a piece."""
        return columns

    def read(self, builder: EventBuilder) -> bool:
        """Read a piece; returns whether more can be read at once. Raises OSError, ReadAgain."""
        lines = self._lines.read()
        if self._lines.anew:
            builder.restart("read anew: the file was rewritten")
            self._interpreter.forget()
            self._header = []
            return True
        if lines and not self._header:
            lines = self._begin(lines)
        if lines:
            self._interpreter.take(self._pieces(lines, builder), builder)
        builder.say_count("rows with fewer cells than columns, the others are empty", self._short)
        return self._lines.more

    def _begin(self, lines: list[bytes]) -> list[bytes]:
        """Read the header; returns the lines after it."""
        texts = [decoded(line) for line in lines[:_FIRST_LINES]]
        for place, text in enumerate(texts):
            if not text.strip() or is_rule(text):
                continue
            if text.lstrip().startswith("#"):
                self._comment = text.lstrip().lstrip("#").strip()
                continue
            rows = [each for each in texts[place:] if not each.lstrip().startswith("#")]
            self._delimiter = delimiter_of(rows)
            names = [name.strip() for name in split(text, self._delimiter)][:MAX_COLUMNS]
            if not names:
                self._malformed += 1
                continue
            unnamed = all(number(name) is not None or name.lower() in MISSING for name in names)
            if unnamed and any(number(name) is not None for name in names):
                names = self._names_of(names)
                self._know(names, rows)
                return lines[place:]
            self._know(names, rows[1:])
            return lines[place + 1 :]
        return [] if len(texts) == len(lines) else lines[len(texts) :]

    def _names_of(self, cells: Row) -> Row:
        """The names of columns without a header: a comment before them may hold them."""
        for delimiter in (self._delimiter, " ", ","):
            names = [name.strip() for name in split(self._comment, delimiter)]
            if len(names) == len(cells) and not any(number(name) is not None for name in names):
                return names
        return [f"column {i}" for i in range(1, len(cells) + 1)]

    def _know(self, names: Row, following: Sequence[str]) -> None:
        """Take names for the columns, if there is one fewer than cells in the rows, as R writes it,
        from the second column on."""
        rows = [split(text, self._delimiter) for text in following[:20] if text.strip()]
        longer = [row for row in rows if len(row) == len(names) + 1]
        if rows and len(longer) == len(rows) and all(row[-1].strip() for row in rows):
            names = ["", *names]
        self._names = names
        self._interpreter.unnamed = {
            f"column {place}" for place, name in enumerate(names, 1) if not name
        }
        named = [name or f"column {place}" for place, name in enumerate(names, 1)]
        self._header = unique(named)

    def _pieces(self, lines: list[bytes], builder: EventBuilder) -> list[Piece]:
        """The rows of whole lines, in a piece for each header among them; lines that are not rows
        of this table count as malformed."""
        whole, odd = lines, [line for line in lines if line[:1] not in _USUAL]
        if odd:
            whole = [line for line in lines if line[:1] in _USUAL or self._is_row(line)]
        found = []
        begin, begins = 0, False
        for place, line in enumerate(whole if odd else ()):
            if line[:1] not in _USUAL and self._is_header(line):
                found.append(self._piece(whole[begin:place], begins))
                names = [name.strip() for name in split(decoded(line), self._delimiter)]
                begins = names == self._names
                if not begins:
                    builder.say("info", f"another header follows, with {len(names)} columns")
                    self._know(names, ())
                begin = place + 1
        found.append(self._piece(whole[begin:], begins))
        return found

    def _is_row(self, line: bytes) -> bool:
        """Whether a line is neither empty nor a comment nor the border of a table."""
        return not (not line or line.isspace() or line[:1] == b"#" or is_rule(decoded(line)))

    def _is_header(self, line: bytes) -> bool:
        """Whether a line has the names of columns: the same ones, or others with some of them."""
        cells = [cell.strip() for cell in split(decoded(line), self._delimiter)]
        if cells == self._names:
            return True
        known = set(self._names) & set(cells)
        return len(known) >= 2 and all(cell and number(cell) is None for cell in cells)

    def _piece(self, lines: list[bytes], begins: bool) -> Piece:
        rows = self._parse(lines)
        if not rows:
            return Piece(0, {})
        columns = record_columns.of_rows(self._header, rows)
        if self._delimiter != "," or self._quoted:
            self._learn_commas(columns)
        return Piece(len(rows), self.metrics(columns), begins)

    def _learn_commas(self, columns: dict[str, Cells]) -> None:
        for _, cells in columns.values():
            if any("," in cell for cell in cells):
                self._interpreter.commas.add(cells)
            elif not self._interpreter.points_seen:
                self._interpreter.points_seen = any(
                    "." in cell and number(cell) is not None for cell in cells[:100]
                )

    def _parse(self, lines: list[bytes]) -> list[Row]:
        """The rows of whole lines, each as long as the header."""
        try:
            text = b"\n".join(lines).decode()
        except UnicodeDecodeError:
            text = "\n".join(map(decoded, lines))
        self._quoted = '"' in text
        if self._delimiter == " ":
            rows = [line.split() for line in text.split("\n")]
        elif any(odd in text for odd in _ODD):
            rows = [split(line, self._delimiter) for line in text.split("\n")]
        else:
            try:
                rows = list(csv.reader(text.split("\n"), delimiter=self._delimiter))
            except csv.Error:  # a field longer than the parser allows
                rows = [split(line, self._delimiter) for line in text.split("\n")]
        width = len(self._header)
        if set(map(len, rows)) == {width}:
            return rows
        return [fitted for row in rows if (fitted := self._fitted(row, width)) is not None]

    def _fitted(self, row: Row, width: int) -> Row | None:
        """A row with as many cells as the header: empty ones are added or taken away at its end.

        None for a row with more values than there are names: which is which cannot be told.
        """
        if not row:
            self._malformed += 1
            return None
        if len(row) < width:
            self._short += 1
            return row + [""] * (width - len(row))
        if len(row) > width and any(cell.strip() for cell in row[width:]):
            self._malformed += 1
            return None
        return row[:width]
