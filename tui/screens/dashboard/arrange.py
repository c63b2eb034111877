"""Choose panels of the first page, their order and widths; the page changes at each key."""

from collections.abc import Callable, Mapping
from contextlib import suppress

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.panels import chosen_panels
from tui.panels.chosen_panels import Arrangement, Listing
from tui.panels.field import Field
from tui.panels.keys import Key, bindings, together
from tui.panels.known import Known
from tui.panels.panel_grid import COLUMNS
from tui.text import clean, column

_WIDTHS = {3: "1/4", 4: "1/3", 6: "1/2", 8: "2/3", COLUMNS: "all"}
_HINT = "Space show  J K move  w width\nr restore   / find     Enter done"


class PanelList(OptionList):
    """The list of panels, left by Enter; a click, which Textual takes for Enter, shows a panel."""

    KEYS = (Key("enter", "screen.done", "Done", "back to the page; what was chosen is kept"),)
    BINDINGS = bindings(KEYS)


class ArrangeScreen(ModalScreen[None]):
    """A window that lists all panels: first those that are shown, in their order."""

    KEYS_IN_ORDER = True
    KEYS = (
        together(
            Key("j", "cursor(1)", "Down"),
            Key("k", "cursor(-1)", "Up"),
            does="choose a panel; Page Up, Page Down, Home, End too",
            shown="Up, Down, k, j",
        ),
        Key("space", "show", "Show", "show the panel, or hide it", footer=True),
        together(
            Key("J,shift+down", "shift(1)", "Later", "move the panel down", footer=True),
            Key("K,shift+up", "shift(-1)", "Earlier", "move the panel up", footer=True),
            does="move the panel down, or up; Shift+Down, Shift+Up too",
            shown="J, K",
        ),
        Key(
            "w",
            "widen",
            "Width",
            "give the panel its next width: from a quarter of a row to all of it",
            footer=True,
        ),
        Key("r", "restore", "Restore", "arrange the page as the app does", footer=True),
        together(
            Key(
                "slash", "find", "Find", "list the panels whose names have some words", footer=True
            ),
            does="list the panels whose names have some words; Esc lists all",
        ),
        Key("question_mark,f1", "app.help", "Help"),
        together(
            Key("A,q", "done", "Done"),
            Key("escape", "leave", "Done"),
            does="back to the page; Esc lists all panels first",
            shown="Esc, q, A",
        ),
    )
    BINDINGS = bindings(KEYS)
    PARTS = (PanelList,)

    def __init__(
        self,
        chosen: Arrangement,
        default: Arrangement,
        panels: Mapping[str, Known],
        arrange: Callable[[Arrangement | None], None],
    ) -> None:
        """`panels` are all there are, by name; `arrange` shows and keeps an arrangement, None for
        the default."""
        super().__init__()
        self._default = default
        self._titles = {name: clean(panel.title, 300) for name, panel in panels.items()}
        self._spans = {name: panel.span for name, panel in panels.items()}
        self._listing = chosen_panels.listing(chosen, self._spans)
        self._arrange = arrange
        self._words = ""
        self._listed: list[str] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="arrange") as box:
            box.border_title = "Panels of this page"
            yield PanelList(id="arrange-list", compact=True)
            yield Field(id="arrange-find", compact=True, placeholder="words")
            yield Static(_HINT, id="arrange-hint", markup=False)

    def on_mount(self) -> None:
        self.query_one(Input).display = False
        self._list("")
        self.set_focus(self.query_one(OptionList))

    def on_resize(self) -> None:
        self._list(self._panel)

    @property
    def _panel(self) -> str:
        """The name of the panel that is chosen; "" if none is listed."""
        at = self.query_one(OptionList).highlighted
        return self._listed[at] if at is not None and at < len(self._listed) else ""

    def action_cursor(self, by: int) -> None:
        """Choose another panel."""
        panels = self.query_one(OptionList)
        panels.action_cursor_down() if by > 0 else panels.action_cursor_up()

    def action_show(self) -> None:
        """Show it, or hide it."""
        self._change(self._listing.toggled)

    def action_shift(self, by: int) -> None:
        """Move it."""
        self._change(lambda panel: self._listing.moved(panel, by))

    def action_widen(self) -> None:
        """Give it the next width."""
        self._change(self._listing.widened)

    def action_restore(self) -> None:
        """Arrange the page as the app does."""
        self._listing = chosen_panels.listing(self._default, self._spans)
        self._arrange(None)
        self._list(self._panel)

    def action_find(self) -> None:
        """Ask for words."""
        field = self.query_one(Input)
        field.display = True
        self.set_focus(field)  # at once: the next key is a letter

    def action_done(self) -> None:
        """Back to the list from the words, or to the page."""
        if self.query_one(Input).has_focus:
            self.set_focus(self.query_one(OptionList))
        else:
            self.dismiss()

    def action_leave(self) -> None:
        """List all panels again, or go back to the page."""
        if self._words or self.query_one(Input).has_focus:
            self._end_find()
            self._list(self._panel)
        else:
            self.dismiss()

    @on(Input.Changed)
    def _find(self, event: Input.Changed) -> None:
        self._words = event.value.strip()
        self._list(self._panel)

    @on(Input.Submitted)
    def _found(self) -> None:
        self.action_done()

    @on(OptionList.OptionSelected)
    def _clicked(self) -> None:
        self.action_show()

    def _end_find(self) -> None:
        field = self.query_one(Input)
        with self.prevent(Input.Changed):
            field.value = self._words = ""
        field.display = False
        self.set_focus(self.query_one(OptionList))

    def _change(self, how: Callable[[str], Listing]) -> None:
        """Change the listing of the chosen panel, and show the page like that."""
        panel = self._panel
        if panel and (listing := how(panel)) != self._listing:
            self._listing = listing
            self._arrange(listing.arrangement)
            self._list(panel)

    def _list(self, panel: str) -> None:
        """Write the list again, with this panel chosen."""
        words = self._words.lower()
        order = self._listing.order
        self._listed = [name for name in order if words in self._titles[name].lower()]
        panels = self.query_one(OptionList)
        at = panels.highlighted or 0
        panels.clear_options()
        panels.add_options([Option(self._row(name)) for name in self._listed])
        if self._listed:
            with suppress(ValueError):
                at = self._listed.index(panel)
            panels.highlighted = min(at, len(self._listed) - 1)

    def _row(self, name: str) -> Text:
        shown = name in self._listing.shown
        room = max(8, self.query_one(OptionList).scrollable_content_region.width - 11)
        title = self._titles[name]
        row = Text(f"[{'x' if shown else ' '}] ", no_wrap=True)
        row.append(column(title, room), style="" if shown else "dim")
        if shown:
            span = self._listing.spans[name]
            row.append(f" {_WIDTHS.get(span, f'{span}/12'):>4}")
        return row
