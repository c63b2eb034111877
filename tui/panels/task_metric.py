"""The metric that a task is judged by besides the loss: accuracy, error, BLEU, win rate."""

from collections.abc import Mapping

from tui.panels.curves import CurvesPanel
from tui.plots.lane_view import View
from tui.runs.state.judging_metric import customary, title
from tui.text import clean

_OF_BATCHES = ("classification", "regression")
"""Tasks whose training batches have the metric, too, from the first step on."""
_BESIDE = {"bleu": "chrf", "wer": "cer", "rougel": "rouge1", "accuracy": "win_rate"}
"""The metric that is drawn beside another one, on the same scale."""

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
    return started.task if started else "classification"


def _judged_by(view: View) -> str:
    """The metric of the task, without a split; the first besides the loss where the task has none,
    as where the package for it is not installed."""
    started = view.focus.state.started
    name = customary(task_of(view), started.judged_by if started else "")
    if name not in ("", "loss"):
        return name
    others = [
        metric.removeprefix("val/")
        for metric in view.focus.state.metrics
        if metric.startswith("val/") and not metric.startswith(("val/loss", "val/ema_"))
    ]
    return next(iter(others), "accuracy")


class TaskMetricPanel(CurvesPanel):
    """A panel of the metric that the task is judged by, besides the loss."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)

    def title(self, view: View) -> str:
        found = _of_loop(view)
        return found[0] if found is not None else title(_judged_by(view))

    def metrics(self, view: View) -> tuple[str, str]:
        if (found := _of_loop(view)) is not None:
            return found[1], found[2]
        name = _judged_by(view)
        train = f"train/{name}"
        logged = any(train in lane.state.metrics for lane in view.lanes)
        return train if logged or task_of(view) in _OF_BATCHES else "", f"val/{name}"

    def more(self, view: View) -> Mapping[str, str]:
        name = _judged_by(view)
        beside = _BESIDE.get(name, "")
        words = {f"val/ema_{name}": "averaged"}
        return words | {f"val/{beside}": title(beside)} if beside else words
