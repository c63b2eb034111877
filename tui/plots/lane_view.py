"""The view that the panels of a dashboard share: runs, each with colour and line style."""

from dataclasses import dataclass
from typing import Literal

from tui.plots.palette import lane_colors
from tui.plots.plot_view import PlotView
from tui.runs.alerts.open_alerts import Unseen
from tui.runs.labels import labels, told_apart
from tui.runs.state.store import RunState
from tui.text import day_and_time

_USUAL = PlotView()
_NONE_UNSEEN = Unseen()
Split = Literal["train", "val"]


@dataclass(frozen=True)
class Lane:
    """A run as the plots show it."""

    state: RunState
    label: str
    """How the run differs from the others, in words."""
    index: int
    """Index of the line style."""
    color: str
    """As #rrggbb."""


@dataclass(frozen=True)
class View:
    """The runs of a dashboard and how they are shown."""

    lanes: tuple[Lane, ...]
    selected: int = 0
    split: Split = "train"
    """The split whose curves are shown when there are several runs."""
    alerts: Unseen = _NONE_UNSEEN
    """The alerts that nobody has seen yet."""
    plots: PlotView = _USUAL
    """The view of all plots."""

    @property
    def focus(self) -> Lane:
        """The selected lane: that of progress, configuration and log."""
        return self.lanes[self.selected]

    @property
    def several(self) -> bool:
        return len(self.lanes) > 1

    @property
    def x_limit(self) -> float:
        """The largest number of planned steps; without plans, a round number above the last
        step."""
        states = [lane.state for lane in self.lanes]
        plans = [state.planned_steps or 0 for state in states]
        return float(max([1, *plans, *(state.step for state in states)]))


def make_lanes(states: list[RunState], colors: dict[str, str]) -> tuple[Lane, ...]:
    """The lanes of these runs, in order; colours and line styles repeat after eight."""
    # By the settings at the start: a command that changes one does not rename a run.
    first = [state.started.config if state.started else state.config for state in states]
    made = labels(first)
    given = [state.given_name or name for state, name in zip(states, made, strict=True)]
    begun = [day_and_time(state.started.time) if state.started else "" for state in states]
    names = told_apart(given, first, begun, [state.id for state in states])
    palette = lane_colors(colors)
    return tuple(
        Lane(state, name, index, palette[index % len(palette)])
        for index, (state, name) in enumerate(zip(states, names, strict=True))
    )
