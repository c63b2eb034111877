"""Measure drawing of plots, in CPU time; prints and asserts nothing.

`python tests/benchmarks/bench_plots.py`: curves of 5,000 noisy steps on a panel of 79x14 cells, cut
out and thinned, drawn, and made lines of; beside it the same curves by plotext.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np

from tui.plots import chart, still_plot
from tui.plots.axes import Axes
from tui.plots.chart import Curve
from tui.plots.palette import LANE_COLORS
from tui.plots.raster import DOTS
from tui.plots.smoothing import Average, Median, Smoother
from tui.plots.still_plot import Frame
from tui.plots.traces import BINS_PER_COLUMN
from tui.runs.points.series import Series

STEPS = 5000
AXES = Axes(width=79, height=14, low=0, high=STEPS, ink="#8a94a0", robust=True)
FRAME = Frame(width=79, height=14, x_limit=STEPS, ink="#8a94a0")


def milliseconds(what: Callable[[], object], times: int) -> float:
    """The median of CPU times."""
    what()
    taken = []
    for _ in range(times):
        began = time.process_time()
        what()
        taken.append(time.process_time() - began)
    return 1000 * statistics.median(taken)


def recorded(count: int) -> list[Series]:
    """Series of noise around a falling curve."""
    rng, steps, made = np.random.default_rng(0), np.arange(1.0, STEPS + 1), []
    for _ in range(count):
        series = Series()
        series.extend(steps, np.exp(-steps / 2000) + 0.1 * rng.standard_normal(STEPS))
        made.append(series)
    return made


def curves(series: list[Series]) -> list[Curve]:
    """What a panel draws of them."""
    bins = BINS_PER_COLUMN * AXES.canvas_width * DOTS[AXES.markers].across
    colors, made = list(LANE_COLORS.values()), []
    for lane, one in enumerate(series):
        x, y = one.window(0, STEPS, bins)
        made.append(Curve(x=x, y=y, color=colors[lane % len(colors)], lane=lane))
    return made


def smooth(make: Callable[[], Smoother]) -> float:
    """Milliseconds for 100,000 values at once."""
    series = Series()
    series.extend(np.arange(100_000.0), np.random.default_rng(0).standard_normal(100_000))
    return milliseconds(lambda: make().of(series), 5)


if __name__ == "__main__":
    print("curves  thinned    drawn    lines    plotext   (ms)")
    for count in (1, 4, 20):
        series = recorded(count)
        found = curves(series)
        picture = chart.draw(found, AXES)
        print(
            f"{count:6}"
            f"{milliseconds(lambda series=series: curves(series), 30):9.2f}"
            f"{milliseconds(lambda found=found: chart.draw(found, AXES), 30):9.2f}"
            f"{milliseconds(picture.lines, 30):9.2f}"
            f"{milliseconds(lambda found=found: still_plot.draw(found, FRAME), 3):11.1f}"
        )
    print(f"smoothing 100,000 values: average {smooth(Average):.0f} ms", end=", ")
    print(f"median of 15 {smooth(lambda: Median(15)):.0f} ms")
