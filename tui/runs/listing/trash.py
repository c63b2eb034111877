"""Move deleted runs to a folder beside them, from which they can be restored."""

import fcntl
import os
from pathlib import Path

from engine.runs.run_directory import RunDir
from presets import UserError

FOLDER = ".trash"


def delete(run: RunDir) -> Path:
    """Move a run into the trash and return its place there; never a run with a living engine.

    The lock is held meanwhile, so that no engine begins in between.
    Raises UserError if an engine is at work or the folder cannot be written.
    """
    folder = run.path.parent / FOLDER
    lock = -1
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if run.lock_path.exists():
            lock = os.open(run.lock_path, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        place = _free(folder, run.id)
        run.path.rename(place)
    except BlockingIOError:
        raise UserError(f"{run.id}: an engine is at work on it; stop it first") from None
    except OSError as error:
        raise UserError(f"{run.path}: cannot be deleted ({error.strerror})") from None
    finally:
        if lock >= 0:
            os.close(lock)
    return place


def restore(place: Path, run: RunDir) -> None:
    """Move a run back from the trash. Raises UserError if that is not possible."""
    try:
        if run.path.exists():
            raise UserError(f"{run.path}: exists already; {place} stays where it is")
        place.rename(run.path)
    except OSError as error:
        raise UserError(f"{place}: cannot be restored ({error.strerror})") from None


def _free(folder: Path, name: str) -> Path:
    place, number = folder / name, 0
    while place.exists():
        number += 1
        place = folder / f"{name}~{number}"
    return place
