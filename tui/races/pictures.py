"""Draw pictures of a race as SVG files, where matplotlib is installed."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.race import statistics
from engine.race.results import RaceResults, RunResult
from tui.plots import matplotlib_figure
from tui.races import drawn_metric


def write(results: RaceResults, folder: Path) -> tuple[list[Path], str]:
    """Draw the pictures that there is data for; returns the files, and why there are none. Raises
    OSError."""
    if not matplotlib_figure.installed():
        return [], matplotlib_figure.NEEDED
    drawn = []
    with matplotlib_figure.drawing():
        for name, draw in _PICTURES.items():
            if (path := _save(results, folder / f"{name}.svg", draw)) is not None:
                drawn.append(path)
    return drawn, ""


def _save(
    results: RaceResults, path: Path, draw: Callable[[Any, RaceResults], bool]
) -> Path | None:
    figure = matplotlib_figure.figure()
    axes = figure.add_subplot()
    if not draw(axes, results):
        return None
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    matplotlib_figure.save(figure, path)
    return path


def _curves(unit: str) -> Callable[[Any, RaceResults], bool]:
    """Median curves with interquartile bands, over steps or training seconds."""

    def draw(axes: Any, results: RaceResults) -> bool:
        any_drawn, metric = False, results.spec.metric
        for lane, each in enumerate(results.spec.lanes):
            runs = [run for run in results.of(lane) if run.steps]
            if not runs:
                continue
            rows = [np.array(run.values.get(results.spec.metric, [])) for run in runs]
            median, low, high = statistics.band(rows)
            x = _places(runs, unit)[: len(median)]
            color, dash = matplotlib_figure.style(lane)
            shown = [drawn_metric.drawn(row, metric, log_y=True) for row in (median, low, high)]
            axes.plot(x, shown[0], dash, color=color, label=matplotlib_figure.entry(each.label))
            axes.fill_between(x, shown[1], shown[2], color=color, alpha=0.15, linewidth=0)
            any_drawn |= bool((shown[0] > 0).any())
        axes.set_xlabel("training seconds" if unit == "seconds" else "step")
        axes.set_ylabel(drawn_metric.name(metric, log_y=True))
        if (goal := results.goal) is not None and goal.metric == metric:
            level = drawn_metric.drawn(np.array([goal.value]), metric, log_y=True)
            axes.axhline(float(level[0]), color="grey", linewidth=0.8)
        if any_drawn:
            matplotlib_figure.logarithmic(axes, "y")
        return any_drawn

    return draw


def _places(runs: Sequence[RunResult], unit: str) -> Any:
    columns: list[list[float]] = [
        run.seconds if unit == "seconds" else [*run.steps] for run in runs
    ]
    return statistics.band([np.array(column, dtype=float) for column in columns])[0]


def _sensitivity(axes: Any, results: RaceResults) -> bool:
    """The best value of each trial over its learning rate; the chosen one is marked."""
    any_drawn = False
    for lane, each in enumerate(results.spec.lanes):
        points = sorted(
            (run.planned.lr, run.best(results.spec.metric, larger=results.larger))
            for run in results.of(lane, "trial")
            if run.planned.lr is not None and run.ended
        )
        if not points:
            continue
        color, dash = matplotlib_figure.style(lane)
        x, y = zip(*points, strict=True)
        axes.plot(x, y, dash, marker="o", color=color, label=matplotlib_figure.entry(each.label))
        if (lr := results.lrs.get(lane)) is not None:
            axes.axvline(lr, color=color, linewidth=0.6)
        any_drawn = any_drawn or any(map(math.isfinite, y))
    matplotlib_figure.logarithmic(axes, "x")
    axes.set_xlabel("learning rate")
    axes.set_ylabel(f"best {results.spec.metric}")
    return any_drawn


_PICTURES: dict[str, Callable[[Any, RaceResults], bool]] = {
    "by-steps": _curves("steps"),
    "by-seconds": _curves("seconds"),
    "sensitivity": _sensitivity,
}
