"""The columns that a person named as the step of other programs' logs, kept for each folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from presets import UserError
from tui.choices.kept import small_files
from tui.runs.foreign.run import ForeignRun

if TYPE_CHECKING:
    from tui.runs.run import Run

AUTO = "auto"
"""What is given to have the column found again."""
_SUBJECT = "step-columns"
MAX_FOLDERS = 500


class StepColumns(Struct, kw_only=True):
    """The columns by folder."""

    columns: dict[str, str] = field(default_factory=dict)


def keep(paths: Sequence[str], column: str) -> None:
    """Keep a step column for the folders of these paths; `AUTO` forgets it.

    Raises UserError for what is no path.
    """
    kept = small_files.load(_SUBJECT, StepColumns).columns
    for name in paths:
        path = Path(name)
        if not name or not path.exists():
            raise UserError(f"--step-column is for logs of other programs: {name} is no path")
        folder = str((path if path.is_dir() else path.parent).resolve())
        kept.pop(folder, None)
        if column != AUTO:
            kept[folder] = column
    newest = dict(list(kept.items())[-MAX_FOLDERS:])
    small_files.save(_SUBJECT, StepColumns(columns=newest))


def with_columns(runs: Sequence[Run]) -> list[Run]:
    """The same runs; those of other programs with the step column kept for the nearest folder."""
    if not any(isinstance(run, ForeignRun) for run in runs):
        return list(runs)
    kept = small_files.load(_SUBJECT, StepColumns).columns
    return [_with_column(run, kept) if isinstance(run, ForeignRun) else run for run in runs]


def _with_column(run: ForeignRun, kept: dict[str, str]) -> ForeignRun:
    path = run.path.resolve()
    for folder in (path, *path.parents):
        if (column := kept.get(str(folder))) is not None:
            return replace(run, step_column=column)
    return run
