"""Checks of ownership and of file kinds, and safe writing: files of others are never trusted."""

import errno
import os
import pwd
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from presets import UserError
from presets.regular_files import open_regular, open_to_write, why_not_readable

__all__ = [
    "check_owner",
    "check_root",
    "new_folder",
    "open_regular",
    "open_to_append",
    "open_to_write",
    "owner",
    "replace_file",
    "replacing",
    "why_not_readable",
]


_DRAFT = ".new-"
_ABANDONED_SECONDS = 3600.0
"""Age in seconds from which a draft of a folder counts as abandoned: filling one takes
milliseconds."""


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


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file under another name, readable by its owner only, and rename it at the end:
    readers see all of it or none.

    Raises OSError. After an error the earlier file is unchanged.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with os.fdopen(open_to_write(draft, os.O_WRONLY | os.O_EXCL), "wb") as file:
            yield file
        draft.rename(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a folder under a hidden name beside `path`, which gets that name at the end: whoever is
    killed meanwhile leaves nothing that is listed.

    Raises OSError, also if something is at `path`. After an error nothing is left.
    """
    _remove_abandoned(path.parent)
    draft = path.with_name(f"{_DRAFT}{secrets.token_hex(8)}")
    try:
        draft.mkdir(mode=0o700)
        yield draft
        _give_name(draft, path)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _give_name(draft: Path, path: Path) -> None:
    if os.path.lexists(path):  # a rename would replace an empty folder
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    draft.rename(path)


def _remove_abandoned(root: Path) -> None:
    """Remove the drafts of folders whose makers were killed."""
    with suppress(OSError):
        for path in root.glob(f"{_DRAFT}*"):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def open_to_append(path: Path) -> int:
    """Open or create a file of text that is only added to, such as `engine.log`; returns its
    number. Raises OSError as `open_to_write` does."""
    return open_to_write(path, os.O_WRONLY | os.O_APPEND)


def replace_file(path: Path, data: bytes) -> None:
    """Replace a small file as `replacing` does; its data is on the disk when this returns. Raises
    OSError."""
    with replacing(path) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
