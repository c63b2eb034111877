"""Writes a run's metrics as CSV or JSON lines: one row for each step, no value rounded."""

import csv
import json
import math
from collections.abc import Iterable, Iterator
from typing import TextIO

from tui.runs.points.series import Series
from tui.runs.store import RunState
from tui.text import clean

STEP_COLUMNS = ("train/loss", "train/accuracy", "grad_norm", "clipped", "lr")
EVALUATION_COLUMNS = ("val/loss", "val/accuracy", "test/loss", "test/accuracy")
_FIRST = ("step", "time")

Row = list[float | None]


def columns(state: RunState) -> list[str]:
    """The metrics that a run has, in the order of the columns: known ones first, others as they
    came."""
    logged = [name for name, series in state.metrics.items() if len(series)]
    others = [name for name in logged if name not in (*STEP_COLUMNS, *EVALUATION_COLUMNS)]
    step = [name for name in others if not _is_evaluation(name)]
    evaluation = [name for name in others if _is_evaluation(name)]
    found = [*STEP_COLUMNS, *step, *EVALUATION_COLUMNS, *evaluation]
    return [name for name in found if name in logged]


def headings(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """The headings of these metrics: safe to print, and different from each other and from those
    that are taken."""
    known = set(taken)
    found = []
    for name in names:
        heading = clean(name)
        while heading in known:
            heading += "'"
        known.add(heading)
        found.append(heading)
    return found


def rows(state: RunState) -> Iterator[Row]:
    """One row for each optimizer step, oldest first: the step, the seconds since the run's start,
    and the metrics; None for a missing value."""
    seconds = _by_step(state.seconds)
    values = [seconds, *(_by_step(state.metrics.get(name)) for name in columns(state))]
    for step in _steps(state, seconds):
        yield [step, *(cell.get(step) for cell in values)]


def write_csv(state: RunState, file: TextIO) -> None:
    """Write the headings and all rows, with all digits; a missing value is empty.

    Raises OSError.
    """
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*_FIRST, *headings(columns(state), _FIRST)])
    for row in rows(state):
        writer.writerow(["" if value is None else repr(value) for value in row])


def write_jsonl(state: RunState, file: TextIO) -> None:
    """Write one object for each row, with the columns of the CSV; a missing value is null, and NaN
    and infinities are texts, as in the event log. Raises OSError."""
    names = [*_FIRST, *headings(columns(state), _FIRST)]
    for row in rows(state):
        record = dict(zip(names, map(_plain, row), strict=True))
        file.write(json.dumps(record, allow_nan=False) + "\n")


def _plain(value: float | None) -> float | str | None:
    """The value as JSON can hold it: NaN and infinities as text."""
    return value if value is None or math.isfinite(value) else repr(value)


def _is_evaluation(name: str) -> bool:
    return name.startswith(("val/", "test/"))


def _by_step(series: Series | None) -> dict[int, float]:
    if series is None:
        return {}
    return {
        int(step): value
        for step, value in zip(series.steps.tolist(), series.values.tolist(), strict=True)
    }


def _steps(state: RunState, seconds: dict[int, float]) -> list[int]:
    """All recorded steps, also those of which a damaged log kept only the evaluation."""
    recorded = {
        step
        for name, series in state.metrics.items()
        for step in _by_step(series)
        if step > 0 or not _is_evaluation(name)
    }
    return sorted(seconds.keys() | recorded)
