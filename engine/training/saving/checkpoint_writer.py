"""Write checkpoints, each whole or not at all, and delete those that are no longer needed."""

import os
import shutil
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import UNSET

from engine.runs.checkpoint import (
    MANIFEST,
    Checkpoint,
    FileFacts,
    Manifest,
    Reason,
    WeightSet,
    digest,
    listed,
    sealed,
)
from engine.runs.run_directory import RunDir
from engine.runs.safe_file_access import open_regular

KEEP_NEWEST = 2
_DRAFT = ".tmp-"


def write(
    run: RunDir,
    *,
    step: int,
    reason: Reason,
    best: bool,
    finite: bool,
    fill: Callable[[Path], None],
    weights: Mapping[str, list[WeightSet]] | None = None,
) -> Checkpoint:
    """Make a checkpoint of step `step` from the files that `fill` writes into a folder; `weights`
    says which weights are in which of them, where there are several sets.

    All of it is on the disk when this returns. If it raises OSError, nothing of the checkpoint is
    left, and earlier ones are untouched.
    """
    root = run.checkpoints_path
    root.mkdir(mode=0o700, exist_ok=True)
    draft = root / f"{_DRAFT}{uuid.uuid4().hex}"
    try:
        draft.mkdir(mode=0o700)
        fill(draft)
        files = {path.name: _settle(path) for path in sorted(draft.iterdir())}
        before = listed(run)
        manifest = Manifest(
            step=step,
            sequence=before[-1].manifest.sequence + 1 if before else 1,
            reason=reason,
            best=best,
            finite=finite,
            files=files,
            weights=dict(weights) if weights else UNSET,
        )
        (draft / MANIFEST).write_bytes(sealed(manifest))
        _settle(draft / MANIFEST)
        _sync(draft)
        path = _free_name(root, step)
        draft.rename(path)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    _sync(root)
    return Checkpoint(path, manifest)


def rotate(run: RunDir) -> None:
    """Delete all checkpoints but the newest ones, the best, the last one with finite weights and
    the last one that a person asked for."""
    found = listed(run)
    keep = found[-KEEP_NEWEST:]
    keep += [item for item in found if item.manifest.best][-1:]
    keep += [item for item in found if item.manifest.finite][-1:]
    keep += [item for item in found if item.manifest.reason == "command"][-1:]
    for item in found:
        if item not in keep:
            # Half of a deleted checkpoint must not look like a damaged one.
            doomed = run.checkpoints_path / f"{_DRAFT}{uuid.uuid4().hex}"
            with suppress(OSError):  # what cannot be deleted does no harm
                item.path.rename(doomed)
                shutil.rmtree(doomed)


def remove_drafts(run: RunDir) -> None:
    """Delete checkpoints that a killed engine left unfinished; the caller holds the run's lock."""
    for path in run.checkpoints_path.glob(f"{_DRAFT}*"):
        shutil.rmtree(path, ignore_errors=True)


def _free_name(root: Path, step: int) -> Path:
    """`step-00001200`, or `step-00001200-2` where that exists: no checkpoint is ever replaced, so
    there is no moment without it."""
    path, number = root / f"step-{step:08d}", 1
    while path.exists():
        number += 1
        path = root / f"step-{step:08d}-{number}"
    return path


def _settle(path: Path) -> FileFacts:
    """Make sure that a file is on the disk and private to the user; returns size and digest."""
    with open_regular(path) as file:
        os.fchmod(file.fileno(), 0o600)
        os.fsync(file.fileno())
        return FileFacts(bytes=os.fstat(file.fileno()).st_size, sha256=digest(file))


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
