"""Write a run's metrics as CSV or JSON lines: one row an optimizer step, no value rounded."""

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
    """The metrics of a run in the order of the file: known ones first, others as they came."""
    others = [name for name in state.metrics if name not in (*STEP_COLUMNS, *EVALUATION_COLUMNS)]
    step = [name for name in others if not _is_evaluation(name)]
    evaluation = [name for name in others if _is_evaluation(name)]
    return [*STEP_COLUMNS, *step, *EVALUATION_COLUMNS, *evaluation]


def headings(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """What a file calls these metrics: names that are safe to print, and differ from each other
    and from those that are taken."""
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
    """One row an optimizer step, oldest first: the step, the time in seconds since the run's
    start, and the metrics; None for a value that is not there."""
    seconds = _by_step(state.seconds)
    values = [seconds, *(_by_step(state.metrics.get(name)) for name in columns(state))]
    for step in _steps(state, seconds):
        yield [step, *(cell.get(step) for cell in values)]


def write_csv(state: RunState, file: TextIO) -> None:
    """Write a head and all rows, numbers with all their digits; a value that is not there is
    empty. Raises OSError if the file refuses them."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*_FIRST, *headings(columns(state), _FIRST)])
    for row in rows(state):
        writer.writerow(["" if value is None else repr(value) for value in row])


def write_jsonl(state: RunState, file: TextIO) -> None:
    """Write an object a row, with the columns of the CSV; a value that is not there is null, and
    NaN and infinities are texts, as in the log. Raises OSError if the file refuses them."""
    names = [*_FIRST, *headings(columns(state), _FIRST)]
    for row in rows(state):
        record = dict(zip(names, map(_plain, row), strict=True))
        file.write(json.dumps(record, allow_nan=False) + "\n")


def _plain(value: float | None) -> float | str | None:
    """A value that JSON knows."""
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
    """Steps with a record, and those of which a damaged log kept only the evaluation."""
    recorded = {
        step
        for name, series in state.metrics.items()
        for step in _by_step(series)
        if step > 0 or not _is_evaluation(name)
    }
    return sorted(seconds.keys() | recorded)
