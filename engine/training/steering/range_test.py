"""The end of a learning-rate range test: where the loss leaves its valley."""

import math
from collections.abc import Mapping, Sequence

from engine.training.recording.metric_buffer import Inspect

_RISE = 4.0
"""The test is over when the smoothed loss is so many times its minimum: a larger learning rate
would tell nothing more."""
_BETA = 0.9
_FIRST_STEPS = 10
"""Steps before the test may end, since the average needs some."""


class RangeTest:
    """A learning-rate range test (Smith 2017, arXiv:1506.01186): the learning rate rises from step
    to step, and the losses decide, as they arrive on the host, when it is over."""

    def __init__(self) -> None:
        self.reason = ""
        """Why the test is over; "" until it is."""
        self._average = self._weight = 0.0
        self._least = math.inf

    def after(self, inspect: Inspect) -> Inspect:
        """`inspect`, followed by this test's inspection of the steps that count."""

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
