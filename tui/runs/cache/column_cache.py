"""A cache of large logs as columns, in the user's cache folder; a run that is opened maps them.

The log stays the truth: a file here says from which bytes of which log it was made, and by which
code. A file that is stale or damaged, or cannot be written, costs time and nothing else.
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

from engine.runs.safe_file_access import open_regular, replacing
from tui.runs.cache import snapshot
from tui.runs.cache.write_failures import keeping
from tui.runs.points.block_sums import Blocks
from tui.runs.points.series import Series
from tui.runs.points.step_column import Floats, Steps
from tui.runs.state.store import RunState

MIN_BYTES = 8 * 2**20
"""Minimum size of a log that is cached, in bytes; a shorter one is read in no time."""
GROWTH = 1.25
"""Factor by which a log must have grown before it is cached again."""
MAX_BYTES = 4 * 2**30
"""Maximum size of all files together; those not opened for the longest time are deleted first."""
_FORMAT = b"bigmodel-tui columns 1\n"
_PAGE = 4096
_ENDS = 2**16
"""Number of bytes at each end of what was read by which a log is recognised."""
_PIECE = 2**22


class StoredArray(Struct, frozen=True, array_like=True):
    """The place of a float64 array in the file."""

    offset: int
    """In bytes from the start of the file."""
    length: int
    capacity: int
    """Number of values for which there is room before the next array begins."""
    checksum: int
    """CRC-32 of its bytes."""


class StoredSeries(Struct, frozen=True, array_like=True):
    """The description of a series in the file."""

    name: str
    length: int
    first: float
    stride: float
    steps: StoredArray | None
    """None where the steps are `first`, `first + stride`, ..."""
    values: StoredArray
    blocks: list[StoredArray]


class LogPrefix(Struct, frozen=True, array_like=True):
    """The identity of the first bytes of a log, those that were read."""

    device: int
    inode: int
    length: int
    """In bytes."""
    checksum: int
    """CRC-32 of the bytes at both ends of these."""


class Footer(Struct, frozen=True, array_like=True):
    """The end of the file, behind the arrays: what they are and what they were made from."""

    code_hash: bytes
    prefix: LogPrefix
    damaged: int
    unknown: int
    """Number of events of unknown kinds."""
    state: bytes
    """All of the run's state but its series, see `snapshot.pack`."""
    columns: list[StoredSeries]


@dataclass(frozen=True)
class Kept:
    """The cached state of a run."""

    prefix: LogPrefix
    damaged: int
    """Number of damaged lines that were skipped."""
    unknown: int
    """Number of events of unknown kinds."""
    state: bytes
    series: dict[str, Series]


@dataclass(frozen=True)
class _Found:
    """A series as it was when the cache took hold of it."""

    name: str
    steps: tuple[float, float] | Floats
    """The first step and the stride, or all steps where they follow no such rule."""
    values: Floats
    blocks: Blocks
    """The block sums that existed then."""


def path_of(log: Path) -> Path:
    """The cache file for a log."""
    folder = user_cache_path("bigmodel-tui", appauthor=False) / "columns"
    return folder / f"{hashlib.sha256(os.fsencode(log.absolute())).hexdigest()[:32]}.columns"


def prefix_of(log: Path, length: int) -> LogPrefix:
    """The identity of the first `length` bytes of a log. Raises OSError, also if it is shorter."""
    with open_regular(log) as file:
        facts = os.fstat(file.fileno())
        if facts.st_size < length:
            raise OSError(f"{log} is shorter than {length} bytes")
        check = crc32(os.pread(file.fileno(), min(_ENDS, length), 0))
        last = max(0, length - _ENDS)
        check = crc32(os.pread(file.fileno(), length - last, last), check)
        return LogPrefix(facts.st_dev, facts.st_ino, length, check)


def load(log: Path) -> Kept | None:
    """The cached state of a log; None if there is none that still holds."""
    path = path_of(log)
    try:
        with open_regular(path) as file:
            facts = os.fstat(file.fileno())
            if facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
                return None
            footer = _footer(file, facts.st_size)
            if footer.code_hash != snapshot.code_hash() or footer.prefix != prefix_of(
                log, footer.prefix.length
            ):
                return None
            for place in _places(footer):
                if _check(file, place) != place.checksum:
                    return None
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        with suppress(OSError):
            os.utime(path)  # it is of use
        series = {column.name: _series(data, column) for column in footer.columns}
    except (OSError, ValueError, IndexError, OverflowError, msgspec.MsgspecError):
        return None
    return Kept(footer.prefix, footer.damaged, footer.unknown, footer.state, series)


def keeper(state: RunState, log: Path, offset: int, unknown: int) -> Callable[[], bool]:
    """A function that writes the state as it is now to the cache; it may run in any thread, and
    returns whether it succeeded.

    `offset` is the number of bytes of the log that the state was made from, `unknown` the number
    of events of unknown kinds in them.
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
        kept = False
        with (
            suppress(ValueError, OverflowError, msgspec.MsgspecError),
            keeping("the cache of logs", path),
        ):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with replacing(path) as file:
                columns = [_write(file, column, room) for column in found]
                footer = Footer(
                    snapshot.code_hash(), prefix_of(log, offset), damaged, unknown, packed, columns
                )
                _finish(file, msgspec.msgpack.encode(footer))
            _make_room(path)
            kept = True
        return kept

    return write


def _frozen(steps: Steps) -> tuple[float, float] | Floats:
    return steps.rule or steps.between(0, len(steps))


def _write(file: BinaryIO, found: _Found, room: float) -> StoredSeries:
    steps, values = found.steps, found.values
    by_rule = isinstance(steps, tuple)
    first, stride = steps if by_rule else (0.0, 1.0)
    return StoredSeries(
        found.name,
        len(values),
        first,
        stride,
        None if by_rule else _write_array(file, np.asarray(steps), room),
        _write_array(file, values, room),
        [_write_array(file, sums, 1.0) for sums in found.blocks.continued(values).columns],
    )


def _write_array(file: BinaryIO, array: Floats, room: float) -> StoredArray:
    """Write an array at the next page; the room behind it is a hole, which takes no disk space."""
    offset = -(-file.tell() // _PAGE) * _PAGE
    size = -(-max(1, int(len(array) * room)) * 8 // _PAGE) * _PAGE
    data = np.ascontiguousarray(array).view(np.uint8).data if len(array) else memoryview(b"")
    file.seek(offset)
    file.write(data)
    file.seek(offset + size)
    return StoredArray(offset, len(array), size // 8, crc32(data))


def _finish(file: BinaryIO, footer: bytes) -> None:
    file.write(footer)
    file.write(len(footer).to_bytes(8, "big") + crc32(footer).to_bytes(4, "big") + _FORMAT)
    file.flush()
    os.fsync(file.fileno())  # or a power cut could leave a file of zeros under its name


def _footer(file: BinaryIO, size: int) -> Footer:
    """Read the end of the file. Raises ValueError, OSError or MsgspecError if it is not ours."""
    tail = os.pread(file.fileno(), 12 + len(_FORMAT), max(0, size - 12 - len(_FORMAT)))
    length = int.from_bytes(tail[:8], "big")
    begin = size - len(tail) - length
    if tail[12:] != _FORMAT or begin < 0:
        raise ValueError("another format")
    footer = os.pread(file.fileno(), length, begin)
    if crc32(footer).to_bytes(4, "big") != tail[8:12]:
        raise ValueError("damaged")
    return msgspec.msgpack.decode(footer, type=Footer)


def _places(footer: Footer) -> Iterator[StoredArray]:
    for column in footer.columns:
        yield from (place for place in (column.steps, column.values, *column.blocks) if place)


def _check(file: BinaryIO, place: StoredArray) -> int:
    """The checksum of an array, read and not mapped: what is only checked needs no memory."""
    check, buffer = 0, memoryview(bytearray(_PIECE))
    left, offset = place.length * 8, place.offset
    while left > 0:
        count = os.preadv(file.fileno(), [buffer[: min(left, _PIECE)]], offset)
        if not count:
            raise OSError("too short")
        check = crc32(buffer[:count], check)
        left, offset = left - count, offset + count
    return check


def _series(data: mmap.mmap, column: StoredSeries) -> Series:
    def array(place: StoredArray, count: int) -> Floats:
        return np.frombuffer(data, np.float64, count, place.offset)

    steps = Steps(column.first, column.stride, column.length)
    if column.steps is not None:
        steps = Steps.of(array(column.steps, column.steps.capacity), column.length)
    blocks = Blocks(*(array(place, place.length) for place in column.blocks))
    return Series.of(steps, array(column.values, column.values.capacity), blocks)


def _make_room(newest: Path) -> None:
    """Delete the files beyond the limit, and drafts that a killed process left."""
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
