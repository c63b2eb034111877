"""Plots: which part of them is shown, over which axes, how smooth; by keys and the mouse."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from tui.choices.kept import small_files
from tui.panels.curves import CurvesPanel
from tui.panels.keys import Key, Keys, together
from tui.plots import plot_view, traces, x_scale
from tui.plots.lane_view import View
from tui.plots.plot_view import MARKERS, Extent, PlotView
from tui.screens.dashboard.actions_base import DashboardActions

_REMEMBERED = "plots"
_ZOOM = 1 / 1.5
_COLUMN = 1 / 120
"""How far the crosshair moves at a key, about a column, as a share of the axis."""


class PlotActions(DashboardActions):
    """Keys that change the view of all plots, and what the mouse does on a plot."""

    ESCAPE_TO_MINIMIZE = False  # by `action_escape`, which hides the crosshair first
    KEYS: Keys = (
        Key(
            "v",
            "split",
            "Train/val",
            "with several runs: training or validation curves",
            footer=True,
        ),
        together(
            Key(
                "plus,equals_sign",
                "closer(1)",
                "Zoom in",
                "look closer at a part of the x axis, as the wheel does at the pointer",
            ),
            Key("minus", "closer(-1)", "Zoom out", "show more of it"),
        ),
        together(
            Key("less_than_sign,comma", "pan(-1)", "Pan left", "show an earlier part"),
            Key("greater_than_sign,full_stop", "pan(1)", "Pan right", "a later part"),
        ),
        Key("0", "whole", "All steps", "show everything again, from the first step to the last"),
        Key(
            "a",
            "recent",
            "Recent/all",
            "show the newest fifth only, following it; or everything",
        ),
        Key("F", "follow", "Follow/stay", "follow the newest values, or stay"),
        together(
            Key("left", "crosshair(-1)", "Crosshair left", "read values further left"),
            Key("right", "crosshair(1)", "Crosshair right", "read values further right"),
            Key("shift+left", "crosshair(-12)", "Crosshair far left", "by a tenth of the axis"),
            Key("shift+right", "crosshair(12)", "Crosshair far right", "by a tenth of the axis"),
            does="read the values at a crosshair, which a click sets too; with Shift it moves by "
            "a tenth of the axis",
            shown="Left, Right",
        ),
        Key(
            "escape",
            "escape",
            "Hide crosshair",
            "hide the crosshair; without one, show all panels again; then back to where you were",
        ),
        Key(
            "x",
            "axis",
            "Next x axis",
            "x axis: step, epoch, samples, time since the start, or clock",
        ),
        together(
            Key("X", "log_x", "Log x", "logarithmic or linear x axis"),
            Key("L", "log_y", "Log y", "logarithmic or linear y axis"),
        ),
        together(
            Key("t", "smoothing", "Smoothing", "smoothing: none, moving average, moving median"),
            Key("T", "strength", "Smoothing strength", "how strong"),
        ),
        Key("u", "robust", "Outliers", "outliers: marked at the edge, or all within the y axis"),
        Key("B", "markers", "Markers", "draw with braille, blocks or plain characters"),
    )

    def remembered_plots(self) -> PlotView:
        """The view that a person chose last, without the part of the axis that it showed."""
        return _choices(small_files.load(_REMEMBERED, PlotView))

    def on_unmount(self) -> None:
        """Remember the choices for the next start; writing takes too long for a key."""
        view = self.watched.view
        if view is not None and _choices(view.plots) != self.remembered_plots():
            small_files.save(_REMEMBERED, _choices(view.plots))

    def action_split(self) -> None:
        """Compare the curves of the other split."""
        view = self.watched.view
        if view is not None and not view.several:
            self.notify("One run shows both: training and validation.")
        elif view is not None:
            self.change_view(split="val" if view.split == "train" else "train")

    def action_closer(self, direction: int) -> None:
        """Zoom."""
        self._change(lambda plots, extent: plot_view.zoom(plots, _ZOOM**direction, extent))

    def action_pan(self, direction: int) -> None:
        """Move by a quarter of what is shown."""
        self._change(lambda plots, extent: plot_view.pan(plots, direction / 4, extent))

    def action_whole(self) -> None:
        """Show everything."""
        self._change(lambda plots, extent: plot_view.all_again(plots))

    def action_recent(self) -> None:
        """The newest part, or everything."""
        self._change(plot_view.recent)

    def action_follow(self) -> None:
        """Follow or stay."""
        self._change(plot_view.toggle_follow)

    def action_crosshair(self, columns: int) -> None:
        """Move the crosshair, to a step that was recorded."""
        view = self.watched.view
        if view is None:
            return
        extent = x_scale.extent(view)
        moved = plot_view.move(view.plots, columns * _COLUMN, extent)
        self._place(view, moved.crosshair or 0.0)

    def action_escape(self) -> None:
        """Hide the crosshair; without one, show all panels again; then back to where you were."""
        view = self.watched.view
        if view is not None and view.plots.crosshair is not None:
            self._set(crosshair=None)
        elif self.maximized is not None:
            self.minimize()
        else:
            self.host.go_back()

    def action_axis(self) -> None:
        """The next x axis that the runs have."""
        if (view := self.watched.view) is None:
            return
        kinds = x_scale.kinds_of(view)
        index = kinds.index(view.plots.x) + 1 if view.plots.x in kinds else 0
        self.change_view(plots=x_scale.converted(view, kinds[index % len(kinds)]))

    def action_log_x(self) -> None:
        """Logarithmic or linear."""
        if (view := self.watched.view) is not None:
            self._set(log_x=not view.plots.log_x)

    def action_log_y(self) -> None:
        """Logarithmic or linear."""
        if (view := self.watched.view) is not None:
            self._set(log_y=not view.plots.log_y)

    def action_smoothing(self) -> None:
        """The next kind."""
        if (view := self.watched.view) is not None:
            self._keep(plot_view.next_smoothing(view.plots, several=view.several), view)

    def action_strength(self) -> None:
        """The next strength."""
        self._change(lambda plots, extent: plot_view.next_strength(plots))

    def action_robust(self) -> None:
        """Outliers at the edge or not."""
        if (view := self.watched.view) is not None:
            self._set(robust=not view.plots.robust)

    def action_markers(self) -> None:
        """The next way to draw."""
        if (view := self.watched.view) is not None:
            index = MARKERS.index(view.plots.markers) + 1
            self._set(markers=MARKERS[index % len(MARKERS)])

    def on_curves_panel_pointed(self, message: CurvesPanel.Pointed) -> None:
        """The mouse: a click puts the crosshair there, the wheel zooms there."""
        view, factor = self.watched.view, message.zoom
        if view is None:
            return
        if factor is None:
            self._place(view, message.x)
        else:
            self._change(lambda plots, extent: plot_view.zoom(plots, factor, extent, message.x))

    def _place(self, view: View, x: float) -> None:
        near = traces.nearest_step(view.focus.state, view.plots, x)
        extent = x_scale.extent(view)
        self.change_view(plots=plot_view.place(view.plots, x if near is None else near, extent))

    def _change(self, make: Callable[[PlotView, Extent], PlotView]) -> None:
        if (view := self.watched.view) is not None:
            self._keep(make(view.plots, x_scale.extent(view)), view)

    def _set(self, **changes: Any) -> None:
        if (view := self.watched.view) is not None:
            self._keep(replace(view.plots, **changes), view)

    def _keep(self, plots: PlotView, view: View) -> None:
        if plots != view.plots:
            self.change_view(plots=plots)


def _choices(plots: PlotView) -> PlotView:
    """The parts of a view of plots that hold for other runs too."""
    return replace(plots, x="step", window=None, follow=False, crosshair=None)
