"""The keys by which all plots of a dashboard are looked at, and what the mouse does there."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace
from textual.binding import Binding

from tui.choices import remembered
from tui.panels.curves import CurvesPanel
from tui.plots import traces, x_scale
from tui.plots import view as plotview
from tui.plots.lanes import View
from tui.plots.view import MARKERS, Extent, PlotView
from tui.screens.run_actions import SteeringScreen

_REMEMBERED = "plots"
_ZOOM = 1 / 1.5
_COLUMN = 1 / 120
"""A step of the crosshair, about a column, as a share of the axis."""


def _key(key: str, action: str, name: str, tooltip: str, **more: Any) -> Binding:
    return Binding(key, action, name, show=False, tooltip=tooltip, **more)


class PlottingScreen(SteeringScreen):
    """Changes the view of all plots at once; a subclass holds it."""

    ESCAPE_TO_MINIMIZE = False  # by `action_escape`, which hides the crosshair first
    BINDINGS = [
        _key("plus,equals_sign", "closer(1)", "Zoom in", "Look closer at a part of the x axis"),
        _key("minus", "closer(-1)", "Zoom out", "Show more of the x axis"),
        _key("left", "crosshair(-1)", "Crosshair left", "Read values further left"),
        _key("right", "crosshair(1)", "Crosshair right", "Read values further right"),
        _key("shift+left", "crosshair(-12)", "Crosshair far left", "By a tenth of the axis"),
        _key("shift+right", "crosshair(12)", "Crosshair far right", "By a tenth of the axis"),
        _key("less_than_sign,comma", "pan(-1)", "Pan left", "Show an earlier part"),
        _key("greater_than_sign,full_stop", "pan(1)", "Pan right", "Show a later part"),
        _key("0", "whole", "All steps", "Show everything again, from the first step to the last"),
        _key("a", "recent", "Recent/all", "Show the newest fifth, or everything"),
        _key("F", "follow", "Follow/stay", "Let the plots move with the newest values, or stay"),
        _key("x", "axis", "Next x axis", "Steps, epochs, samples, time since the start, clock"),
        _key("X", "log_x", "Log x", "Logarithmic or linear x axis"),
        _key("L", "log_y", "Log y", "Logarithmic or linear y axis"),
        _key("t", "smoothing", "Smoothing", "Next smoothing: none, moving average, median"),
        _key("T", "strength", "Smoothing strength", "Smooth more, or lightly again"),
        _key("u", "robust", "Outliers", "Mark outliers at the edge, or let them decide the axis"),
        _key("B", "markers", "Markers", "Draw with braille, blocks, or plain characters"),
        _key("escape", "escape", "Hide crosshair", "Hide the crosshair"),
    ]
    PLOTTING_KEYS = (
        ("+, -", "look closer at a part of the x axis; show more (also the wheel)"),
        ("<, >", "show an earlier or a later part"),
        ("0", "show everything again"),
        ("a", "the newest fifth only, following it; or everything"),
        ("F", "follow the newest values, or stay"),
        ("Left, Right", "read the values at a step (also a click); with Shift by a tenth"),
        ("Esc", "hide the crosshair; without one, show all panels again"),
        ("x", "x axis: step, epoch, samples, time since the start, clock"),
        ("X, L", "logarithmic x axis; logarithmic y axis"),
        ("t, T", "smoothing: none, moving average, moving median; how strong"),
        ("u", "outliers: marked at the edge, or all within the y axis"),
        ("B", "draw with braille, blocks or plain characters"),
    )

    def view_at_hand(self) -> View | None:
        """What the panels show."""
        raise NotImplementedError

    def look(self, **changes: Any) -> None:
        """Show the panels another view."""
        raise NotImplementedError

    def remembered_plots(self) -> PlotView:
        """How plots were looked at last: the choices, not the place."""
        return _choices(remembered.load(_REMEMBERED, PlotView))

    def on_unmount(self) -> None:
        """Remember the choices for the next start; writing takes too long for a key."""
        view = self.view_at_hand()
        if view is not None and _choices(view.plots) != self.remembered_plots():
            remembered.save(_REMEMBERED, _choices(view.plots))

    def action_closer(self, direction: int) -> None:
        """Zoom."""
        self._change(lambda plots, extent: plotview.zoom(plots, _ZOOM**direction, extent))

    def action_pan(self, direction: int) -> None:
        """Move by a quarter of what is shown."""
        self._change(lambda plots, extent: plotview.pan(plots, direction / 4, extent))

    def action_whole(self) -> None:
        """Show everything."""
        self._change(lambda plots, extent: plotview.all_again(plots))

    def action_recent(self) -> None:
        """The newest part, or everything."""
        self._change(plotview.recent)

    def action_follow(self) -> None:
        """Follow or stay."""
        self._change(plotview.toggle_follow)

    def action_crosshair(self, columns: int) -> None:
        """Move the crosshair, to a step that was recorded."""
        view = self.view_at_hand()
        if view is None:
            return
        extent = x_scale.extent(view)
        moved = plotview.move(view.plots, columns * _COLUMN, extent)
        self._place(view, moved.crosshair or 0.0)

    def action_escape(self) -> None:
        """Hide the crosshair; without one, show all panels again."""
        view = self.view_at_hand()
        if view is not None and view.plots.crosshair is not None:
            self._set(crosshair=None)
        elif self.maximized is not None:
            self.minimize()

    def action_axis(self) -> None:
        """The next x axis that the runs have."""
        if (view := self.view_at_hand()) is None:
            return
        kinds = x_scale.kinds_of(view)
        index = kinds.index(view.plots.x) + 1 if view.plots.x in kinds else 0
        self.look(plots=x_scale.converted(view, kinds[index % len(kinds)]))

    def action_log_x(self) -> None:
        """Logarithmic or linear."""
        if (view := self.view_at_hand()) is not None:
            self._set(log_x=not view.plots.log_x)

    def action_log_y(self) -> None:
        """Logarithmic or linear."""
        if (view := self.view_at_hand()) is not None:
            self._set(log_y=not view.plots.log_y)

    def action_smoothing(self) -> None:
        """The next kind."""
        if (view := self.view_at_hand()) is not None:
            self._keep(plotview.next_smoothing(view.plots, several=view.several), view)

    def action_strength(self) -> None:
        """The next strength."""
        self._change(lambda plots, extent: plotview.next_strength(plots))

    def action_robust(self) -> None:
        """Outliers at the edge or not."""
        if (view := self.view_at_hand()) is not None:
            self._set(robust=not view.plots.robust)

    def action_markers(self) -> None:
        """The next way to draw."""
        if (view := self.view_at_hand()) is not None:
            index = MARKERS.index(view.plots.markers) + 1
            self._set(markers=MARKERS[index % len(MARKERS)])

    def on_curves_panel_pointed(self, message: CurvesPanel.Pointed) -> None:
        """The mouse: a click puts the crosshair there, the wheel zooms there."""
        view, factor = self.view_at_hand(), message.zoom
        if view is None:
            return
        if factor is None:
            self._place(view, message.x)
        else:
            self._change(lambda plots, extent: plotview.zoom(plots, factor, extent, message.x))

    def _place(self, view: View, x: float) -> None:
        near = traces.nearest_step(view.focus.state, view.plots, x)
        extent = x_scale.extent(view)
        self.look(plots=plotview.place(view.plots, x if near is None else near, extent))

    def _change(self, make: Callable[[PlotView, Extent], PlotView]) -> None:
        if (view := self.view_at_hand()) is not None:
            self._keep(make(view.plots, x_scale.extent(view)), view)

    def _set(self, **changes: Any) -> None:
        if (view := self.view_at_hand()) is not None:
            self._keep(replace(view.plots, **changes), view)

    def _keep(self, plots: PlotView, view: View) -> None:
        if plots != view.plots:
            self.look(plots=plots)


def _choices(plots: PlotView) -> PlotView:
    """What holds for other runs too."""
    return replace(plots, x="step", window=None, follow=False, crosshair=None)
