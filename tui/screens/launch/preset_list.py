"""A list of presets in which the highlighted one is chosen, or several are marked."""

from collections.abc import Sequence
from typing import Literal

from rich.text import Text
from textual.message import Message

import presets
from presets import userpresets
from tui.panels.keys import Key, bindings, together
from tui.screens.launch.narrowing import NarrowingList
from tui.text import cells, clean

ComponentKind = Literal["models", "datasets", "optimizers"]


_SHORTER = {"needs text data": ("needs text", "text"), "needs images": ("images",)}
"""Shorter words for a note that has no room, the longest first."""
_COMMON: dict[ComponentKind, tuple[str, ...]] = {
    "models": ("cnn-small", "logistic", "mlp", "cnn", "gru-char", "gpt-mini"),
    "datasets": ("digits", "fashion-mnist", "spirals", "bible-en"),
    "optimizers": ("adam", "adamw", "gd", "momentum", "sgd"),
}


def ordered(kind: ComponentKind) -> list[str]:
    """All presets of a kind by name: first those that most people want, then the user's own."""
    known = presets.names(kind)
    first = [name for name in _COMMON[kind] if name in known] + userpresets.names(kind)
    return first + [name for name in known if name not in first]


MARK = Key(
    "space",
    "mark",
    "Mark",
    "mark an optimizer; marked ones are compared, one run after another",
    footer=True,
)


class PresetList(NarrowingList):
    """A list of all presets of a kind."""

    KEYS = (
        together(
            Key("right", "app.focus_next"),
            Key("left", "app.focus_previous"),
            does="go to the list beside this one",
            shown="Left, Right",
        ),
        MARK,
    )
    BINDINGS = bindings(KEYS)

    class Marked(Message):
        """The marks changed."""

    def __init__(self, kind: ComponentKind, *, several: bool) -> None:
        super().__init__(ordered(kind), id=kind)
        self.kind: ComponentKind = kind
        self._notes: dict[str, str] = {}
        self._marks: set[str] = set()
        self._several = several

    @property
    def chosen(self) -> list[str]:
        """The marked names in the order of the list; the highlighted one if none is marked."""
        return [name for name in self._names if name in self._marks] or [self.current]

    def take(self, names: Sequence[str]) -> None:
        """Highlight a preset, or mark several."""
        self._marks = set(names) if len(names) > 1 else set()
        self.choose(names[0])
        self.write()

    def annotate(self, notes: dict[str, str]) -> None:
        """Write a note beside each name."""
        if notes != self._notes:
            self._notes = notes
            self.write()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action is possible: marks are, where several can be chosen."""
        if action == "mark":
            return self._several
        return super().check_action(action, parameters)

    def action_mark(self) -> None:
        """Mark the highlighted preset, or take the mark away."""
        self._marks ^= {self.current}
        self.write()
        self.post_message(self.Marked())

    def about(self, name: str) -> str:
        return presets.load(self.kind, name).description

    def prompt(self, name: str) -> Text:
        mark = ("[x] " if name in self._marks else "[ ] ") if self._several else ""
        text = Text(f"{mark}{clean(name)}", no_wrap=True)
        note = self._notes.get(name, "")
        room = self.scrollable_content_region.width - text.cell_len - 3
        for words in (note, *_SHORTER.get(note, ()), "-"):
            if note and cells(words) <= room:
                text.append(" " * (room + 1 - cells(words))).append(words, style="dim")
                break
        return text
