"""The identity of a process: enough to tell it from another one that was given its number."""

import os
import socket
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct


class Identity(Struct, frozen=True, kw_only=True):
    """The identity of a process, as it is written into the lock file of a run."""

    host: str
    boot: str
    """The kernel's boot id, which differs between machines and between boots of one."""
    pid: int
    began: int
    """The start of the process, in clock ticks since the boot; 0 where the system does not say."""
    signed: float = 0.0
    """The time of writing, in seconds since the epoch."""

    @property
    def same_boot(self) -> bool:
        """Whether the process runs, or ran, under this very kernel, so that locks can be
        trusted."""
        return self.boot == boot_id()

    @property
    def testable(self) -> bool:
        """Whether the number means the same process here; in another container it does not."""
        return self.same_boot and self.host == socket.gethostname()

    def exists(self) -> bool:
        """Whether this very process exists; False too where that cannot be tested."""
        return self.testable and self.state() not in ("", "Z", "X")

    def state(self) -> str:
        """The kernel's letter for the state of the process, such as `T` for stopped; "" if it is
        gone."""
        letter, began = _stat(self.pid)
        return letter if began == self.began else ""


def own() -> Identity:
    """The identity of this process."""
    return of(os.getpid())


def of(pid: int) -> Identity:
    """The identity of the process that has this number now."""
    return Identity(
        host=socket.gethostname(),
        boot=boot_id(),
        pid=pid,
        began=_stat(pid)[1],
        signed=time.time(),
    )


def decode(data: bytes) -> Identity | None:
    """The identity that `encode` wrote; None if the data is anything else."""
    with suppress(msgspec.MsgspecError, UnicodeError):
        return msgspec.json.decode(data, type=Identity)
    return None


def encode(identity: Identity) -> bytes:
    """The identity as JSON."""
    return msgspec.json.encode(identity)


@cache
def boot_id() -> str:
    """The kernel's boot id; "" where there is none."""
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
