"""Writes logs as TensorBoard and W&B do, byte for byte, for tests that need many or odd records."""

import struct
from collections.abc import Iterable, Iterator
from zlib import crc32

from google_crc32c import value as crc32c

WANDB_START = b":W&B\xe1\xbe\x00"
_BLOCK = 32768


def varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def nested(field: int, data: bytes) -> bytes:
    """A message, or text, as a field of another message."""
    return varint(field << 3 | 2) + varint(len(data)) + data


def event_record(message: bytes) -> bytes:
    """A message as a TensorBoard file has it."""
    length = struct.pack("<Q", len(message))
    return length + _masked(length) + message + _masked(message)


def _masked(data: bytes) -> bytes:
    check = crc32c(data)
    return struct.pack("<I", ((check >> 15 | check << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def scalar(tag: str, step: int, value: float, time: float = 1.7e9) -> bytes:
    """The record of one value."""
    inner = nested(1, tag.encode()) + b"\x15" + struct.pack("<f", value)
    return summary(inner, step, time)


def tensor_scalar(tag: str, step: int, value: float, *, packed: bool) -> bytes:
    """The same as TensorFlow 2 writes it: a tensor of one float."""
    number = struct.pack("<f", value)
    tensor = b"\x08\x01" + nested(5 if packed else 4, number)
    return summary(nested(1, tag.encode()) + nested(8, tensor), step)


def summary(value: bytes, step: int, time: float = 1.7e9) -> bytes:
    start = struct.pack("<Bd", 9, time) + b"\x10" + varint(step)
    return event_record(start + nested(5, nested(1, value)))


def history(step: int | None, values: dict[str, str]) -> bytes:
    """A W&B record of a history; values as JSON."""
    items = [
        nested(1, nested(2, name.encode()) + nested(16, value.encode()))
        for name, value in values.items()
    ]
    where = nested(2, b"\x08" + varint(step)) if step is not None else b""
    return nested(2, b"".join(items) + where)


def exit_record(code: int) -> bytes:
    return nested(18, b"\x08" + varint(code) + b"\x10\x07")


def wandb_file(records: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of a W&B file."""
    yield WANDB_START
    place = len(WANDB_START)
    for record in records:
        first, rest = True, record
        while rest or first:
            left = _BLOCK - place % _BLOCK
            if left < 7:
                yield bytes(left)
                place += left
                continue
            part, rest = rest[: left - 7], rest[left - 7 :]
            kind = (2 if rest else 1) if first else (3 if rest else 4)
            yield struct.pack("<IHB", crc32(part, crc32(bytes([kind]))), len(part), kind) + part
            place += 7 + len(part)
            first = False
