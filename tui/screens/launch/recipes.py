"""Choose a recipe: a complete run, whose parts and settings then fill the launch screen."""

from textwrap import wrap

from rich.text import Text
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import OptionList

import presets
from presets import userpresets
from tui.panels.keys import Key, bindings, closing
from tui.screens.launch.narrowing import NarrowingList
from tui.text import cells, clean

_LEAST_COLUMNS = 20
"""Least width of a description."""


class RecipeList(NarrowingList):
    """A list of all recipes with their descriptions, the user's own first."""

    IDLE = "Enter takes it, / filters, Esc closes"

    def __init__(self) -> None:
        own = userpresets.names("recipes")
        known = presets.names("recipes")
        super().__init__([*own, *(name for name in known if name not in own)], id="recipes")
        self._width = max(map(cells, known))
        self._own = own

    def about(self, name: str) -> str:
        return clean(presets.load("recipes", name).description)

    def prompt(self, name: str) -> Text:
        words = f"yours: {self.about(name)}" if name in self._own else self.about(name)
        column = self._width + 2
        room = max(_LEAST_COLUMNS, self.scrollable_content_region.width - column - 2)
        said = f"\n{' ' * column}".join(wrap(words, room))
        blanks = " " * (column - cells(name))
        return Text(f"{name}{blanks}", style="bold").append(said, style="not bold")


class RecipesScreen(ModalScreen[str | None]):
    """A dialog to choose a recipe; dismissed with its name, or None."""

    KEYS = (
        Key("enter", "", does="take the recipe: its parts and settings fill the launch screen"),
        closing(),
    )
    BINDINGS = bindings(KEYS)
    PARTS = (NarrowingList,)

    def __init__(self, chosen: str) -> None:
        super().__init__()
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        box = RecipeList()
        box.border_title = "Recipe"
        box.border_subtitle = box.IDLE
        yield box

    def on_mount(self) -> None:
        box = self.query_one(RecipeList)
        if self._chosen in presets.names("recipes"):
            box.choose(self._chosen)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)
