"""Read a file that another program writes, in pieces or by whole lines."""

import time
from pathlib import Path

from engine.runs.safe_file_access import open_regular
from tui.runs.foreign.text_encoding import TextForm, form_of

PIECE_BYTES = 2**18
MAX_LINE_BYTES = 2**20
"""Maximum length of a line; a longer one counts as damaged."""
_HEAD_BYTES = 4096
SETTLED_SECONDS = 600.0
"""Seconds without writing after which a last line counts as complete without its newline."""


class Tail:
    """The part of a file that was not consumed yet.

    Raises OSError where the file cannot be read; a missing file counts as empty.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        """Number of bytes that were consumed."""
        self.size = 0
        self.changed_at = 0.0
        """When the file was last written, in seconds since the epoch."""
        self.anew = False
        """Whether the file was rewritten. Nothing is read until the caller sets this to False."""
        self._head = b""
        """The first bytes of the file; if they change, it was rewritten."""
        self._piece = b""
        self._identity = (-1, -1, -1)
        self._asked = (-1, -1)
        """Offset and length of the last reading; if nothing was consumed, it was too short."""

    def read(self, max_bytes: int = PIECE_BYTES) -> bytes:
        """At most `max_bytes` from the offset on, which `consume` moves; b"" if there are none.

        The same bytes are read again only after the file has changed, or once it is settled.
        """
        try:
            facts = self.path.stat()
        except FileNotFoundError:
            return b""
        self.changed_at = facts.st_mtime
        identity = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
        if identity != self._identity:
            self._identity, self._asked = identity, (-1, -1)
            self._notice_rewriting(facts.st_size)
        if self.anew:
            return b""
        asked = (self.offset, max_bytes)
        if self.offset >= facts.st_size or (asked == self._asked and not self.settled):
            return b""
        self.size, self._asked = facts.st_size, asked
        with open_regular(self.path) as file:
            file.seek(self.offset)
            self._piece = file.read(max_bytes)
        return self._piece

    def consume(self, number: int) -> None:
        """Move the offset by a number of bytes, within the last piece or beyond it."""
        if self.offset == len(self._head) < _HEAD_BYTES:
            room = min(number, _HEAD_BYTES - len(self._head))
            self._head += self._piece[:room]
        self.offset += number
        self._piece = b""

    @property
    def settled(self) -> bool:
        """Whether nothing was written for `SETTLED_SECONDS`."""
        return time.time() - self.changed_at > SETTLED_SECONDS

    def _notice_rewriting(self, size: int) -> None:
        if not self.offset:
            return
        with open_regular(self.path) as file:
            head = file.read(len(self._head))
        if size < self.offset or head != self._head:
            self.offset, self._head, self.anew = 0, b"", True


class Lines:
    """The complete lines of a growing text file, as UTF-8; what follows the last newline waits."""

    def __init__(self, path: Path) -> None:
        self.tail = Tail(path)
        self.damaged = 0
        """Number of lines that were too long, or went on after they had been taken as complete."""
        self.more = False
        """Whether more can be read at once."""
        self._form: TextForm | None = None
        """How the text is written; None while that is not known."""
        self._cut = False
        """Whether the bytes up to the next newline belong to a line that was already returned."""
        self._counted = False
        """Whether that line was counted as damaged."""

    @property
    def anew(self) -> bool:
        """Whether the file was rewritten since the last call."""
        anew, self.tail.anew = self.tail.anew, False
        if anew:
            self._cut = self._counted = False
            self._form = None
        return anew

    def read(self, max_bytes: int = PIECE_BYTES) -> list[bytes]:
        """New lines without their ends, from about `max_bytes`; empty if there are none yet."""
        data = self.tail.read(max_bytes)
        form = self._form = self._form or form_of(data)
        end = form.last_end(data) if form is not None else 0
        if not end and len(data) >= max_bytes:  # a line longer than a piece
            data = self.tail.read(MAX_LINE_BYTES)
            form = self._form = self._form or form_of(data)
            end = form.last_end(data) if form is not None else 0
        self.more = len(data) >= max_bytes
        if self.tail.anew:
            return []
        if not end or form is None:
            return self._without_end(data)
        begin = 0 if self.tail.offset else form.mark
        self.tail.consume(end)
        lines = form.lines(data[begin:end])
        if self._cut:
            self.damaged += bool(lines[0].strip()) and not self._counted
            self._cut = self._counted = False
            del lines[0]
        return lines

    def last(self, data: bytes) -> list[bytes]:
        """Take a line without its newline as complete."""
        form = self._form or TextForm()
        begin = 0 if self.tail.offset else form.mark
        self.tail.consume(len(data))
        self._cut = True
        return form.lines(data[begin:]) or [b""]

    def _without_end(self, data: bytes) -> list[bytes]:
        if len(data) >= MAX_LINE_BYTES:
            self.tail.consume(len(data))
            self.damaged += not self._counted
            self._cut = self._counted = self.more = True
        elif data and not self._cut and self.tail.settled:
            return self.last(data)
        return []
