"""TensorBoard event files: the scalars of one folder, which each process adds a file to.

A record is its length (8 bytes), a checksum of these, the message, a checksum of it. The checksums
are CRC-32C, rotated by 15 bits plus a constant (TensorFlow's `lib/core/io/record_writer`).
"""

import re
import struct
import time
from functools import cache
from pathlib import Path
from typing import Any

from tui.foreign import hparams, protobuf
from tui.foreign.book import Book
from tui.foreign.protobuf import messages
from tui.foreign.tail import PIECE_BYTES, Tail

MAX_EVENT_BYTES = 2**18
"""Larger events hold pictures, graphs or sound: passed over without being read."""
LOOK_SECONDS = 2.0
"""Between two looks for new files in the folder."""
MAX_FILES = 1000
_HEADER = struct.Struct("<QI")
_CHECK = struct.Struct("<I")
_EDGES = _HEADER.size + _CHECK.size
_MAYBE_HEADER = re.compile(rb"(?=.{4}\0\0\0\0)", re.DOTALL)
"""Where a length under 4 GiB could stand."""
_DT_FLOAT, _DT_DOUBLE = 1, 2


def files(folder: Path) -> list[Path]:
    """The event files of a folder, in the order of their beginnings, which their names tell."""
    found = (path for path in folder.iterdir() if is_event_file(path.name))
    return sorted(found)[:MAX_FILES]


def is_event_file(name: str) -> bool:
    """Whether a file is called like one with metrics."""
    return "tfevents" in name and not name.endswith(".profile-empty")


@cache
def _event() -> Any:
    """The message `Event` of TensorFlow's `event.proto`, as far as it is read here."""
    table: dict[str, protobuf.Fields] = {
        "Event": {"wall_time": (1, "double"), "step": (2, "int64"), "summary": (5, "Summary")},
        "Summary": {"value": (1, "Value*")},
        "Value": {
            "tag": (1, "bytes"),
            "simple_value": (2, "float"),
            "tensor": (8, "Tensor"),
            "metadata": (9, "Metadata"),
        },
        "Tensor": {
            "dtype": (1, "int64"),
            "content": (4, "bytes"),
            "float_val": (5, "float*"),
            "double_val": (6, "double*"),
        },
        "Metadata": {"plugin": (1, "Plugin")},
        "Plugin": {"name": (1, "bytes"), "content": (2, "bytes")},
    }
    return messages("tensorboard", table)["Event"]


@cache
def _hparams() -> Any:
    """The message that `SummaryWriter.add_hparams` hides in a summary's metadata."""
    table: dict[str, protobuf.Fields] = {
        "Data": {"start": (3, "Start")},
        "Start": {"hparams": (1, "Entry*")},
        "Entry": {"key": (1, "bytes"), "value": (2, "Setting")},
        "Setting": {"number": (2, "double"), "text": (3, "bytes"), "flag": (4, "bool")},
    }
    return messages("hparams", table)["Data"]


class EventFile:
    """The events of one file, while it grows."""

    def __init__(self, path: Path) -> None:
        from google_crc32c import value

        self.tail = Tail(path)
        self.damaged = 0
        self.more = False
        self._crc = value
        self._lengths: dict[int, int] = {}
        """Checksums of the lengths that occurred."""
        self._lost = False
        """Whether it is unknown where the next record begins."""

    def read(self) -> list[bytes]:
        """The whole messages of the next piece."""
        data = self.tail.read(max(PIECE_BYTES, MAX_EVENT_BYTES + _EDGES))
        size, place, found = len(data), 0, []
        while size - place >= _HEADER.size:
            length, check = _HEADER.unpack_from(data, place)
            if check != self._check_of_length(data, place, length):
                self._count_damage()
                place = self._next_header(data, place + 1)
                continue
            self._lost = False
            end = place + _EDGES + length
            if length > MAX_EVENT_BYTES:
                if self.tail.offset + end > self.tail.size:
                    break  # not yet
                place = end
            elif end > size:
                break  # in the next piece, or not yet
            else:
                message = data[place + _HEADER.size : end - _CHECK.size]
                if _masked(self._crc(message)) == _CHECK.unpack_from(data, end - _CHECK.size)[0]:
                    found.append(message)
                else:
                    self.damaged += 1
                place = end
        if place:
            self.tail.consume(place)
        self.more = bool(place) and self.tail.offset < self.tail.size
        return found

    def _check_of_length(self, data: bytes, place: int, length: int) -> int:
        known = self._lengths.get(length)
        if known is None:
            known = _masked(self._crc(data[place : place + 8]))
            if len(self._lengths) < 10_000:
                self._lengths[length] = known
        return known

    def _count_damage(self) -> None:
        """A stretch of damage counts once, however many pieces it goes over."""
        self.damaged += not self._lost
        self._lost = True

    def _next_header(self, data: bytes, place: int) -> int:
        """Where a record begins whose length is what was written; else where one could begin that
        is not whole yet."""
        for match in _MAYBE_HEADER.finditer(data, place):
            begin = match.start()
            if begin + _HEADER.size > len(data):
                break
            _, check = _HEADER.unpack_from(data, begin)
            if check == _masked(self._crc(data[begin : begin + 8])):
                return begin
        return max(place, len(data) - _HEADER.size + 1)


def _masked(check: int) -> int:
    return ((check >> 15 | check << 17) + 0xA282EAD8) & 0xFFFFFFFF


class TensorBoardReader:
    """Reads the event files of one folder, or one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: dict[Path, EventFile] = {}
        self._look_at = 0.0
        self._malformed = 0
        self._parse = _event().FromString
        self._error = protobuf.decode_error()
        self._tags: dict[bytes, str] = {}

    @property
    def damaged(self) -> int:
        """Records that were skipped."""
        return sum(file.damaged for file in self._files.values()) + self._malformed

    @property
    def changed_at(self) -> float:
        """When one of the files was last written."""
        return max((file.tail.changed_at for file in self._files.values()), default=0.0)

    def read(self, book: Book) -> bool:
        """Read a piece; returns whether there may be more at once. Raises OSError."""
        if not self._files and self._path.is_dir():
            hparams.tell(self._path, book)
        self._look_for_files()
        for file in self._files.values():
            messages = file.read()
            if file.tail.anew:
                file.tail.anew = False
                book.restart()
                return True
            for message in messages:
                self._tell(message, book)
            if messages or file.more:
                return True  # to the end of this file before the next one begins
        return False

    def _look_for_files(self) -> None:
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        if not self._path.is_dir():
            self._files = self._files or {self._path: EventFile(self._path)}
            return
        for path in files(self._path):
            if path not in self._files:
                self._files[path] = EventFile(path)

    def _tell(self, message: bytes, book: Book) -> None:
        try:
            event = self._parse(message)
        except self._error:
            self._malformed += 1
            return
        step, moment = event.step, event.wall_time
        if not (0 <= step <= 2**53 and 0 <= moment < 250e9):  # NaN is no time either
            self._malformed += 1
            return
        for value in event.summary.value:
            number = _scalar(value)
            if number is not None:
                book.point(self._name(value.tag), step, moment, number)
            elif value.HasField("metadata") and value.metadata.plugin.name == b"hparams":
                self._tell_settings(value.metadata.plugin.content, book)

    def _name(self, tag: bytes) -> str:
        name = self._tags.get(tag)
        if name is None:
            name = protobuf.text(tag)
            if len(self._tags) < 10_000:
                self._tags[tag] = name
        return name

    def _tell_settings(self, content: bytes, book: Book) -> None:
        try:
            entries = _hparams().FromString(content).start.hparams
        except self._error:
            self._malformed += 1
            return
        settings: dict[str, Any] = {}
        for entry in entries:
            for name in ("number", "text", "flag"):
                if entry.value.HasField(name):
                    value = getattr(entry.value, name)
                    settings[protobuf.text(entry.key)] = (
                        protobuf.text(value) if isinstance(value, bytes) else value
                    )
        if settings:
            book.begin(settings)


def _scalar(value: Any) -> float | None:
    """The number of a summary's value; TensorFlow 2 writes a tensor of one element."""
    if value.HasField("simple_value"):
        return float(value.simple_value)
    if not value.HasField("tensor"):
        return None
    tensor = value.tensor
    layouts = {_DT_FLOAT: ("<f", tensor.float_val), _DT_DOUBLE: ("<d", tensor.double_val)}
    layout, numbers = layouts.get(tensor.dtype, ("", ()))
    if len(numbers) == 1:
        return float(numbers[0])
    if layout and len(tensor.content) == struct.calcsize(layout):
        return float(struct.unpack(layout, tensor.content)[0])
    return None
