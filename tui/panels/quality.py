"""Curves whose metric follows from what is learned: how good a model is, and how fast it learns."""

from rich.text import Text

from tui.lanes import View
from tui.panels.curves import CurvesPanel

_QUALITY = {
    "classification": ("Accuracy", "train/accuracy", "val/accuracy"),
    "regression": ("Mean absolute error", "train/mae", "val/mae"),
    "language": ("Bits per character", "", "val/bits_per_char"),
}


def _task(view: View) -> str:
    started = view.focus.state.started
    return started.task if started and started.task in _QUALITY else "classification"


class QualityPanel(CurvesPanel):
    """What the field measures of such a model, besides the loss."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, more={"val/ema_accuracy": "averaged"})

    def title(self, view: View) -> str:
        return _QUALITY[_task(view)][0]

    def metrics(self, view: View) -> tuple[str, str]:
        _, train, val = _QUALITY[_task(view)]
        return train, val


class SpeedPanel(CurvesPanel):
    """Samples or tokens a second, and how much of the device's peak that is."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, noisy=False)

    def title(self, view: View) -> str:
        return "Tokens per second" if _task(view) == "language" else "Samples per second"

    def metrics(self, view: View) -> tuple[str, str]:
        unit = "tokens" if _task(view) == "language" else "samples"
        return f"{unit}_per_second", ""

    def heading(self, view: View) -> Text:
        text = super().heading(view)
        mfu = view.focus.state.last("mfu")
        if mfu is not None and not view.several:
            text.append(f"{mfu:.1%} of the peak")
        return text
