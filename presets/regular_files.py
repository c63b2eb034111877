"""Opens regular files only: a pipe, a device or a folder in a file's place is an error at once."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path, flags: int = 0) -> BinaryIO:
    """Open a file for reading. Raises OSError, also for what is no regular file: opening a pipe
    could wait for ever."""
    return os.fdopen(_opened(path, os.O_RDONLY | flags), "rb")


def open_to_write(path: Path, flags: int) -> int:
    """Open or create a file, readable by its owner only; returns its number. `flags` say how, such
    as `os.O_RDWR | os.O_APPEND`. Raises OSError, also for a link and for what is no regular file.
    """
    return _opened(path, flags | os.O_CREAT | os.O_NOFOLLOW)


def why_not_readable(path: Path) -> str:
    """Why a file cannot be read, such as that a pipe is there; "" if it can, or is not there."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            return _kind(mode)
        if not os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
            return os.strerror(errno.EACCES)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _opened(path: Path, flags: int) -> int:
    try:
        file = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a pipe that nobody reads, or a socket
            raise OSError(errno.EINVAL, why_not_readable(path), str(path)) from None
        raise
    mode = os.fstat(file).st_mode
    if stat.S_ISREG(mode):
        return file
    os.close(file)
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, _kind(mode), str(path))


def _kind(mode: int) -> str:
    found = [name for test, name in _KINDS if test(mode)]
    return f"{', '.join([*found, 'not a regular file'])}"


_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
