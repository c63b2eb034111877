"""The gradient norm against its clipping threshold, with a mark for every clipping event."""

from collections.abc import Sequence

import numpy as np
from rich.segment import Segment
from rich.text import Text

from tui.panels.curves import CurvesPanel
from tui.plots import chart, x_scale
from tui.plots.axes import Axes
from tui.plots.lane_view import View
from tui.plots.ticks import LABEL_WIDTH
from tui.runs.points.series import Series
from tui.runs.state.clipping_in_force import clip_limit, clip_mode
from tui.runs.state.store import RunState
from tui.text import clean


class GradientsPanel(CurvesPanel):
    """The global L2 norm before and after clipping; under it, where the gradient was clipped."""

    def __init__(self, *, id: str) -> None:
        after = {"clip/norm_after": "after", "clip/threshold": "limit"}
        super().__init__(id=id, heading="Gradient norm", train="grad_norm", more=after)
        self._clips_key: tuple[object, ...] = ()
        self._clips_line = ""

    def _drawn_metrics(self, view: View) -> list[tuple[str, int]]:
        """Without clipping, the norm after it is the norm before."""
        drawn = super()._drawn_metrics(view)
        return drawn if _clips(view.focus.state) else drawn[:1]

    def heading(self, view: View) -> Text:
        text = Text() if view.several else super().heading(view)
        if view.plots.crosshair is not None or (self.legend and view.several):
            return super().heading(view)
        state = view.focus.state
        share = state.clipped_share()
        if not _clips(state):
            # Of a loop that is not ours and says nothing of clipping, nothing is known.
            known = not (state.started and state.started.task == "open")
            text.append("not clipped" if known else "")
        elif share is not None:
            last = "" if self.size.width < 75 else _of_which(state.metrics["clipped"])
            text.append(f"clipped {share:.0%}{last}", style=self.color("warning"))
        if self.size.width >= 60 and (layer := _largest(state)):
            text.append(f"  most in {layer}", style=self.color("plot-ink"))
        return text

    def body(self, view: View, width: int, height: int) -> Sequence[Text | list[Segment]]:
        state = view.focus.state
        clipped = state.metrics.get("clipped")
        if clipped is None or not _clips(state) or height < 5:
            return super().body(view, width, height)
        axes = self.axes(view, width, height - 1)
        return [*self.plot(view, axes), self._strip_of_clips(view, clipped, axes)]

    def _strip_of_clips(self, view: View, clipped: Series, axes: Axes) -> Text:
        """For each column the share of its steps whose gradient was clipped."""
        scale = x_scale.scale_of(view.focus.state, view.plots.x)
        if scale is None or not axes.fits:
            return Text()
        key = (axes, scale.key, view.focus.state.id, len(clipped), clipped.cuts)
        if key != self._clips_key:
            share = x_scale.shares(clipped, scale, axes)
            self._clips_key, self._clips_line = key, chart.strip(share, ascii_only=axes.ascii)
        line = Text("clips".rjust(LABEL_WIDTH) + " ", style=axes.ink)
        return line.append(self._clips_line, style=self.color("warning"))

    def threshold(self, view: View) -> float | None:
        """The clipping threshold, if it is one of the norm and not of single elements."""
        config = view.focus.state.config
        return clip_limit(config) if clip_mode(config) == "norm" else None


def _of_which(clipped: Series, window: int = 100) -> str:
    """Which steps a share is of: a trainer that logs now and then knows nothing of the others."""
    steps = clipped.steps[-window:]
    each = round(float(steps[-1] - steps[0]) / (len(steps) - 1)) if len(steps) > 1 else 1
    return (
        f" of the last {window} steps"
        if each <= 1
        else f" of {len(steps)} logs, every {each} steps"
    )


def _clips(state: RunState) -> bool:
    """Whether gradients are clipped; for a foreign loop, whether it records clipping."""
    mode = clip_mode(state.config)
    return "clipped" in state.metrics if mode is None else mode != "none"


def _largest(state: RunState) -> str:
    """The parameter with the largest gradient in most of the last 100 steps; "" if unknown."""
    series = state.metrics.get("clip/layer")
    names = state.started.parameters if state.started else []
    if series is None or not len(series) or not names:
        return ""
    rows = series.values[-100:]
    rows = rows[(rows >= 0) & (rows < len(names))].astype(np.intp)
    return clean(names[int(np.bincount(rows).argmax())], 24) if len(rows) else ""
