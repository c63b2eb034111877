"""Checks of ownership and of file kinds, and safe writing: files of others are never trusted."""

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
    """Raises UserError if other users could add runs to `root` or remove ours."""
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
    """Raises UserError if the run directory belongs to another user: it can be watched, not
    changed."""
    try:
        uid = run.stat().st_uid
    except OSError as error:
        raise UserError(f"{run}: cannot be read ({error.strerror})") from None
    if uid != os.geteuid():
        raise UserError(f"{run}: read-only, this run belongs to {owner(uid)}")


def owner(uid: int) -> str:
    """The name of a user, to be shown."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def open_regular(path: Path, flags: int = 0) -> BinaryIO:
    """Open a file for reading; a pipe or device in its place is refused, since opening it could
    wait. Raises OSError."""
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
    """Write a file under another name, readable by its owner only, and rename it at the end:
    readers see all of it or none.

    Raises OSError. After an error the earlier file is unchanged.
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
    """Replace a small file as `replacing` does; its data is on the disk when this returns. Raises
    OSError."""
    with replacing(path) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
