"""A learning-rate range test ends where the loss leaves its valley."""

import math
from collections.abc import Mapping, Sequence

from engine.training.recording.metrics import Inspect

_RISE = 4.0
"""Times the smallest smoothed loss: beyond it a larger rate tells nothing more."""
_BETA = 0.9
_FIRST_STEPS = 10
"""Before them the average is of too few steps."""


class RangeTest:
    """Watches the losses of a run whose rate rises from step to step (Smith 2017,
    arXiv:1506.01186), as they arrive on the host."""

    def __init__(self) -> None:
        self.reason = ""
        """Why the test is over; "" until it is."""
        self._average = self._weight = 0.0
        self._least = math.inf

    def after(self, inspect: Inspect) -> Inspect:
        """The same inspection, followed by this one of the steps that count."""

        def both(steps: list[int], columns: Mapping[str, list[float]]) -> int:
            counted = inspect(steps, columns)
            self.inspect(steps[:counted], columns)
            return counted

        return both

    def inspect(self, steps: Sequence[int], columns: Mapping[str, Sequence[float]]) -> None:
        """Take in the losses of these steps."""
        for step, loss, lr in zip(steps, columns["train/loss"], columns["lr"], strict=False):
            self._average = _BETA * self._average + (1 - _BETA) * loss
            self._weight = _BETA * self._weight + (1 - _BETA)
            smoothed = self._average / self._weight
            self._least = min(self._least, smoothed)
            if step > _FIRST_STEPS and smoothed > _RISE * self._least and not self.reason:
                self.reason = f"the loss rises: it left its valley at lr {lr:.3g}, step {step}"
