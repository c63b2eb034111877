"""Move deleted runs to a folder beside them, from which they can be restored."""

import os
from pathlib import Path

from engine.runs import locking
from engine.runs.run_directory import RunDir, locked, take
from presets import UserError

FOLDER = ".trash"


def delete(run: RunDir) -> Path:
    """Move a run into the trash and return its place there; never a run with a living engine.

    The lock is held meanwhile, so that no engine begins in between.
    Raises UserError if an engine is at work or the folder cannot be written.
    """
    folder = run.path.parent / FOLDER
    place = _free(folder, run.id)
    if locked(run):
        raise UserError(f"{run.id}: an engine is at work on it; stop it first")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        # A lock that is no file keeps no engine off, nor can one begin.
        lock = take(run) if run.lock_path.is_file() else -1
        try:
            run.path.rename(place)
        finally:
            if lock >= 0:
                locking.let_go(place if place.exists() else run.path)
                os.close(lock)
    except OSError as error:
        raise UserError(f"{run.path}: cannot be deleted ({error.strerror})") from None
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
