"""Place marks on the x axis: what happened to a run, and where a curve is not finite; pure."""

from collections.abc import Sequence

import numpy as np

from tui.plots import x_scale
from tui.plots.axes import Axes
from tui.plots.lane_view import View
from tui.plots.marks import Placed
from tui.plots.traces import Trace, Traces
from tui.text import clean


def marks_of(view: View, axes: Axes, found: Sequence[Trace], kept: Traces) -> list[Placed]:
    """The marks of the selected run, and of any curve where it is not finite."""
    state = view.focus.state
    scale = x_scale.scale_of(state, view.plots.x)
    placed = []
    if scale is not None:
        # The times of a fork's parent are not known.
        first = state.first_step if scale.seconds is not None else 0
        seen = [mark for mark in state.marks if mark.step >= first]
        x = scale.to_x(np.array([float(mark.step) for mark in seen])).tolist()
        placed = [Placed(at, m.kind, clean(m.text)) for at, m in zip(x, seen, strict=True)]
    for trace in found:
        steps = kept.lost(trace)
        scale = x_scale.scale_of(trace.state, view.plots.x)
        if trace.behind or trace.inherited or scale is None or not len(steps):
            continue
        x = scale.to_x(steps)
        x = x[(x >= axes.low) & (x <= axes.high)]
        columns = axes.across(x, axes.canvas_width).astype(np.intp)
        for at in x[np.unique(columns, return_index=True)[1]].tolist():
            words = f"{trace.label} {trace.metric} is not finite"
            placed.append(Placed(at, "non-finite", clean(words.strip())))
    return placed
