"""What the chosen runs will cost: parameters, steps, time and memory, in two lines."""

from functools import partial

from rich.text import Text
from textual import work
from textual.message import Message
from textual.widgets import Static

from engine.config import estimate
from presets import ConfigError
from tui.choices.choice import Choice
from tui.screens.app_screen import host
from tui.text import clean, count, duration, file_size

_WIDE = 110
"""Least width at which the parts of the memory are named, in cells."""


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
        sizes = [estimate.memory(config, free) for config in configs]
        needed = max(sizes, key=lambda memory: memory.total)
        parts = {
            "weights": needed.parameters,
            "gradients": needed.gradients,
            "optimizer": needed.optimizer,
            "activations": needed.activations,
            "data": needed.data,
        }
        text = Text(f"about {file_size(needed.total)} of memory", style="dim")
        if self.app.size.width >= _WIDE:
            named = ", ".join(f"{name} {file_size(size)}" for name, size in parts.items())
            text.append(f": {named}", style="dim")
        if free is not None:
            fits = estimate.fits(needed, free)
            words = f"; {'fits' if fits else 'does not fit'}, {file_size(free)} are free"
            text.append(words, style="dim" if fits else self.app.theme_variables["error"])
        return text

    @work(thread=True)
    def _measure_memory(self, device: str) -> None:
        self.post_message(self.Measured(device, estimate.free_memory(device)))

    def on_choice_summary_measured(self, message: Measured) -> None:
        self._free[message.device] = message.free
        if message.free is not None and self._choice is not None:
            self.show(self._choice)
