"""Keep what was chosen as a recipe of the user's own, under a name that is asked for."""

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from presets import UserError
from tui.choices.choice import Choice
from tui.choices.kept import save_recipe
from tui.panels.keys import Key, bindings, closing
from tui.text import clean


class SaveScreen(ModalScreen[None]):
    """A dialog that asks for the name of a recipe, and checks it while it is typed."""

    KEYS = (
        Key("enter", "", does="keep the recipe under the typed name"),
        closing("escape"),
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, choice: Choice) -> None:
        super().__init__()
        self._choice = choice
        self._replaces = ""
        """The name whose recipe Enter replaces, after the person was told."""

    def compose(self) -> ComposeResult:
        with Vertical(id="save") as box:
            box.border_title = "Keep as a recipe of yours"
            box.border_subtitle = "Enter keeps it, Esc closes"
            yield Input(id="save-name", placeholder="its name, such as my-first", compact=True)
            yield Static("", id="save-words", markup=False)

    def on_mount(self) -> None:
        try:
            words = save_recipe.recipe_of(self._choice).description
        except UserError as error:
            self._say(str(error), wrong=True)
        else:
            self._say(words)

    def on_input_changed(self, event: Input.Changed) -> None:
        name = event.value.strip()
        self._replaces = ""
        try:
            self._say(str(save_recipe.path_of(name)) if name else "")
        except UserError as error:
            self._say(str(error), wrong=True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        try:
            path = save_recipe.path_of(name)
            if path.exists() and self._replaces != name:
                self._replaces = name
                self._say(f"there is a recipe {name} already; Enter again replaces it")
                return
            save_recipe.save(self._choice, name)
        except UserError as error:
            self._say(str(error), wrong=True)
            return
        self.app.notify(
            clean(f"e or --recipe {name} takes it again; it is in {path}"),
            title="Kept",
            markup=False,
        )
        self.dismiss()

    def _say(self, words: str, *, wrong: bool = False) -> None:
        style = self.app.theme_variables["error"] if wrong else "dim"
        self.query_one("#save-words", Static).update(Text(clean(words), style=style))
