"""What the panels of a dashboard show together: the runs, each with its colour and line style."""

from dataclasses import dataclass
from typing import Literal

from tui.plots.palette import lane_colors
from tui.plots.view import PlotView
from tui.runs.labels import labels
from tui.runs.store import RunState

_USUAL = PlotView()
Split = Literal["train", "val"]


@dataclass(frozen=True)
class Lane:
    """A run on the plots."""

    state: RunState
    label: str
    """Says how the run differs from the others."""
    index: int
    """Decides the line style."""
    color: str
    """As #rrggbb."""


@dataclass(frozen=True)
class View:
    """The runs of a dashboard and how they are looked at."""

    lanes: tuple[Lane, ...]
    selected: int = 0
    split: Split = "train"
    """Which curves are shown when several runs lie over each other."""
    alerts: int = 0
    """Alerts that nobody has looked at yet."""
    plots: PlotView = _USUAL
    """How all plots are looked at."""

    @property
    def focus(self) -> Lane:
        """The lane that progress, configuration and log are about."""
        return self.lanes[self.selected]

    @property
    def several(self) -> bool:
        return len(self.lanes) > 1

    @property
    def x_limit(self) -> float:
        """The longest plan in steps; without one, a round number over the last step."""
        states = [lane.state for lane in self.lanes]
        plans = [state.planned_steps or 0 for state in states]
        return float(max([1, *plans, *(state.step for state in states)]))


def make_lanes(states: list[RunState], colors: dict[str, str]) -> tuple[Lane, ...]:
    """Lanes in the order of the states; colours repeat after eight, together with the style."""
    # As they were begun: a command that changes the learning rate does not rename a run.
    first = [state.started.config if state.started else state.config for state in states]
    made = labels(first)
    names = [state.given_name or name for state, name in zip(states, made, strict=True)]
    palette = lane_colors(colors)
    return tuple(
        Lane(state, name, index, palette[index % len(palette)])
        for index, (state, name) in enumerate(zip(states, names, strict=True))
    )
