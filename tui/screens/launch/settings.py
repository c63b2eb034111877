"""The settings of the launch screen: a grid of labelled inputs."""

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import Grid, Horizontal
from textual.message import Message
from textual.widgets import Input, Label

from presets import ConfigError
from presets.schema import RunConfig
from tui.choices.choice import Choice
from tui.choices.fields import FIELDS, Field

DIFFERS, CHANGED = "+", "*"
"""Marks after a label, for people who see no colours: the setting is not that of the presets; not
that of the run that is compared with."""


class SettingsGrid(Grid):
    """A grid of inputs: an empty one leaves its setting to the presets, and shows theirs dim."""

    class Changed(Message):
        """A text changed."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, SettingsGrid.Changed)

    def __init__(self) -> None:
        super().__init__(id="settings")

    def compose(self) -> ComposeResult:
        for field in FIELDS:
            with Horizontal(classes="field"):
                yield Label(field.label, id=f"{field.key}-label", markup=False)
                yield Input(id=field.key, compact=True, select_on_focus=True)

    @property
    def texts(self) -> dict[str, str]:
        """The typed texts, by the keys of the fields."""
        values = {widget.id or "": widget.value.strip() for widget in self.query(Input)}
        return {key: value for key, value in values.items() if value}

    @property
    def at_hand(self) -> Field | None:
        """The field that has the keyboard."""
        focused = self.screen.focused
        return next((f for f in FIELDS if focused is not None and f.key == focused.id), None)

    def fill(self, texts: Mapping[str, str]) -> None:
        """Put texts into the inputs, and empty the others."""
        for field in FIELDS:
            self.query_one(f"#{field.key}", Input).value = texts.get(field.key, "")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    def show(self, choice: Choice, before: tuple[RunConfig, Choice] | None = None) -> None:
        """Bring up to date what follows from a choice.

        `before` is the run that it is compared with, and the choice that gives its settings.
        """
        try:
            defaults = choice.defaults()
        except ConfigError:  # presets that cannot be combined: the summary says why
            defaults = {}
        changed = _changed(choice, *before) if before else set()
        for field in FIELDS:
            widget = self.query_one(f"#{field.key}", Input)
            widget.placeholder = defaults.get(field.key, "")
            typed = field.key in choice.values
            differs = typed and choice.values[field.key] != defaults.get(field.key)
            widget.set_class(choice.problem(field) is not None, "-wrong")
            widget.set_class(differs, "-differs")
            widget.set_class(field.key in changed, "-changed")
            mark = CHANGED if field.key in changed else DIFFERS if differs else ""
            self.query_one(f"#{field.key}-label", Label).update(field.label + mark)


def _changed(choice: Choice, config: RunConfig, start: Choice) -> set[str]:
    """The keys of the fields whose settings are not those of a run."""
    try:
        now = choice.configs()[0]
    except ConfigError:
        return {f.key for f in FIELDS if choice.values.get(f.key) != start.values.get(f.key)}
    changed = {field.key for field in FIELDS if field.show(now) != field.show(config)}
    if choice.values.get("more") != start.values.get("more"):
        changed.add("more")
    return changed
