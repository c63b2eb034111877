"""The learning rate that a schedule will set, as a small plot; pure."""

import numpy as np
from rich.text import Text

from tui.plots import still_plot
from tui.plots.chart import Curve
from tui.plots.still_plot import Frame


def learning_rate(
    curve: list[tuple[int, float]],
    *,
    width: int,
    height: int,
    ink: str,
    color: str,
    ascii_only: bool,
) -> list[Text]:
    """A heading and the plot of (step, learning rate) pairs: `height` lines of `width` cells."""
    steps, rates = (np.array(column, dtype=np.float64) for column in zip(*curve, strict=True))
    frame = Frame(
        width=width, height=height - 1, x_limit=float(steps[-1]), ink=ink, ascii=ascii_only
    )
    heading = Text("learning rate over the steps".center(width), style=ink)
    return [heading, *still_plot.draw([Curve(x=steps, y=rates, color=color)], frame)]
