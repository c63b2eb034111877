"""TensorBoard logs: the scalars of one folder, to which each process adds an event file."""

import struct
import time
from functools import cache
from pathlib import Path
from typing import Any

from tui.runs.foreign import lightning_hparams, protobuf
from tui.runs.foreign.event_builder import EventBuilder
from tui.runs.foreign.event_file import MAX_EVENT_BYTES, EventFile
from tui.runs.foreign.interpreter import Interpreter
from tui.runs.foreign.protobuf import messages

SEARCH_SECONDS = 2.0
"""Seconds between two searches for new files in the folder."""
MAX_FILES = 1000
_START = 1
"""The status in a session log by which a process says that it begins."""
_NUMBER_TYPES: dict[int, tuple[str, str]] = {
    1: ("<f", "float_val"),
    2: ("<d", "double_val"),
    3: ("<i", "int_val"),
    4: ("<B", "int_val"),
    5: ("<h", "int_val"),
    6: ("<b", "int_val"),
    9: ("<q", "int64_val"),
    10: ("<?", "bool_val"),
    14: ("bfloat16", "half_val"),
    17: ("<H", "int_val"),
    19: ("<e", "half_val"),
    22: ("<I", "uint32_val"),
    23: ("<Q", "uint64_val"),
}
"""TensorFlow's numbers of data types (`types.proto`): how one element is laid out, and the field
that holds it otherwise."""


def files(folder: Path) -> list[Path]:
    """The event files of a folder, oldest first: their names begin with their time."""
    found = (path for path in folder.iterdir() if is_event_file(path.name))
    return sorted(found)[:MAX_FILES]


def is_event_file(name: str) -> bool:
    """Whether this is the name of a file with metrics."""
    return "tfevents" in name and not name.endswith(".profile-empty")


@cache
def event_class() -> Any:
    """The message `Event` of TensorFlow's `event.proto`, with the fields that are used here."""
    table: dict[str, protobuf.Fields] = {
        "Event": {
            "wall_time": (1, "double"),
            "step": (2, "int64"),
            "file_version": (3, "bytes"),
            "summary": (5, "Summary"),
            "session": (7, "Session"),
        },
        "Session": {"status": (1, "int64")},
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
            "int_val": (7, "int64*"),
            "int64_val": (10, "int64*"),
            "bool_val": (11, "int64*"),
            "half_val": (13, "int64*"),
            "uint32_val": (16, "int64*"),
            "uint64_val": (17, "int64*"),
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


class TensorBoardReader:
    """A reader of the event files of one folder, or of one file."""

    def __init__(self, path: Path, interpreter: Interpreter) -> None:
        self._path = path
        self._files: dict[Path, EventFile] = {}
        self._tags_seen = interpreter.tags
        self._tags_seen.begin_again()
        self._number = 0
        """Number of the file that is read."""
        self._next_search = 0.0
        self._malformed = 0
        self._parse = event_class().FromString
        self._error = protobuf.decode_error()
        self._tags: dict[bytes, str] = {}

    @property
    def damaged(self) -> int:
        """Number of records that were skipped."""
        return sum(file.damaged for file in self._files.values()) + self._malformed

    @property
    def changed_at(self) -> float:
        """When one of the files was last written."""
        return max((file.tail.changed_at for file in self._files.values()), default=0.0)

    def read(self, builder: EventBuilder) -> bool:
        """Read a piece; returns whether more can be read at once. Raises OSError."""
        if not self._files and self._path.is_dir():
            lightning_hparams.tell(self._path, builder)
        self._search_files()
        for number, file in enumerate(self._files.values()):
            messages = file.read()
            if file.tail.anew:
                file.tail.anew = False
                builder.restart("read anew: a file was rewritten")
                self._tags_seen.forget()
                self._files.clear()
                self._next_search = 0.0
                return True
            self._number = number
            for message in messages:
                self._tell(message, builder)
            if messages or file.more:
                self._tags_seen.check()
                return True  # to the end of this file before the next one begins
        self._say(builder)
        return False

    def _say(self, builder: EventBuilder) -> None:
        large = sum(file.large for file in self._files.values())
        builder.say_count(f"events over {MAX_EVENT_BYTES // 2**20} MiB passed over", large)
        for message in self._tags_seen.said:
            builder.say("warning", message)

    def _search_files(self) -> None:
        now = time.monotonic()
        if now < self._next_search:
            return
        self._next_search = now + SEARCH_SECONDS
        if not self._path.is_dir():
            self._files = self._files or {self._path: EventFile(self._path)}
            return
        for path in files(self._path):
            if path not in self._files:
                self._files[path] = EventFile(path)

    def _tell(self, message: bytes, builder: EventBuilder) -> None:
        try:
            event = self._parse(message)
        except self._error:
            self._malformed += 1
            return
        step, moment = event.step, event.wall_time
        if not (0 <= step <= 2**53 and 0 <= moment < 250e9):  # NaN is no time either
            self._malformed += 1
            return
        if event.HasField("session") and event.session.status == _START and step > 0:
            self._tags_seen.purge(step, builder)
        for value in event.summary.value:
            number = _scalar(value)
            if number is not None:
                name = self._name(value.tag)
                place = self._tags_seen.position(name, self._number, step, moment, builder)
                builder.point(name, place, moment, number)
            elif value.HasField("metadata") and value.metadata.plugin.name == b"hparams":
                self._tell_settings(value.metadata.plugin.content, builder)

    def _name(self, tag: bytes) -> str:
        name = self._tags.get(tag)
        if name is None:
            name = protobuf.text(tag)
            if len(self._tags) < 10_000:
                self._tags[tag] = name
        return name

    def _tell_settings(self, content: bytes, builder: EventBuilder) -> None:
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
            builder.begin(settings)


def _scalar(value: Any) -> float | None:
    """The number of a summary's value; TensorFlow 2 writes a tensor of one element."""
    if value.HasField("simple_value"):
        return float(value.simple_value)
    if not value.HasField("tensor"):
        return None
    tensor = value.tensor
    layout, field = _NUMBER_TYPES.get(tensor.dtype, ("", "float_val"))
    numbers, content = getattr(tensor, field), tensor.content if layout else b""
    if field == "half_val" and (len(numbers) == 1 or len(content) == 2):
        return _half(layout, numbers[0] if numbers else int.from_bytes(content, "little"))
    if len(numbers) == 1:
        return float(numbers[0] % 2**64 if field == "uint64_val" else numbers[0])
    if layout not in ("", "bfloat16") and len(content) == struct.calcsize(layout):
        return float(struct.unpack(layout, content)[0])
    return None


def _half(layout: str, bits: int) -> float:
    """The number whose 16 bits these are."""
    bits &= 0xFFFF
    if layout == "bfloat16":  # the upper half of a float
        return float(struct.unpack("<f", struct.pack("<I", bits << 16))[0])
    return float(struct.unpack("<e", struct.pack("<H", bits))[0])
