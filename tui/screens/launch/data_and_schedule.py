"""What is chosen, before it is trained: samples of the data, and the learning rate."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.choices.choice import Choice
from tui.panels.keys import bindings, closing
from tui.screens.launch.sample import SampleView
from tui.screens.launch.schedule_preview import SchedulePreview


class PreviewScreen(ModalScreen[None]):
    """A dialog over the launch screen with samples and the schedule; any of its keys closes it."""

    KEYS = (closing("escape,q,i"),)
    BINDINGS = bindings(KEYS)

    def __init__(self, choice: Choice) -> None:
        super().__init__()
        self._choice = choice

    def compose(self) -> ComposeResult:
        with Vertical(id="preview-dialog") as box:
            box.border_title = "Data and schedule"
            box.border_subtitle = "Esc closes"
            yield SampleView(id="dialog-sample")
            yield SchedulePreview(id="dialog-preview")

    def on_resize(self) -> None:
        self.query_one(SchedulePreview).show(self._choice)
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        self.query_one(SampleView).show(self._choice.data())
