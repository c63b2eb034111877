"""Writes a run's metrics as CSV or JSON lines: one row for each step, no value rounded."""

import csv
import json
import math
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import TextIO

import numpy as np

from tui.runs.points.series import Series
from tui.runs.state.store import RunState
from tui.text import clean

STEP_COLUMNS = ("train/loss", "train/accuracy", "grad_norm", "clipped", "lr")
_FIRST = ("step", "time")

Row = list[float | None]


def columns(state: RunState) -> list[str]:
    """The metrics that a run has, in the order of the columns: known ones of steps, others as they
    came, then the evaluations: the loss, what the run is judged by, and others as they came."""
    logged = [name for name, series in state.metrics.items() if len(series)]
    step = [name for name in logged if not _is_evaluation(name) and name not in STEP_COLUMNS]
    found = [*STEP_COLUMNS, *step]
    judged = state.judged_by.rpartition("/")[2]
    for split in ("val/", "test/"):
        of_split = [name for name in logged if name.startswith(split)]
        found += dict.fromkeys([f"{split}loss", f"{split}{judged}", *of_split])
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
    and the metrics; None for a missing value.

    Where another program's log has a metric several times at a step, the step has as many rows.
    """
    seconds = _by_step(state.seconds)
    names = columns(state)
    values = [seconds, *(_by_step(state.metrics.get(name)) for name in names)]
    again = [_again(state.metrics.get(name)) for name in names]
    for step in _steps(state, seconds):
        yield [step, *(cell.get(step) for cell in values)]
        more = [each.get(step, []) for each in again] if any(again) else []
        for row in zip_longest(*more):
            yield [step, seconds.get(step), *row]


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
    """The first value at each step."""
    if series is None:
        return {}
    steps, values = series.steps.tolist(), series.values.tolist()
    return dict(zip(map(int, reversed(steps)), reversed(values), strict=True))


def _again(series: Series | None) -> dict[int, list[float]]:
    """The other values at each step that has several."""
    found: dict[int, list[float]] = {}
    if series is None or series.rule.rule is not None:
        return found
    steps, values = series.steps, series.values
    for place in (np.flatnonzero(np.diff(steps) == 0) + 1).tolist():
        found.setdefault(int(steps[place]), []).append(float(values[place]))
    return found


def _steps(state: RunState, seconds: dict[int, float]) -> list[int]:
    """All recorded steps, also those of which a damaged log kept only the evaluation."""
    recorded = {
        step
        for name, series in state.metrics.items()
        for step in _by_step(series)
        if step > 0 or not _is_evaluation(name)
    }
    return sorted(seconds.keys() | recorded)
