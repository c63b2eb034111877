"""The metric that is customary for a task besides the loss: accuracy, error, bits per character."""

from tui.panels.curves import CurvesPanel
from tui.plots.lanes import View
from tui.runs.state.judged import CUSTOMARY, TITLES
from tui.text import clean

_QUALITY = {
    task: (TITLES[name], f"train/{name}" if task != "language" else "", f"val/{name}")
    for task, name in CUSTOMARY.items()
}
_TASKS = {*_QUALITY, "open"}

_OF_LOOPS = {"lr", "grad_norm", "clipped", "epoch"}
"""Metrics of a foreign loop that other panels show, besides losses, clipping and speed."""


def _of_loop(view: View) -> tuple[str, str, str] | None:
    """Title and metrics for a foreign loop: the first metric that no other panel shows.

    It may be one that only another run has, since all are drawn; a single point is no curve.
    """
    if task_of(view) != "open":
        return None
    points = _points(view)
    curves = [metric for metric, number in points.items() if number > 1]
    for metrics in (curves, list(points)):
        if (found := _first_of(metrics)) is not None:
            return found
    return None


def _points(view: View) -> dict[str, int]:
    """The metrics of all runs, the selected one's first, each with its largest number of points."""
    points: dict[str, int] = {}
    for lane in (view.focus, *view.lanes):
        for metric, series in lane.state.metrics.items():
            points[metric] = max(points.get(metric, 0), len(series))
    return points


def _first_of(metrics: list[str]) -> tuple[str, str, str] | None:
    for metric in metrics:
        split, _, name = metric.rpartition("/")
        if split in ("train", "val") and name != "loss":
            return clean(name).replace("_", " ").capitalize(), f"train/{name}", f"val/{name}"
    for metric in metrics:
        known = metric in _OF_LOOPS or metric.endswith("_per_second")
        if not known and not metric.startswith(("train/", "val/", "test/", "clip/", "system/")):
            return clean(metric), metric, ""
    return None


def task_of(view: View) -> str:
    """The task of the selected run; classification where that is not known."""
    started = view.focus.state.started
    return started.task if started and started.task in _TASKS else "classification"


class TaskMetricPanel(CurvesPanel):
    """A panel of the metric that is customary for such a model, besides the loss."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, more={"val/ema_accuracy": "averaged"})

    def title(self, view: View) -> str:
        return self._of(view)[0]

    def metrics(self, view: View) -> tuple[str, str]:
        _, train, val = self._of(view)
        return train, val

    def _of(self, view: View) -> tuple[str, str, str]:
        return _of_loop(view) or _QUALITY.get(task_of(view), _QUALITY["classification"])
