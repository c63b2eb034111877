"""W&B runs as their `.wandb` files: history, settings, system metrics and how the run ended.

The file is a LevelDB log: after seven bytes of its own come blocks of 32 KiB with records, each
with a checksum (CRC-32 of kind and data), a length, and whether it is a whole one or a part. No
library reads it: `wandb` itself does so in Go (see `protobuf.py`).
"""

import struct
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

from tui.runs.foreign import protobuf
from tui.runs.foreign.event_builder import EventBuilder
from tui.runs.foreign.growing_file import Tail
from tui.runs.foreign.interpreter import Interpreter
from tui.runs.foreign.record_flattening import Record, Records, parse
from tui.text import real

MAGIC = b":W&B\xe1\xbe"
BLOCK_BYTES = 32768
MAX_RECORD_BYTES = 2**20
"""Maximum size of a record; a longer one is passed over."""
PIECE_BLOCKS = 8
_FILE_HEADER = 7
_HEADER = struct.Struct("<IHB")
_WHOLE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


def file_of(folder: Path) -> Path | None:
    """The `.wandb` file in the folder of a run; None if there is none."""
    return next(iter(sorted(folder.glob("*.wandb"))), None)


@cache
def _record() -> Any:
    """The message `Record` of `wandb_internal.proto`, with the fields that are read here."""
    item: protobuf.Fields = {
        "key": (1, "bytes"),
        "nested_key": (2, "bytes*"),
        "value_json": (16, "bytes"),
    }
    table: dict[str, protobuf.Fields] = {
        "Record": {
            "history": (2, "History"),
            "config": (5, "Config"),
            "stats": (7, "Stats"),
            "run": (17, "Run"),
            "exit": (18, "Exit"),
        },
        "Item": item,
        "History": {"item": (1, "Item*"), "step": (2, "Step")},
        "Step": {"num": (1, "int64")},
        "Config": {"update": (1, "Item*")},
        "Run": {
            "run_id": (1, "bytes"),
            "config": (4, "Config"),
            "display_name": (8, "bytes"),
            "host": (13, "bytes"),
            "start_time": (17, "Time"),
        },
        "Stats": {"timestamp": (2, "Time"), "item": (3, "Item*")},
        "Time": {"seconds": (1, "int64"), "nanos": (2, "int64")},
        "Exit": {"exit_code": (1, "int64"), "runtime": (2, "int64")},
    }
    return protobuf.messages("wandb", table)["Record"]


class Blocks:
    """The complete records of a growing file; one that is not complete is left for later."""

    def __init__(self, path: Path) -> None:
        self.tail = Tail(path)
        self.damaged = 0
        self.more = False
        self._parts: list[bytes] | None = None
        """The first parts of a record; None where they are unknown or too long."""

    def read(self) -> list[bytes]:
        """The complete records of the next piece."""
        if not self.tail.offset and not self._begin():
            return []
        left = BLOCK_BYTES - self.tail.offset % BLOCK_BYTES
        data = self.tail.read(left + (PIECE_BLOCKS - 1) * BLOCK_BYTES)
        if self.tail.anew:
            self._parts = None
            return []
        found: list[bytes] = []
        size, place = len(data), 0
        while place < size:
            left = BLOCK_BYTES - (self.tail.offset + place) % BLOCK_BYTES
            if left < _HEADER.size:
                place += left  # never used
                continue
            if place + _HEADER.size > size:
                break
            used = self._record(data, place, left, found)
            if not used:
                break
            place += used
        if place:
            self.tail.consume(min(place, size))
        self.more = bool(place) and self.tail.offset < self.tail.size
        return found

    def _begin(self) -> bool:
        data = self.tail.read(_FILE_HEADER)
        if len(data) < _FILE_HEADER or self.tail.anew:
            return False
        self.damaged += not data.startswith(MAGIC)
        self.tail.consume(_FILE_HEADER)
        return True

    def _record(self, data: bytes, place: int, left: int, found: list[bytes]) -> int:
        """Read the record at a place, with `left` bytes of its block; returns the number of bytes
        used, 0 if it is not complete yet."""
        check, length, kind = _HEADER.unpack_from(data, place)
        end: int = place + _HEADER.size + length
        if _HEADER.size + length > left or kind not in (_WHOLE, _FIRST, _MIDDLE, _LAST):
            # The next block begins with a record again, if it is there already.
            if self.tail.offset + place + left >= self.tail.size:
                return 0
            self.damaged += 1
            self._parts = None
            return left
        if end > len(data):
            return 0
        part = data[place + _HEADER.size : end]
        if crc32(part, crc32(bytes((kind,)))) != check:
            self.damaged += 1
            self._parts = None
        else:
            self._join(kind, part, found)
        return end - place

    def _join(self, kind: int, part: bytes, found: list[bytes]) -> None:
        if kind == _WHOLE:
            found.append(part)
        elif kind == _FIRST:
            self._parts = [part]
        elif self._parts is not None:
            self._parts.append(part)
            if sum(map(len, self._parts)) > MAX_RECORD_BYTES:
                self._parts = None
            elif kind == _LAST:
                found.append(b"".join(self._parts))
                self._parts = None


class WandbReader:
    """A reader of a run that may still be written."""

    def __init__(self, path: Path, interpreter: Interpreter) -> None:
        self._blocks = Blocks(path)
        self._malformed = 0
        self._interpreter = interpreter
        self._records = Records(interpreter)
        self._history: list[Record] = []
        """The records of the history that were read and not reported yet."""
        self._parse = _record().FromString
        self._error = protobuf.decode_error()

    @property
    def damaged(self) -> int:
        """Number of records that were skipped."""
        return self._blocks.damaged + self._malformed + self._interpreter.refused

    @property
    def changed_at(self) -> float:
        """When the file was last written."""
        return self._blocks.tail.changed_at

    def read(self, builder: EventBuilder) -> bool:
        """Read a piece; returns whether more can be read at once. Raises OSError."""
        records = self._blocks.read()
        if self._blocks.tail.anew:
            self._blocks.tail.anew = False
            builder.restart("read anew: the file was rewritten")
            self._interpreter.forget()
            self._history.clear()
            return True
        for data in records:
            try:
                record = self._parse(data)
            except self._error:
                self._malformed += 1
            else:
                self._tell(record, builder)
        self._report(builder)
        return self._blocks.more

    def _report(self, builder: EventBuilder) -> None:
        records, self._history = self._history, []
        if records:
            self._records.take(records, builder)

    def _tell(self, record: Any, builder: EventBuilder) -> None:
        if record.HasField("history"):
            self._tell_history(record.history)
        elif record.HasField("stats"):
            self._report(builder)
            for name, value in self._records.flat(_settings(record.stats.item)).items():
                if (number := real(value)) is not None:
                    moment = _seconds(record.stats.timestamp)
                    builder.point(f"system/{name}", self._interpreter.step, moment, number)
        elif record.HasField("run"):
            run = record.run
            told = {"name": protobuf.text(run.display_name or run.run_id)}
            builder.begin(told | _settings(run.config.update), at=_seconds(run.start_time))
        elif record.HasField("config"):
            builder.begin(_settings(record.config.update))
        elif record.HasField("exit"):
            self._report(builder)
            code = record.exit.exit_code
            status, seconds = ("failed" if code else "done"), float(max(0, record.exit.runtime))
            builder.end(status, f"exit code {code}", seconds)  # type: ignore[arg-type]

    def _tell_history(self, history: Any) -> None:
        record = _settings(history.item)
        if history.HasField("step"):
            record.setdefault("_step", history.step.num)
        self._history.append(self._records.flat(record))


def _settings(items: Any) -> dict[str, Any]:
    """Key and value of each item; nested keys are joined with slashes."""
    found = {}
    for item in items:
        key = b"/".join(item.nested_key) if item.nested_key else item.key
        try:
            value = parse(item.value_json)
        except ValueError:
            continue
        if key != b"_wandb":
            found[protobuf.text(key)] = value
    return found


def _seconds(moment: Any) -> float | None:
    """The time in seconds since the epoch; None if it is not set."""
    return moment.seconds + moment.nanos / 1e9 if moment.seconds > 0 else None
