"""TensorBoard logs: the scalars of one folder, to which each process adds an event file."""

import struct
import time
from functools import cache
from pathlib import Path
from typing import Any

from tui.runs.foreign import hparams, protobuf
from tui.runs.foreign.event_builder import EventBuilder
from tui.runs.foreign.event_file import EventFile
from tui.runs.foreign.protobuf import messages

SEARCH_SECONDS = 2.0
"""Seconds between two searches for new files in the folder."""
MAX_FILES = 1000
_DT_FLOAT, _DT_DOUBLE = 1, 2


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
        },
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


class TensorBoardReader:
    """A reader of the event files of one folder, or of one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: dict[Path, EventFile] = {}
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
            hparams.tell(self._path, builder)
        self._search_files()
        for file in self._files.values():
            messages = file.read()
            if file.tail.anew:
                file.tail.anew = False
                builder.restart()
                return True
            for message in messages:
                self._tell(message, builder)
            if messages or file.more:
                return True  # to the end of this file before the next one begins
        return False

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
        for value in event.summary.value:
            number = _scalar(value)
            if number is not None:
                builder.point(self._name(value.tag), step, moment, number)
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
    layouts = {_DT_FLOAT: ("<f", tensor.float_val), _DT_DOUBLE: ("<d", tensor.double_val)}
    layout, numbers = layouts.get(tensor.dtype, ("", ()))
    if len(numbers) == 1:
        return float(numbers[0])
    if layout and len(tensor.content) == struct.calcsize(layout):
        return float(struct.unpack(layout, tensor.content)[0])
    return None
