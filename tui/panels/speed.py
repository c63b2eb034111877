"""How fast a run trains: samples, tokens or steps a second, and the share of the peak."""

from rich.text import Text

from tui.panels.curves import CurvesPanel
from tui.panels.task_metric import task_of
from tui.plots.lanes import View


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


def _speed_unit(view: View) -> str:
    task, metrics = task_of(view), view.focus.state.metrics
    if task == "open":
        units = [name for name in ("samples", "tokens") if f"{name}_per_second" in metrics]
        return next(iter(units), "steps")
    return "tokens" if task == "language" else "samples"
