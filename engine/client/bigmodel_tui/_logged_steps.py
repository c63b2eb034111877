"""Logged steps, whose values leave the device without making it wait."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bigmodel_tui._values import torch

Column = dict[str, Any]


@dataclass
class Row:
    """The values that were logged at one step."""

    step: int
    seconds: float
    """Seconds since the run's start."""
    values: dict[str, float]
    names: tuple[str, ...] = ()
    """The names of the values in `device_values`."""
    device_values: Any = None
    """Float32 (names,) on the device; a copy, since a loop may change its tensors in place."""

    def has(self, values: dict[str, float], tensors: dict[str, Any]) -> bool:
        """Whether another value of one of these was logged: then this is a row of its own."""
        known = self.values
        return any(name in self.names or name in known for name in tensors) or any(
            name in self.names or known.get(name, value) != value for name, value in values.items()
        )

    def add(self, values: dict[str, float], tensors: dict[str, Any]) -> None:
        """Add logged values. The tensors are float32 without dimensions."""
        self.values |= values
        if tensors:
            names, parts = tuple(tensors), list(tensors.values())
            if self.names:  # logged in several calls
                kept = [name for name in self.names if name not in tensors]
                parts = [self.device_values[self.names.index(name)] for name in kept] + parts
                names = (*kept, *names)
            device = parts[0].device
            parts = [part.to(device, non_blocking=True) for part in parts]
            self.names, self.device_values = names, torch().stack(parts)


@dataclass
class Transfer:
    """A transfer of consecutive rows' values to the host."""

    rows: Sequence[Row]
    values: Any
    """(rows, names), in the host's memory once `copied` has happened."""
    copied: Any
    """A CUDA event, or None where reading the values waits for the device."""

    def arrived(self) -> bool:
        """Whether the values can be read without waiting."""
        return self.copied is None or bool(self.copied.query())

    def deliver(self) -> None:
        """Put the values into their rows."""
        for row, values in zip(self.rows, self.values.tolist(), strict=True):
            row.values.update(zip(row.names, values, strict=True))


@dataclass
class Block:
    """A block of consecutive rows that are sent together."""

    rows: list[Row]
    transfers: list[Transfer] = field(default_factory=list)

    def copy(self) -> None:
        """Start the copies to the host."""
        begin = 0
        for end in range(1, len(self.rows) + 1):
            if end == len(self.rows) or not _alike(self.rows[end], self.rows[begin]):
                if self.rows[begin].names:
                    self.transfers.append(_transfer(self.rows[begin:end]))
                begin = end

    def wait(self, give_up: Any) -> bool:
        """Wait for the copies, in a thread that may wait; False if `give_up()` came first."""
        for transfer in self.transfers:
            while not transfer.arrived():
                if give_up():
                    return False
                time.sleep(0.005)
            transfer.deliver()
        return True

    def columns(self) -> Iterator[Column]:
        """The rows as columns; consecutive rows with the same names share one set."""
        begin = 0
        for end in range(1, len(self.rows) + 1):
            names = self.rows[begin].values.keys()
            if end == len(self.rows) or self.rows[end].values.keys() != names:
                part = self.rows[begin:end]
                yield {
                    "step": [row.step for row in part],
                    "seconds": [round(row.seconds, 3) for row in part],
                    "values": {name: [row.values[name] for row in part] for name in names},
                }
                begin = end


def _alike(row: Row, other: Row) -> bool:
    if row.names != other.names:
        return False
    return not row.names or bool(row.device_values.device == other.device_values.device)


def _transfer(rows: list[Row]) -> Transfer:
    stacked = torch().stack([row.device_values for row in rows])
    if stacked.device.type != "cuda":
        return Transfer(rows, stacked, None)
    cuda = torch().cuda
    host = torch().empty(stacked.shape, pin_memory=True)
    stream = cuda.current_stream(stacked.device)
    host.copy_(stacked, non_blocking=True)
    copied = cuda.Event()
    copied.record(stream)
    return Transfer(rows, host, copied)
