"""What the chosen runs will cost: parameters, steps, time and memory, in two lines."""

from functools import partial

from rich.text import Text
from textual import work
from textual.message import Message
from textual.widgets import Static

from engine.config import estimate
from presets import ConfigError
from tui.choices import memory_verdict
from tui.choices.choice import Choice
from tui.screens.app_screen import host
from tui.text import clean, count, duration

_PADDING = 4
"""Cells beside the text, as `app.tcss` has it."""


class ChoiceSummary(Static):
    """Two lines with the cost of a choice, or one that says why it cannot be trained."""

    class Measured(Message):
        """The free memory of a device was measured, in bytes."""

        def __init__(self, device: str, free: int | None) -> None:
            super().__init__()
            self.device = device
            self.free = free

    def __init__(self) -> None:
        super().__init__("", id="summary", markup=False)
        self._choice: Choice | None = None
        self._free: dict[str, int | None] = {}
        """Free memory by device, in bytes; None where it is not known."""

    def show(self, choice: Choice) -> None:
        """Say what a choice will cost."""
        self._choice = choice
        try:
            plans, needs = choice.plans(), self._needs(choice)
        except ConfigError as error:
            self.update(Text(clean(str(error)), style=self.app.theme_variables["error"]))
            return
        steps = " + ".join(count(plan.steps) for plan in plans)
        parts = [f"{count(plans[0].num_parameters)} parameters", f"{steps} steps"]
        parts.append(f"about {duration(choice.seconds())}")
        if len(plans) > 1:
            parts.insert(0, f"{len(plans)} runs, one after another")
        text = Text(", ".join(parts), style="bold")
        text.append(f"   Enter starts; runs go to {clean(str(host(self).root))}/\n", style="dim")
        self.update(text.append(needs))

    def _needs(self, choice: Choice) -> Text:
        """The memory that the largest of the chosen runs takes."""
        configs = choice.configs()
        device = configs[0].device
        if device not in self._free:
            self._free[device] = None
            host(self).when_painted(partial(self._measure_memory, device))
        free = self._free[device]
        found = memory_verdict.largest(configs, free)
        text = Text(found.words(), style="dim")
        if found.fits is False:
            text.stylize(self.app.theme_variables["error"])
        # What has no room is left out whole: a number that is cut is another one.
        width = self.content_size.width or self.app.size.width - _PADDING
        for number, part in enumerate(found.parts()):
            words = f"{', ' if number else '; '}{part}"
            if text.cell_len + len(words) > width:
                break
            text.append(words, style="dim")
        return text

    @work(thread=True)
    def _measure_memory(self, device: str) -> None:
        self.post_message(self.Measured(device, estimate.free_memory(device)))

    def on_choice_summary_measured(self, message: Measured) -> None:
        self._free[message.device] = message.free
        if message.free is not None and self._choice is not None:
            self.show(self._choice)
