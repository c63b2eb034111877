"""Keys: declared once, where they act; bindings, footer, palette, help and manual come from it.

A screen or widget has its keys as `KEYS`, and `BINDINGS = bindings(KEYS)`. A screen whose help also
tells the keys of its widgets names their classes as `PARTS`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from textual.binding import Binding, BindingType

_NAMES = {
    "question_mark": "?",
    "exclamation_mark": "!",
    "slash": "/",
    "plus": "+",
    "equals_sign": "+",  # the same key without Shift
    "minus": "-",
    "less_than_sign": "<",
    "comma": "<",
    "greater_than_sign": ">",
    "full_stop": ">",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "Esc",
    "pageup": "Page Up",
    "pagedown": "Page Down",
}
_IN_THE_FOOTER = {"left": "←", "right": "→"}
"""Shorter than their names."""


@dataclass(frozen=True)
class Key:
    """An action and the keys for it."""

    keys: str
    """As Textual calls them, such as "down,j"."""
    action: str
    """As Textual calls it, such as "move(1)"; "" for keys that Textual itself binds."""
    name: str = ""
    """Its name in the footer and in the command palette, in a word or two."""
    does: str = ""
    """What it does, in the help, the palette and the manual; `so` is what is typed. Without it the
    palette does not offer the action; the line that the key is in tells it."""
    footer: bool = field(default=False, kw_only=True)
    """Whether the footer has it, where there is room."""
    priority: bool = field(default=False, kw_only=True)
    """Whether it acts before the widget that has the focus sees the key."""

    @property
    def shown(self) -> str:
        """The names of its keys."""
        return ", ".join(dict.fromkeys(key_name(key) for key in self.keys.split(",")))

    @property
    def each(self) -> "tuple[Key, ...]":
        return (self,)


@dataclass(frozen=True)
class Line:
    """Keys that one line of the help tells."""

    each: tuple[Key, ...]
    does: str
    shown: str


Keys = Iterable[Key | Line]


def together(*keys: Key, does: str = "", shown: str = "") -> Line:
    """One line for several keys; it joins what is told of each if nothing else is said."""
    told = "; ".join(key.does for key in keys if key.does)
    return Line(keys, does or told, shown or ", ".join(key.shown for key in keys))


MOVE = (Key("down,j", "move(1)", "Next"), Key("up,k", "move(-1)", "Previous"))
"""Move by a line, a row, a thing."""
MOVE_FAR = (
    *MOVE,
    Key("pagedown", "move_page(1)", "Page down"),
    Key("pageup", "move_page(-1)", "Page up"),
    Key("home", "move_to('first')", "First"),
    Key("end", "move_to('last')", "Last"),
)
"""Move also by what is shown, and to the ends."""


def closing(keys: str = "escape,q") -> Key:
    """Close a window over a screen."""
    return Key(keys, "dismiss", "Close", "close the window")


def bindings(keys: Keys) -> list[BindingType]:
    """The keys as Textual binds them."""
    return [
        Binding(
            key.keys,
            key.action,
            key.name,
            show=key.footer,
            key_display=_in_the_footer(key),
            priority=key.priority,
            tooltip=_sentence(key.does),
        )
        for line in keys
        for key in line.each
        if key.action
    ]


def lines(node: object) -> Iterator[tuple[str, str]]:
    """The lines of the manual for a screen or a widget, or its class: names of keys, and what they
    do, first its own and then those of its parts. What is typed stands in backquotes."""
    told: set[tuple[str, str]] = set()
    for part in (node, *getattr(node, "PARTS", ())):
        for line in getattr(part, "KEYS", ()):
            if line.does and (line.shown, line.does) not in told:
                told.add((line.shown, line.does))
                yield line.shown, line.does


def plain(does: str) -> str:
    """What a key does, without the backquotes of the manual."""
    return does.replace("`", "")


def key_name(key: str) -> str:
    """What a person calls a key: "Esc" for "escape", "Ctrl+R" for "ctrl+r"."""
    if len(key) == 1:
        return key
    return _NAMES.get(key) or "+".join(
        _NAMES.get(part, part.capitalize()) for part in key.split("+")
    )


def _in_the_footer(key: Key) -> str:
    first = key.keys.partition(",")[0]
    return _IN_THE_FOOTER.get(first) or key_name(first)


def _sentence(does: str) -> str:
    return plain(does[:1].upper() + does[1:])
