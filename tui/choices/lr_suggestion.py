"""The learning rate that a range test suggests, and its plot; pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.text import Text

from tui.plots import still_plot
from tui.plots.chart import Curve
from tui.plots.still_plot import Frame
from tui.runs.points.series import Floats
from tui.text import number

STEPS = 200
"""Steps of a range test: 7 decades from 1e-6 to 10, about 28 steps each."""
_BETA = 0.9
_LEAST_POINTS = 30
_WARMUP = 10
_REACH = 12
"""Steps over which a fall is measured: from one step to the next there is more noise than slope."""
_LEAST_FALL = 0.02
"""Least fall as a share of the first loss: a curve that falls less has no useful slope."""


@dataclass(frozen=True)
class Suggestion:
    """A learning rate to take."""

    lr: float
    why: str
    """The reason, in a few words."""


def smoothed(losses: Sequence[float]) -> Floats:
    """An exponential moving average with bias correction, float64 (n,); NaN stays where it is."""
    average = weight = 0.0
    values = []
    for loss in losses:
        if math.isfinite(loss):
            average = _BETA * average + (1 - _BETA) * loss
            weight = _BETA * weight + (1 - _BETA)
        values.append(average / weight if math.isfinite(loss) and weight else math.nan)
    return np.array(values, dtype=np.float64)


def suggest(lrs: Sequence[float], losses: Sequence[float]) -> Suggestion | str:
    """The learning rate at which the smoothed loss falls most steeply over log(lr), before its
    minimum (Smith 2017, arXiv:1506.01186; the rule of the slope after Howard and Gugger 2020,
    arXiv:2002.04688), but at most a tenth of that of the minimum; or why there is none.
    """
    logs = np.log10(np.asarray(lrs, dtype=np.float64))
    curve = smoothed(losses)
    known = np.flatnonzero(np.isfinite(curve))
    if len(known) < _LEAST_POINTS:
        return f"only {len(known)} steps with a finite loss; at least {_LEAST_POINTS} are needed"
    # The average is of too few losses at the beginning.
    logs, curve = logs[known][_WARMUP:], curve[known][_WARMUP:]
    lowest = int(np.argmin(curve))
    if lowest < _REACH or curve[0] - curve[lowest] < _LEAST_FALL * abs(curve[0]):
        return "the loss hardly falls at any learning rate"
    falls = curve[_REACH : lowest + 1] - curve[: lowest + 1 - _REACH]
    steepest = float(logs[int(np.argmin(falls)) + _REACH // 2])
    bound = float(logs[lowest]) - 1
    if steepest <= bound:
        return Suggestion(_rounded(10**steepest), "where the loss falls most steeply")
    return Suggestion(_rounded(10**bound), "a tenth of the learning rate with the smallest loss")


def draw(
    lrs: Sequence[float],
    losses: Sequence[float],
    suggestion: Suggestion | None,
    *,
    width: int,
    height: int,
    ink: str,
    color: str,
    accent: str,
    ascii_only: bool,
) -> list[Text]:
    """The smoothed loss over log10(lr): `height` lines of `width` cells. The last line has the
    learning rates; a column marks the suggestion."""
    if len(lrs) < 2:
        return [Text("waiting for the first steps")]
    logs = np.log10(np.asarray(lrs, dtype=np.float64))
    low, high = float(logs[0]), max(float(logs[-1]), float(logs[0]) + 1)
    curve = smoothed(losses)
    # A loss that explodes would flatten all that matters.
    curve = np.minimum(curve, 1.3 * float(np.nanmax(curve[: max(1, len(curve) // 3)])))
    frame = Frame(
        width=width,
        height=height,
        x_limit=high - low,
        ink=ink,
        ascii=ascii_only,
        baseline=None,
    )
    curves = [Curve(x=logs - low, y=curve, color=color)]
    if suggestion is not None:
        at = math.log10(suggestion.lr) - low
        ends = np.array([np.nanmin(curve), np.nanmax(curve)])
        # A line that is not whole would be a dot: it is one column wide.
        curves.append(Curve(x=np.array([at, at]), y=ends, color=accent, lane=2 * ascii_only))
    lines = still_plot.draw(curves, frame)[:-1]
    return [*lines, _axis(low, high, frame)]


def _axis(low: float, high: float, frame: Frame) -> Text:
    """Powers of ten under the plot."""
    cells = [" "] * frame.width
    for power in range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1):
        label = f"1e{power}"
        at = (
            frame.width
            - frame.canvas_width
            + round((power - low) / (high - low) * (frame.canvas_width - 1))
        )
        at = max(0, min(frame.width - len(label), at - len(label) // 2))
        if all(cell == " " for cell in cells[max(0, at - 1) : at + len(label)]):
            cells[at : at + len(label)] = label
    return Text("".join(cells), style=frame.ink)


def sentence(found: Suggestion | str) -> str:
    """One line for people."""
    if isinstance(found, str):
        return f"no suggestion: {found}"
    return f"learning rate {number(found.lr, 3)}: {found.why}"


def _rounded(lr: float) -> float:
    """Two digits: more would pretend a precision that is not there."""
    return float(f"{lr:.2g}")
