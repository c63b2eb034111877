"""Which process on which machine: enough to tell it from another that was given its number."""

import os
import socket
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct


class Identity(Struct, frozen=True, kw_only=True):
    """One process, as it is written into the lock file of a run."""

    host: str
    boot: str
    """The kernel's boot id; it differs between machines, and on one from start to start."""
    pid: int
    began: int
    """When the process started, in clock ticks since the boot; 0 where the system does not say."""
    signed: float = 0.0
    """When this was written, in seconds since the epoch."""

    @property
    def same_boot(self) -> bool:
        """Whether it lives, or lived, under the kernel that we run on: locks can be trusted."""
        return self.boot == boot_id()

    @property
    def testable(self) -> bool:
        """Whether its number means the same process to us; not in another container's world."""
        return self.same_boot and self.host == socket.gethostname()

    def exists(self) -> bool:
        """Whether this very process is there; False too where that cannot be tested."""
        return self.testable and self.state() not in ("", "Z", "X")

    def state(self) -> str:
        """The kernel's letter for what it does, such as `T` for stopped; "" if it is gone."""
        letter, began = _stat(self.pid)
        return letter if began == self.began else ""


def own() -> Identity:
    """This process."""
    return of(os.getpid())


def of(pid: int) -> Identity:
    """The process that has this number now."""
    return Identity(
        host=socket.gethostname(),
        boot=boot_id(),
        pid=pid,
        began=_stat(pid)[1],
        signed=time.time(),
    )


def decode(data: bytes) -> Identity | None:
    """What `encode` wrote; None if it is anything else."""
    with suppress(msgspec.MsgspecError, UnicodeError):
        return msgspec.json.decode(data, type=Identity)
    return None


def encode(identity: Identity) -> bytes:
    """As JSON."""
    return msgspec.json.encode(identity)


@cache
def boot_id() -> str:
    """The kernel's, or "" where there is none to be had."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def _stat(pid: int) -> tuple[str, int]:
    """State letter and start of a process; ("", 0) if there is none."""
    with suppress(OSError, ValueError, IndexError):
        text = Path(f"/proc/{pid}/stat").read_text()
        fields = text[text.rindex(")") + 2 :].split()  # the name before may hold anything
        return fields[0], int(fields[19])
    return "", 0
