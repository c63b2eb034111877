"""Whose files these are, and which of them may be opened: what others left is never trusted."""

import errno
import os
import pwd
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from presets import UserError


def check_root(root: Path) -> None:
    """Raises UserError if others could put runs into `root`, or take ours away."""
    try:
        facts = root.stat()
    except FileNotFoundError:
        return
    if facts.st_uid != os.geteuid():
        raise UserError(f"runs directory {root}: refused, it belongs to {owner(facts.st_uid)}")
    if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UserError(
            f"runs directory {root}: refused, others can write to it (chmod go-w repairs that)"
        )


def check_owner(run: Path) -> None:
    """Raises UserError if the run directory is somebody else's: it can be watched, not changed."""
    try:
        uid = run.stat().st_uid
    except OSError as error:
        raise UserError(f"{run}: cannot be read ({error.strerror})") from None
    if uid != os.geteuid():
        raise UserError(f"{run}: read-only, this run belongs to {owner(uid)}")


def owner(uid: int) -> str:
    """A user's name, for people."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def open_regular(path: Path, flags: int = 0) -> BinaryIO:
    """Open a file to read it; a pipe or device in its place is refused instead of waited for.

    Raises OSError.
    """
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    if stat.S_ISREG(os.fstat(file).st_mode):
        return os.fdopen(file, "rb")
    folder = stat.S_ISDIR(os.fstat(file).st_mode)
    os.close(file)
    if folder:
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "not a regular file", str(path))


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file aside, readable by its owner only; at the end it is renamed: others see all of
    it or none.

    Raises OSError. After any error what was there before is there still.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
            yield file
        draft.rename(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def replace_file(path: Path, data: bytes) -> None:
    """The same for a small file, which is on the disk when this returns. Raises OSError."""
    with replacing(path) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
