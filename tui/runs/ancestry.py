"""Read what a fork inherits: its ancestors' values and marks up to where it begins."""

from dataclasses import dataclass, field
from pathlib import Path

from engine.runs.events import Parent
from engine.runs.run_directory import RunDir
from tui.runs import loading
from tui.runs.points.series import Series
from tui.runs.run import Run
from tui.runs.state.marks_and_notes import Mark

MAX_GENERATIONS = 16
"""Maximum number of ancestors; it also stops at a log that names itself as its parent."""


@dataclass(frozen=True)
class Inheritance:
    """The values and marks of a fork's ancestors, each up to where the next one begins."""

    metrics: dict[str, Series] = field(default_factory=dict)
    """By name."""
    marks: list[Mark] = field(default_factory=list)
    """In the order of their steps."""


def inherited(run: Run, parent: Parent) -> Inheritance:
    """The inheritance of a run; empty where the parent is gone, since a fork does not need it."""
    gathered = Inheritance()
    folder, next_parent = run.path.parent, parent
    limit = float(parent.step)
    for _ in range(MAX_GENERATIONS):
        ancestor = _beside(folder, next_parent.run)
        if ancestor is None:
            break
        try:
            state = loading.load(ancestor)
        except OSError:
            break
        for name, series in state.metrics.items():
            series.truncate(limit)
            gathered.metrics[name] = _joined(series, gathered.metrics.get(name))
        gathered.marks[:0] = [mark for mark in state.marks if mark.step <= limit]
        started = state.started
        if started is None or started.parent is None:
            break
        next_parent = started.parent
        limit = min(limit, float(next_parent.step))
    return gathered


def _beside(folder: Path, name: str) -> RunDir | None:
    """A run by its name in this folder only: the name comes from a log."""
    if name != Path(name).name or name in ("", ".", "..") or "\0" in name:
        return None
    run = RunDir(folder / name)
    return run if run.events_path.is_file() else None


def _joined(before: Series, after: Series | None) -> Series:
    if after is None:
        return before
    if len(after):
        before.truncate(float(after.steps[0]) - 1)
    before.extend(after.steps.tolist(), after.values.tolist())
    return before
