"""A list of presets in which the highlighted one is chosen, or several are marked."""

from typing import Literal

from rich.text import Text
from textual.binding import Binding
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

import presets

ComponentKind = Literal["models", "datasets", "optimizers"]


_COMMON: dict[ComponentKind, tuple[str, ...]] = {
    "models": ("cnn-small", "logistic", "mlp", "cnn", "gru-char", "gpt-mini"),
    "datasets": ("digits", "fashion-mnist", "spirals", "bible-en"),
    "optimizers": ("adam", "adamw", "gd", "momentum", "sgd"),
}


def ordered(kind: ComponentKind) -> list[str]:
    """The names of all presets of a kind: first those that most people look for."""
    known = presets.names(kind)
    common = [name for name in _COMMON[kind] if name in known]
    return common + [name for name in known if name not in common]


class PresetList(OptionList):
    """The names of all presets of a kind."""

    BINDINGS = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("right", "app.focus_next", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding(
            "space",
            "mark",
            "Mark",
            key_display="Space",
            tooltip="Mark several optimizers to compare them",
        ),
    ]

    class Marked(Message):
        """The marks changed."""

    def __init__(self, kind: ComponentKind, *, several: bool) -> None:
        super().__init__(id=kind, compact=True)
        self.kind: ComponentKind = kind
        self._names = ordered(kind)
        self._notes: dict[str, str] = {}
        self._marks: set[str] = set()
        self._several = several

    @property
    def current(self) -> str:
        """The highlighted name."""
        return self._names[self.highlighted or 0]

    @property
    def chosen(self) -> list[str]:
        """The marked names in the order of the list; the highlighted one if none is marked."""
        return [name for name in self._names if name in self._marks] or [self.current]

    def choose(self, name: str) -> None:
        """Highlight a preset."""
        self._marks.clear()
        self.highlighted = self._names.index(name)
        self._write()

    def annotate(self, notes: dict[str, str]) -> None:
        """Write a note beside each name."""
        if notes != self._notes:
            self._notes = notes
            self._write()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only where several can be chosen there are marks."""
        return self._several or action != "mark"

    def action_mark(self) -> None:
        """Mark the highlighted preset, or take the mark away."""
        self._marks ^= {self.current}
        self._write()
        self.post_message(self.Marked())

    def on_mount(self) -> None:
        self.add_options([Option(self._prompt(name), id=name) for name in self._names])

    def on_resize(self) -> None:
        self._write()

    def _write(self) -> None:
        for name in self._names:
            if self.option_count:
                self.replace_option_prompt(name, self._prompt(name))

    def _prompt(self, name: str) -> Text:
        mark = ("[x] " if name in self._marks else "[ ] ") if self._several else ""
        text = Text(f"{mark}{name}", no_wrap=True)
        note = self._notes.get(name, "")
        gap = self.scrollable_content_region.width - text.cell_len - len(note) - 2
        if note and gap >= 1:
            text.append(" " * gap).append(note, style="dim")
        return text
