"""Find the step and the time among the fields of a record by their names; pure."""

import math
from collections.abc import Iterable
from datetime import datetime

from tui.text import real

MAX_STEP = 2**53
"""Largest step: up to here, float64 is exact."""

STEPS = (
    "train/global_step",
    "trainer/global_step",
    "global_step",
    "global step",
    "step",
    "_step",
    "steps",
    "iteration",
    "iterations",
    "iter",
    "n_iter",
    "it",
    "time/total_timesteps",
    "total_timesteps",
    "timesteps",
    "batch",
    "epoch",
    "epochs",
)
"""Names of steps in order of preference: many logs have an epoch beside the step."""
EPOCHS = ("epoch", "epochs")
TIMES = (
    "_timestamp",
    "timestamp",
    "wall time",
    "wall_time",
    "walltime",
    "datetime",
    "date",
    "_runtime",
    "runtime",
    "time/time_elapsed",
    "time_elapsed",
    "elapsed_time",
    "elapsed",
    "relative time (process)",
    "relative time (wall)",
    "seconds",
    "time",
)
NO_METRIC = frozenset({"_timestamp", "_runtime", "_step", "_wandb"})
"""Fields that W&B adds to each record, which are not metrics."""
_SMALLEST_DATE = 1e8
"""In seconds since the epoch, in 1973: a smaller time is counted from the run's start."""
_SMALLEST_DATE_IN_MS = 1e11


def find(known: tuple[str, ...], names: Iterable[str]) -> str | None:
    """The first known name that occurs, in any case."""
    there = {name.strip().lower(): name for name in names}
    return next((there[name] for name in known if name in there), None)


class Counter:
    """A counter that goes on where steps begin again in each epoch, as batches often do."""

    def __init__(self) -> None:
        self._base = self._last = 0
        self._epoch: float | None = None
        self.wrapped = False
        """Whether steps have begun again."""

    def __call__(self, step: int, epoch: float | None) -> int:
        """The step since the run's start; `epoch` is that of the record, if it has one."""
        known = self._epoch
        if epoch is not None and known is not None:
            if epoch > known and step < self._last:
                self._base += self._last
                self.wrapped = True
            elif epoch < known:  # the log goes back
                self._base = 0
        if epoch is not None:
            self._epoch = epoch
        self._last = step
        return min(MAX_STEP, self._base + step)


def step(value: object) -> int | None:
    """The step as a whole number, rounded down; None if the value is not a step."""
    number = real(value)
    if number is None or not 0 <= number <= MAX_STEP:  # NaN too
        return None
    return int(number)


def moment(value: object) -> float | None:
    """A number or an ISO date in seconds, since the epoch or since the run's start."""
    number = real(value)
    if number is None and isinstance(value, str):
        try:
            number = datetime.fromisoformat(value.strip()).timestamp()
        except (ValueError, OverflowError, OSError):
            return None
    if number is None or not math.isfinite(number):
        return None
    return number / 1000 if number >= _SMALLEST_DATE_IN_MS else number


def is_date(seconds: float) -> bool:
    """Whether a time counts from the epoch."""
    return seconds >= _SMALLEST_DATE
