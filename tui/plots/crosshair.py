"""The values of a dashboard's plots at the crosshair, and its position in words; pure."""

from collections.abc import Sequence

from tui.plots import readout, traces
from tui.plots.chart import line_sample
from tui.plots.lane_view import View
from tui.plots.readout import Value
from tui.plots.traces import Trace, Traces
from tui.text import clean, clock, count, duration, number


def values(view: View, drawn: Sequence[Trace], kept: Traces, *, plain: bool) -> list[Value]:
    """The values of the curves at the crosshair, the selected run first."""
    plots = view.plots
    found = [t for t in drawn if not t.behind and not t.inherited]
    if view.several:
        found.sort(key=lambda trace: (trace.state is not view.focus.state, trace.lane))
    labels = readout.without_common([clean(trace.label) for trace in found])
    listed = []
    for trace, label in zip(found, labels, strict=True):
        step = traces.step_at(trace.state, plots)
        raw = traces.value_at(trace.raw, step)
        smooth = traces.value_at(kept.series(trace, plots), step)
        listed.append(
            Value(
                line_sample(trace.lane, ascii_only=plain),
                trace.color,
                label,
                raw[1] if raw else None,
                smooth[1] if smooth and trace.smooth else None,
                raw[0] if raw and step is not None and raw[0] != int(step) else None,
            )
        )
    return listed


def where(view: View) -> str:
    """The position of the crosshair in words."""
    plots, at = view.plots, view.plots.crosshair or 0.0
    step = traces.step_at(view.focus.state, plots)
    words = [f"step {count(int(step))}"] if step is not None else []
    match plots.x:
        case "epoch":
            words.append(f"epoch {number(at)}")
        case "samples":
            words.append(f"sample {count(round(at))}")
        case "relative":
            words.append(duration(at))
        case "wall":
            words.append(clock(at))
        case _:
            words = words or [f"step {count(int(at))}"]
    return ", ".join(words)
