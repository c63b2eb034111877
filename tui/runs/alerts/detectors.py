"""Detectors of what is worth an alert in the points of one metric; pure, each point once."""

import math
from collections.abc import Iterator

import numpy as np

from tui.runs.points.series import Floats, Series
from tui.text import count, number

WINDOW = 20
"""Number of steps over which a training loss is averaged; more for a long log read at once."""
MAX_WINDOWS = 500
"""Maximum number of windows in one check."""
MAX_BACKLOG = 1_000_000
"""Maximum number of points that one check reads; older ones are passed over."""
CALM_STEPS = 100
"""Number of steps after which another NaN or explosion is told again."""
FIRST_NORMS = 60
"""Number of gradient norms before one of them can count as an explosion."""
EARLY_STEPS = 200
"""Number of first steps whose clipping is ignored: their gradients are always large."""
CLIPPED_STEPS = 300
"""Number of last steps over which the clipped share is taken."""

Found = Iterator[tuple[int, str]]
"""Steps, each with what happened there in one line."""


class Cursor:
    """A position in a series up to which it was read."""

    def __init__(self) -> None:
        self._done = 0
        self._cuts = 0
        self.rewound = False
        """Whether points were taken away since the last call, as by a restart."""

    def new(self, series: Series | None) -> tuple[Floats, Floats]:
        """Steps and values that were not read before, float64 (n,) each."""
        if series is None:
            return np.empty(0), np.empty(0)
        length = len(series)
        self.rewound = series.cuts != self._cuts
        self._cuts, self._done = series.cuts, min(self._done, length)
        first = max(self._done, length - MAX_BACKLOG)
        self._done = length
        return series.steps[first:], series.values[first:]


class Nan:
    """A detector of values that are not finite; each stretch of them is told once."""

    def __init__(self) -> None:
        self._bad_at = -math.inf

    def check(self, name: str, steps: Floats, values: Floats) -> Found:
        bad = steps[~np.isfinite(values)]
        if not len(bad):
            return
        before = np.concatenate(([self._bad_at], bad[:-1]))
        self._bad_at = float(bad[-1])
        for step in bad[bad - before > CALM_STEPS].tolist():
            value = values[np.searchsorted(steps, step)]
            yield int(step), f"{name} is {number(float(value))}"


class Divergence:
    """A detector of a training loss that rises far above its best mean.

    The rise is compared with what the loss had gained since its first value. A loss that never
    fell, as with a learning rate that is much too large, diverges when it has risen by half of its
    size. A rise that noise alone could cause is no divergence.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self.restart()

    def restart(self) -> None:
        """Forget what was read, since a restarted run goes on from an earlier point."""
        self._steps = self._values = np.empty(0)
        self._first = self._best = self._noise = math.inf
        self._told = False

    def check(self, steps: Floats, values: Floats) -> Found:
        known = np.isfinite(values)
        if math.isinf(self._first) and known.any():
            self._first = self._best = float(values[known][0])
        self._steps = np.concatenate((self._steps, steps[known]))
        self._values = np.concatenate((self._values, values[known]))
        size = max(WINDOW, len(self._values) // MAX_WINDOWS)
        whole = len(self._values) // size * size
        blocks = self._values[:whole].reshape(-1, size)
        ends = self._steps[size - 1 : whole : size]
        self._steps, self._values = self._steps[whole:], self._values[whole:]
        with np.errstate(over="ignore", invalid="ignore"):  # a loss near the largest float
            rows = np.stack((blocks.mean(axis=1), blocks.std(axis=1), blocks.min(axis=1)), axis=1)
        for step, (mean, noise, least) in zip(ends.tolist(), rows.tolist(), strict=True):
            yield from self._judge(int(step), mean, noise, least)

    def _judge(self, step: int, mean: float, noise: float, least: float) -> Found:
        if mean < self._best:
            self._best, self._noise = mean, noise
        # Either the mean is far above what noise can do, or every single value is very far above.
        enough = self._share * max(self._first - self._best, abs(self._best))
        allowed = max(enough, 3 * min(self._noise, noise))
        risen = mean - self._best
        if not self._told and (not risen <= allowed or least - self._best > 3 * enough):
            self._told = True
            yield step, f"the training loss rose from {number(self._best)} to {number(mean)}"
        elif self._told and risen < enough / 2:
            self._told = False


class Explosion:
    """A detector of a gradient norm far above the largest one before it."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._largest = 0.0
        self._seen = 0
        self._told_at = -math.inf

    def check(self, steps: Floats, values: Floats) -> Found:
        known = np.isfinite(values)
        steps, values = steps[known], values[known]
        if not len(values):
            return
        before = np.maximum.accumulate(np.concatenate(([self._largest], values)))[:-1]
        counted = np.arange(self._seen, self._seen + len(values))
        jumps = (values > self._factor * before) & (counted >= FIRST_NORMS) & (before > 0)
        self._largest = max(self._largest, float(values.max()))
        self._seen += len(values)
        for index in np.flatnonzero(jumps).tolist():  # few: each is so much larger than all before
            before_that, self._told_at = self._told_at, float(steps[index])
            if self._told_at - before_that <= CALM_STEPS:
                continue  # it goes on rising
            words = f"gradient norm {number(float(values[index]))}, the largest before was "
            yield int(steps[index]), words + number(float(before[index]))


class Clipping:
    """A detector of a large share of clipped steps among the last ones."""

    def __init__(self, limit: float | None) -> None:
        self._limit = math.inf if limit is None else limit
        self._early = EARLY_STEPS
        self._last = np.empty(0)
        self._told = False

    def check(self, steps: Floats, values: Floats) -> Found:
        early = min(self._early, len(values))
        self._early, values = self._early - early, values[early:]
        if not len(values):
            return
        self._last = np.concatenate((self._last, values[-CLIPPED_STEPS:]))[-CLIPPED_STEPS:]
        if len(self._last) < CLIPPED_STEPS:
            return
        share = float(self._last.mean())
        if share > self._limit and not self._told:
            self._told = True
            words = f"{share:.1%} of the last {CLIPPED_STEPS} steps were clipped"
            yield int(steps[-1]), words
        elif share < self._limit - 0.1:
            self._told = False


class Plateau:
    """A detector of a validation loss that has not improved for long."""

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self._best = math.inf
        self._best_at = 0.0
        self._since = 0
        self._told = False

    def check(self, steps: Floats, values: Floats, first_step: int) -> Found:
        for step, value in zip(steps.tolist(), values.tolist(), strict=True):
            if value < self._best:
                self._best, self._best_at, self._since, self._told = value, step, 0, False
                continue
            self._since += 1
            long = step - self._best_at >= (step - first_step) / 2
            if self._since >= self._patience and long and not self._told:
                self._told = True
                words = f"no better val/loss than {number(self._best)}"
                yield int(step), f"{words} since step {count(int(self._best_at))}"
