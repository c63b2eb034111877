"""Read the records of a TensorBoard event file past damage, and write them.

A record is its length (8 bytes), a checksum of these, the message, a checksum of it. The checksums
are CRC-32C, rotated by 15 bits plus a constant (TensorFlow's `lib/core/io/record_writer`).
"""

import re
import struct
from pathlib import Path

from tui.runs.foreign.growing_file import PIECE_BYTES, Tail

MAX_EVENT_BYTES = 2**21
"""Maximum size of an event that is read; larger ones hold pictures, graphs or sound."""
_HEADER = struct.Struct("<QI")
_CHECK = struct.Struct("<I")
_EDGES = _HEADER.size + _CHECK.size
_PIECE = max(PIECE_BYTES, 2**18 + _EDGES)
_MAYBE_HEADER = re.compile(rb"(?!\0{4})(?=.{4}\0{4})", re.DOTALL)
"""Matches where a length from 1 byte to 4 GiB could stand."""


class EventFile:
    """A reader of the events of one file that may grow."""

    def __init__(self, path: Path) -> None:
        from google_crc32c import value

        self.tail = Tail(path)
        self.damaged = 0
        self.large = 0
        """Number of events that were passed over, since they are larger than `MAX_EVENT_BYTES`."""
        self.more = False
        self._needed = _PIECE
        """Number of bytes of the next piece."""
        self._crc = value
        self._lengths: dict[int, int] = {}
        """Known checksums by length."""
        self._lost = False
        """Whether it is unknown where the next record begins."""

    def read(self) -> list[bytes]:
        """The complete messages of the next piece."""
        data = self.tail.read(self._needed)
        self._needed = _PIECE
        found: list[bytes] = []
        size, place = len(data), 0
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
                self.large += 1
                place = end
            elif end > size:
                if not place and self.tail.offset + end <= self.tail.size:
                    self._needed = length + _EDGES  # it alone is longer than a piece
                    self.more = True
                    return found
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
        """Count damage, once for each stretch however many pieces it spans."""
        self.damaged += not self._lost
        self._lost = True

    def _next_header(self, data: bytes, place: int) -> int:
        """Where the next record with a valid length begins; else where one could begin that is not
        complete yet."""
        for match in _MAYBE_HEADER.finditer(data, place):
            begin = match.start()
            if begin + _HEADER.size > len(data):
                break
            _, check = _HEADER.unpack_from(data, begin)
            if check == _masked(self._crc(data[begin : begin + 8])):
                return begin
        return max(place, len(data) - _HEADER.size + 1)


def framed(message: bytes) -> bytes:
    """A message framed as a record."""
    from google_crc32c import value

    length = struct.pack("<Q", len(message))
    header = _HEADER.pack(len(message), _masked(value(length)))
    return header + message + _CHECK.pack(_masked(value(message)))


def _masked(check: int) -> int:
    return ((check >> 15 | check << 17) + 0xA282EAD8) & 0xFFFFFFFF
