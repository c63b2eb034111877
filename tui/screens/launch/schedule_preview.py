"""The learning rate over the steps, drawn before anything is trained."""

from typing import Any

from rich.text import Text
from textual.widgets import Static

from engine.config import configure, registry, schedules
from presets import ConfigError
from tui.choices.choice import Choice


class SchedulePreview(Static):
    """A plot of the schedule: hidden if it does not change the learning rate, empty if there is no
    room."""

    def __init__(self, *, id: str) -> None:
        super().__init__("", id=id, markup=False)
        self._curve: list[tuple[int, float]] = []
        self._drawn: object = None
        """The facts that decide the picture, which is not drawn twice."""

    def show(self, choice: Choice) -> None:
        """Draw the first configuration of a choice."""
        self._curve = _curve(choice)
        self.display = bool(self._curve)
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        width, height = self.content_size
        drawn = (self._curve, width, height, self.app.theme)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        if height < 5 or not self._curve:
            self.update("")
            return
        # It imports NumPy, which the first picture does not wait for.
        from tui.choices.schedule_plot import learning_rate

        app: Any = self.app
        colors = app.theme_variables
        lines = learning_rate(
            self._curve,
            width=width,
            height=min(height, 16),
            ink=colors["plot-ink"],
            color=colors["lane-0"],
            ascii_only=bool(app.plain),
        )
        self.update(Text("\n").join(lines))


def _curve(choice: Choice) -> list[tuple[int, float]]:
    try:
        config = choice.configs()[0]
        plan = configure.plan(config)
        lr = getattr(registry.config("optimizer", config.optimizer), "lr", None)
    except ConfigError:
        return []
    if lr is None or not schedules.changes(config.schedule):
        return []
    return schedules.curve(
        config.schedule, lr=lr, steps=plan.steps, steps_per_epoch=plan.steps_per_epoch
    )
