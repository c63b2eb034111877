"""The gradient norm against its clipping threshold, with a mark for every clipping event."""

from collections.abc import Sequence

from rich.text import Text

from tui import plot
from tui.lanes import View
from tui.panels.curves import CurvesPanel


class GradientsPanel(CurvesPanel):
    """The global L2 norm before clipping; under it, where the gradient was clipped."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, heading="Gradient norm", train="grad_norm")

    def heading(self, view: View) -> Text:
        text = Text() if view.several else super().heading(view)
        clip = view.focus.state.config.get("clip", {})
        share = view.focus.state.clipped_share()
        if clip.get("mode", "none") == "none":
            text.append("not clipped")
        elif share is not None:
            last = "" if self.size.width < 60 else " of the last 100 steps"
            text.append(f"clipped {share:.0%}{last}", style=self.color("warning"))
        return text

    def body(self, view: View, width: int, height: int) -> Sequence[Text]:
        state = view.focus.state
        clipped = state.metrics.get("clipped")
        clip_mode = state.config.get("clip", {}).get("mode", "none")
        if clipped is None or clip_mode == "none" or height < 5:
            return super().body(view, width, height)
        frame = self.frame(view, width, height - 1)
        lines = self.plot(view, frame)
        strip = plot.clip_strip(clipped.steps, clipped.values, frame, self.color("warning"))
        return [*lines, strip]

    def threshold(self, view: View) -> float | None:
        """The threshold, where it is one of the norm; by value it is one of each element."""
        clip = view.focus.state.config.get("clip", {})
        value = clip.get("threshold") if clip.get("mode") == "norm" else None
        return float(value) if isinstance(value, int | float) else None
