"""A list of names that a person narrows by typing."""

from collections.abc import Callable, Sequence

from rich.text import Text
from textual import events
from textual.fuzzy import FuzzySearch
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.panels.keys import Key, Keys, bindings, together

_HINT = "  Enter takes it, Esc shows all"


def matching(typed: str, names: Sequence[str], about: Callable[[str], str]) -> list[str]:
    """The names that have these letters in this order, best first, then those whose description
    has these words."""
    search = FuzzySearch()
    scores = {name: search.match(typed, name)[0] for name in names}
    found = sorted((name for name in names if scores[name] > 0), key=lambda name: -scores[name])
    said = typed.lower().split()
    return found + [
        name
        for name in names
        if name not in found and said and all(word in about(name).lower() for word in said)
    ]


class NarrowingList(OptionList):
    """A list of names that is narrowed by typing: `/` begins, Enter takes the highlighted name, Esc
    shows all names again. A subclass says what is on a line."""

    KEYS: Keys = (
        together(
            Key("j", "cursor_down"),
            Key("k", "cursor_up"),
            does="choose a name",
            shown="Up, Down, k, j",
        ),
        together(
            Key(
                "slash",
                "narrow",
                "Filter",
                "narrow a list by typing: Enter takes the name at hand, Esc shows all",
                footer=True,
            ),
            Key("escape", "show_all", "Show all", "drop the list's filter", footer=True),
            does="narrow a list by typing: Enter takes the name at hand, Esc shows all",
            shown="/",
        ),
    )
    BINDINGS = bindings(KEYS)

    class Turned(Message):
        """The list takes keys as text now, or no longer."""

    IDLE = ""
    """The words at the bottom of the list while it is not narrowed."""

    def __init__(self, names: Sequence[str], *, id: str) -> None:
        super().__init__(id=id, compact=True)
        self._names = list(names)
        self._shown = list(names)
        self._kept = self._names[0]
        """The current name while nothing matches."""
        self._before = self._kept
        """The current name before the list was narrowed."""
        self._typed: str | None = None
        self._told = False

    def prompt(self, name: str) -> Text:
        """The line of a name."""
        raise NotImplementedError

    def about(self, name: str) -> str:
        """The description of a name, in which words are searched for."""
        raise NotImplementedError

    @property
    def current(self) -> str:
        """The highlighted name."""
        if self.highlighted is not None and self.highlighted < len(self._shown):
            return self._shown[self.highlighted]
        return self._kept

    @property
    def narrowing(self) -> bool:
        """Whether keys are taken as text."""
        return self._typed is not None

    def choose(self, name: str) -> None:
        """Show all names, with this one highlighted."""
        self._typed = None
        self._show(self._names, name)

    def settle(self) -> None:
        """Take the highlighted name, and show all."""
        if self.narrowing:
            self.choose(self.current)

    def action_narrow(self) -> None:
        """Take what is typed from now on as a filter."""
        if not self.narrowing:
            self._before = self.current
            self._typed = ""
            self._tell()

    def action_show_all(self) -> None:
        """Drop the filter, and go back to the name that was highlighted before."""
        if self.narrowing:
            self.choose(self._before)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action is possible: Esc drops the filter only while there is one."""
        return self.narrowing if action == "show_all" else True

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether a key is text: letters are while the list is narrowed; Space still marks."""
        letter = character is not None and character.isprintable() and character != " "
        return self.narrowing and letter

    async def _on_key(self, event: events.Key) -> None:
        # Here and not in the bindings: these act later than a key that follows in one packet.
        if not self.narrowing:
            if event.key == "slash":
                event.stop()
                self.action_narrow()
            return
        typed = self._typed or ""
        if event.is_printable and event.character and event.character != " ":
            self._narrow(typed + event.character)
        elif event.key == "backspace" and typed:
            self._narrow(typed[:-1])
        elif event.key in ("escape", "backspace"):
            self.action_show_all()
        else:
            return
        event.stop()
        event.prevent_default()

    def on_blur(self) -> None:
        self.settle()

    def on_option_list_option_selected(self) -> None:
        self.settle()

    def on_mount(self) -> None:
        self.add_options([Option(self.prompt(name), id=name) for name in self._shown])

    def on_resize(self) -> None:
        self.write()

    def write(self) -> None:
        """Write every line anew."""
        for name in self._shown if self.option_count else ():
            self.replace_option_prompt(name, self.prompt(name))

    def _narrow(self, typed: str) -> None:
        self._kept = self.current
        self._typed = typed
        found = matching(typed, self._names, self.about) if typed else self._names
        self._show(found, found[0] if typed and found else self._kept)

    def _show(self, names: list[str], at_hand: str) -> None:
        self._kept = at_hand
        if names != self._shown:
            self._shown = list(names)
            self.clear_options()
            self.add_options([Option(self.prompt(name), id=name) for name in names])
        self.highlighted = names.index(at_hand) if at_hand in names else None
        self._tell()

    def _tell(self) -> None:
        if self.narrowing != self._told:  # the footer is drawn anew, which takes a while
            self._told = self.narrowing
            self.refresh_bindings()
            self.post_message(self.Turned())
        if self._typed is None:
            self.border_subtitle = self.IDLE
            return
        line = Text(f"/{self._typed}", style="bold").append("_")
        if not self._shown:
            line.append(" nothing matches", style="not bold")
        elif line.cell_len + len(_HINT) < self.size.width - 2:
            line.append(_HINT, style="not bold")
        self.border_subtitle = line
