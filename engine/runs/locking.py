"""The exclusive lock of a folder: flock, or a file of its own where the file system has no flock.

Network file systems whose lock service is off answer flock with an error. There a file `lock.held`
names the process that holds the lock: whoever creates it has the lock, and it is void once that
process is gone. On another machine, which cannot see the process, it is void once it and the
heartbeat beside it were left alone for `STALE_SECONDS`.
"""

import errno
import fcntl
import os
import secrets
import socket
import time
from contextlib import suppress
from pathlib import Path

from engine.runs.safe_file_access import open_regular, open_to_write, replace_file
from engine.runs.signs_of_life import identity
from engine.runs.signs_of_life.identity import Identity

HELD = "lock.held"
STALE_SECONDS = 60.0
UNSIGNED_SECONDS = 5.0
"""Age in seconds from which a file that names nobody is void: its maker was killed."""
_NO_FLOCK = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


def acquire(folder: Path, file: int) -> bool:
    """Take the lock of a folder, whose lock file is open as `file`; False if another process has
    it. Raises OSError."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_FLOCK:
            raise
        return _acquire_by_file(folder / HELD)
    return not _is_live(folder / HELD)


def is_held(folder: Path, file: int) -> bool:
    """Whether a living process has the lock; False where that cannot be found out."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return _is_live(folder / HELD)


def hand_over(folder: Path, to: Identity) -> None:
    """Say that another process has the lock now. flock needs no word: the open file was
    inherited."""
    path = folder / HELD
    if path.exists():
        with suppress(OSError):
            replace_file(path, identity.encode(to))


def refresh(folder: Path) -> None:
    """Say to other machines that the lock is still held."""
    with suppress(OSError):
        os.utime(folder / HELD)


def let_go(folder: Path) -> None:
    """Give the lock back, if it is held by a file and this process has it."""
    path = folder / HELD
    if (found := _named(path)) is not None and _is_own(found):
        with suppress(OSError):
            path.unlink()


def _acquire_by_file(path: Path) -> bool:
    for _ in range(3):
        try:
            file = open_to_write(path, os.O_WRONLY | os.O_EXCL)
        except FileExistsError:
            found = _named(path)
            if found is not None and _is_own(found):
                return True  # an engine takes the rest of its queue up again after a crash
            if _is_live(path):
                return False
            _remove_void(path, found)
            continue
        try:
            os.write(file, identity.encode(identity.own()))
        finally:
            os.close(file)
        return True
    return False


def _remove_void(path: Path, seen: Identity | None) -> None:
    """Remove a void file, unless another process did so and took the lock meanwhile."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with suppress(OSError):
        path.rename(aside)
        if _named(aside) != seen:
            os.link(aside, path)
        aside.unlink()


def _is_live(path: Path) -> bool:
    """Whether the file names a process that is alive, as far as can be told from here."""
    try:
        quiet = time.time() - path.stat().st_mtime
    except OSError:
        return False
    found = _named(path)
    if found is None:
        return quiet < UNSIGNED_SECONDS
    if found.testable:
        return found.exists()
    if found.host == socket.gethostname():
        return False  # before this machine was restarted
    with suppress(OSError):
        beat = path.with_name("heartbeat").stat().st_mtime
        quiet = min(quiet, time.time() - beat)
    return quiet < STALE_SECONDS


def _named(path: Path) -> Identity | None:
    try:
        with open_regular(path) as file:
            return identity.decode(file.read(4096))
    except OSError:
        return None


def _is_own(found: Identity) -> bool:
    return found.testable and found.pid == os.getpid() and found.exists()
