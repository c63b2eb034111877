"""Finds the runs named on the command line: ours by id or path, other programs' logs by path."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.race import directory
from engine.runs import run_directory
from engine.runs.run_directory import RunDir
from presets import UserError
from tui.runs.foreign.run import ForeignRun, told_apart
from tui.runs.run import Run, own

if TYPE_CHECKING:
    from engine.race.directory import RaceDir
    from tui.runs.state.store import RunState


def find(root: Path, name: str) -> list[Run]:
    """The run of ours with this id or path, else what other programs logged at this path.

    Raises UserError if there is neither.
    """
    try:
        return [run_directory.find(root, name)]
    except UserError:
        path = Path(name)
        if find_race(root, name) is not None:
            known = "`watch`, `race-report`, `pause`, `resume` and `stop` take it"
            raise UserError(f"{name}: a race, not a run; {known}") from None
        if not name or not path.exists():
            raise
    from tui.commands.foreign_step_columns import with_columns
    from tui.runs.foreign.sniff import open_source

    return with_columns(open_source(path))


def find_all(root: Path, names: Iterable[str]) -> list[Run]:
    """The runs of all these names, each once. Raises UserError as `find` does."""
    found = dict.fromkeys(run for name in names for run in find(root, name))
    return told_apart(found, _by_path)


def _by_path(run: ForeignRun) -> str:
    return run.id if run.given_name else run.label


def find_one(root: Path, name: str) -> Run:
    """The one run of this name. Raises UserError if there are several, or none."""
    found = find(root, name)
    if len(found) > 1:
        some = ", ".join(run.id for run in found[:3])
        raise UserError(f"{name}: {len(found)} runs; name one of them: {some}")
    return found[0]


def find_race(root: Path, name: str) -> RaceDir | None:
    """The race with this id, beginning of an id, or path; None if there is none."""
    try:
        return directory.find(root, name)
    except UserError:
        return None


def find_steered(root: Path, name: str) -> RunDir:
    """A run of ours, or the process of a race: both take commands. Raises UserError."""
    race = find_race(root, name)
    return race.process if race is not None else find_ours(root, name)


def find_ours(root: Path, name: str) -> RunDir:
    """The run of ours of this name. Raises UserError if another program wrote it, or if there is
    none."""
    return own(find_one(root, name))


def load(run: Run) -> RunState:
    """Read all of a run. Raises UserError if it cannot be read."""
    from tui.runs import loading

    try:
        return loading.load(run)
    except OSError as error:
        raise UserError(f"{run.events_path}: cannot be read ({error.strerror})") from None
