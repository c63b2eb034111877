"""Write a run's metrics as CSV: one row an optimizer step, no value rounded."""

import csv
from collections.abc import Iterator
from typing import TextIO

from tui.series import Series
from tui.store import RunState
from tui.text import clean

STEP_COLUMNS = ("train/loss", "train/accuracy", "grad_norm", "clipped", "lr")
EVALUATION_COLUMNS = ("val/loss", "val/accuracy", "test/loss", "test/accuracy")


def columns(state: RunState) -> list[str]:
    """The metrics of a run in the order of the file: known ones first, others as they came."""
    others = [name for name in state.metrics if name not in (*STEP_COLUMNS, *EVALUATION_COLUMNS)]
    step = [name for name in others if not _is_evaluation(name)]
    evaluation = [name for name in others if _is_evaluation(name)]
    return [*STEP_COLUMNS, *step, *EVALUATION_COLUMNS, *evaluation]


def rows(state: RunState) -> Iterator[list[str]]:
    """One row an optimizer step, oldest first; a value that is not there is empty.

    The time is in seconds since the run's start. A number is written with all its digits.
    """
    names = columns(state)
    seconds = _by_step(state.seconds)
    values = [_by_step(state.metrics.get(name)) for name in names]
    for step in _steps(state, seconds):
        cells = [seconds, *values]
        yield [str(step), *(repr(cell[step]) if step in cell else "" for cell in cells)]


def write_csv(state: RunState, file: TextIO) -> None:
    """Write a head and all rows. Raises OSError if the file refuses them."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["step", "time", *(clean(name) for name in columns(state))])
    writer.writerows(rows(state))


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
