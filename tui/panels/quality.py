"""Panels whose metric depends on the task: how good a model is, and how fast it trains."""

from rich.text import Text

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
    if _task(view) != "open":
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


def _speed_unit(view: View) -> str:
    task, metrics = _task(view), view.focus.state.metrics
    if task == "open":
        units = [name for name in ("samples", "tokens") if f"{name}_per_second" in metrics]
        return next(iter(units), "steps")
    return "tokens" if task == "language" else "samples"


def _task(view: View) -> str:
    started = view.focus.state.started
    return started.task if started and started.task in _TASKS else "classification"


class QualityPanel(CurvesPanel):
    """A panel of the metric that is customary for such a model, besides the loss."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, more={"val/ema_accuracy": "averaged"})

    def title(self, view: View) -> str:
        return self._of(view)[0]

    def metrics(self, view: View) -> tuple[str, str]:
        _, train, val = self._of(view)
        return train, val

    def _of(self, view: View) -> tuple[str, str, str]:
        return _of_loop(view) or _QUALITY.get(_task(view), _QUALITY["classification"])


class SpeedPanel(CurvesPanel):
    """A panel of samples or tokens a second, and of their share of the device's peak."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, noisy=False)

    def title(self, view: View) -> str:
        return f"{_speed_unit(view).capitalize()} per second"

    def metrics(self, view: View) -> tuple[str, str]:
        return f"{_speed_unit(view)}_per_second", ""

    def heading(self, view: View) -> Text:
        text = super().heading(view)
        mfu = view.focus.state.last("mfu")
        if mfu is not None and not view.several:
            text.append(f"{mfu:.1%} of the peak")
        return text
