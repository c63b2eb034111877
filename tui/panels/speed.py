"""How fast a run trains: samples, tokens, frames or moves a second, and the share of the peak."""

from typing import get_args

from rich.text import Text

from engine.config.task_rule_table import RULES, Unit
from tui.panels.curves import CurvesPanel
from tui.panels.task_metric import task_of
from tui.plots.lane_view import View

_UNITS = get_args(Unit)


class SpeedPanel(CurvesPanel):
    """A panel of what the task counts a second, and of their share of the device's peak."""

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
    """What is counted a second: as the task has it, else as it was recorded."""
    task = task_of(view)
    if (rules := RULES.get(task)) is not None:
        return rules.unit
    logged = [unit for unit in _UNITS if f"{unit}_per_second" in view.focus.state.metrics]
    return next(iter(logged), "steps" if task == "open" else "samples")
