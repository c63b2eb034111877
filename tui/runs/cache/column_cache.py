"""What was read of a large log, as columns in the user's cache folder: the next opening maps them.

The log stays the truth: a file here holds which bytes of which log it was made from, and by which
code. Whatever does not fit, is damaged or cannot be written costs time and nothing else.
"""

import hashlib
import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

import msgspec
import numpy as np
from msgspec import Struct
from platformdirs import user_cache_path

from engine.runs.access import open_regular, replacing
from tui.runs.cache import snapshot
from tui.runs.points.block_sums import Blocks
from tui.runs.points.series import Series
from tui.runs.points.steps import Floats, Steps
from tui.runs.store import RunState

MIN_BYTES = 8 * 2**20
"""A log that is shorter is read faster than anybody notices."""
GROWTH = 1.25
"""A log is kept anew when it has become so much longer."""
MAX_BYTES = 4 * 2**30
"""Of all files here; those that were not opened for the longest time go first."""
_FORMAT = b"bigmodel-tui columns 1\n"
_PAGE = 4096
_ENDS = 2**16
"""Bytes at both ends of what was read by which a log is recognised."""
_PIECE = 2**22


class Place(Struct, frozen=True, array_like=True):
    """An array of float64 in the file."""

    offset: int
    length: int
    room: int
    """Numbers that fit behind it before the next array begins."""
    check: int


class Column(Struct, frozen=True, array_like=True):
    """A series in the file."""

    name: str
    length: int
    first: float
    stride: float
    steps: Place | None
    """Where the steps follow no rule."""
    values: Place
    blocks: list[Place]


class Origin(Struct, frozen=True, array_like=True):
    """The part of a log that was read."""

    device: int
    inode: int
    offset: int
    """Its end in the file."""
    check: int
    """Of the bytes at both ends of it."""


class Head(Struct, frozen=True, array_like=True):
    """What stands at the end of the file, behind the arrays."""

    maker: bytes
    origin: Origin
    damaged: int
    unknown: int
    state: bytes
    columns: list[Column]


@dataclass(frozen=True)
class Kept:
    """What a cache holds of a run."""

    origin: Origin
    damaged: int
    """Lines of the log that were skipped."""
    unknown: int
    state: bytes
    series: dict[str, Series]


@dataclass(frozen=True)
class _Found:
    """A series as it was at a moment."""

    name: str
    steps: tuple[float, float] | Floats
    """The first one and the stride, where they follow that rule."""
    values: Floats
    blocks: Blocks
    """As many as were made until then."""


def path_of(log: Path) -> Path:
    """The file for a log."""
    folder = user_cache_path("bigmodel-tui", appauthor=False) / "columns"
    return folder / f"{hashlib.sha256(os.fsencode(log.absolute())).hexdigest()[:32]}.columns"


def origin_of(log: Path, offset: int) -> Origin:
    """What identifies the first `offset` bytes of a log. Raises OSError, also if it has fewer."""
    with open_regular(log) as file:
        facts = os.fstat(file.fileno())
        if facts.st_size < offset:
            raise OSError(f"{log} is shorter than {offset} bytes")
        check = crc32(os.pread(file.fileno(), min(_ENDS, offset), 0))
        last = max(0, offset - _ENDS)
        check = crc32(os.pread(file.fileno(), offset - last, last), check)
        return Origin(facts.st_dev, facts.st_ino, offset, check)


def load(log: Path) -> Kept | None:
    """What was kept of a log, if it is still true."""
    path = path_of(log)
    try:
        with open_regular(path) as file:
            facts = os.fstat(file.fileno())
            if facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
                return None
            head = _head(file, facts.st_size)
            if head.maker != snapshot.maker() or head.origin != origin_of(log, head.origin.offset):
                return None
            for place in _places(head):
                if _check(file, place) != place.check:
                    return None
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        with suppress(OSError):
            os.utime(path)  # it is of use
        series = {column.name: _series(data, column) for column in head.columns}
    except (OSError, ValueError, IndexError, OverflowError, msgspec.MsgspecError):
        return None
    return Kept(head.origin, head.damaged, head.unknown, head.state, series)


def keeper(state: RunState, log: Path, offset: int, unknown: int) -> Callable[[], bool]:
    """Take hold of a state as it is now; what is returned writes it to the cache, in any thread,
    and says whether it could.

    `offset` is how much of the log the state is made from.
    """
    try:
        packed = snapshot.pack(state)
    except (ValueError, TypeError, OverflowError):
        return lambda: False
    found = [
        _Found(name, _frozen(series.rule), series.values, series.summed)
        for name, series in snapshot.series_of(state).items()
    ]
    room = 1.0 if state.ended is not None else GROWTH
    damaged = state.damaged

    def write() -> bool:
        path = path_of(log)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with replacing(path) as file:
                columns = [_write(file, column, room) for column in found]
                head = Head(
                    snapshot.maker(), origin_of(log, offset), damaged, unknown, packed, columns
                )
                _finish(file, msgspec.msgpack.encode(head))
            _make_room(path)
        except (OSError, ValueError, OverflowError, msgspec.MsgspecError):
            return False
        return True

    return write


def _frozen(steps: Steps) -> tuple[float, float] | Floats:
    return steps.rule or steps.between(0, len(steps))


def _write(file: BinaryIO, found: _Found, room: float) -> Column:
    steps, values = found.steps, found.values
    by_rule = isinstance(steps, tuple)
    first, stride = steps if by_rule else (0.0, 1.0)
    return Column(
        found.name,
        len(values),
        first,
        stride,
        None if by_rule else _write_array(file, np.asarray(steps), room),
        _write_array(file, values, room),
        [_write_array(file, sums, 1.0) for sums in found.blocks.continued(values).columns],
    )


def _write_array(file: BinaryIO, array: Floats, room: float) -> Place:
    """At the next page; the room behind it is a hole, which takes no space on the disk."""
    offset = -(-file.tell() // _PAGE) * _PAGE
    size = -(-max(1, int(len(array) * room)) * 8 // _PAGE) * _PAGE
    data = np.ascontiguousarray(array).view(np.uint8).data if len(array) else memoryview(b"")
    file.seek(offset)
    file.write(data)
    file.seek(offset + size)
    return Place(offset, len(array), size // 8, crc32(data))


def _finish(file: BinaryIO, head: bytes) -> None:
    file.write(head)
    file.write(len(head).to_bytes(8, "big") + crc32(head).to_bytes(4, "big") + _FORMAT)
    file.flush()
    os.fsync(file.fileno())  # or a power cut could leave a file of zeros under its name


def _head(file: BinaryIO, size: int) -> Head:
    """Raises ValueError, OSError or MsgspecError if it is none of ours."""
    tail = os.pread(file.fileno(), 12 + len(_FORMAT), max(0, size - 12 - len(_FORMAT)))
    length = int.from_bytes(tail[:8], "big")
    begin = size - len(tail) - length
    if tail[12:] != _FORMAT or begin < 0:
        raise ValueError("another format")
    head = os.pread(file.fileno(), length, begin)
    if crc32(head).to_bytes(4, "big") != tail[8:12]:
        raise ValueError("damaged")
    return msgspec.msgpack.decode(head, type=Head)


def _places(head: Head) -> Iterator[Place]:
    for column in head.columns:
        yield from (place for place in (column.steps, column.values, *column.blocks) if place)


def _check(file: BinaryIO, place: Place) -> int:
    """Read, not mapped: what is only checked needs no memory."""
    check, buffer = 0, memoryview(bytearray(_PIECE))
    left, offset = place.length * 8, place.offset
    while left > 0:
        count = os.preadv(file.fileno(), [buffer[: min(left, _PIECE)]], offset)
        if not count:
            raise OSError("too short")
        check = crc32(buffer[:count], check)
        left, offset = left - count, offset + count
    return check


def _series(data: mmap.mmap, column: Column) -> Series:
    def array(place: Place, count: int) -> Floats:
        return np.frombuffer(data, np.float64, count, place.offset)

    steps = Steps(column.first, column.stride, column.length)
    if column.steps is not None:
        steps = Steps.of(array(column.steps, column.steps.room), column.length)
    blocks = Blocks(*(array(place, place.length) for place in column.blocks))
    return Series.of(steps, array(column.values, column.values.room), blocks)


def _make_room(newest: Path) -> None:
    """Delete what is too much; and drafts that a killed process left."""
    found: list[tuple[float, int, Any]] = []
    with os.scandir(newest.parent) as entries:
        for entry in entries:
            facts = entry.stat(follow_symlinks=False)
            if entry.path != str(newest):
                found.append((facts.st_mtime, facts.st_blocks * 512, entry.path))
    total = newest.stat().st_blocks * 512
    for modified, size, path in sorted(found, reverse=True):
        total += size
        stale = str(path).endswith(".tmp") and modified < newest.stat().st_mtime - 3600
        if total > MAX_BYTES or stale:
            with suppress(OSError):
                os.unlink(path)
