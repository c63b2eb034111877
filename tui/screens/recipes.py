"""Choose a recipe: a complete run, whose parts and settings then fill the launch screen."""

from rich.text import Text
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

import presets


class RecipesScreen(ModalScreen[str | None]):
    """Dismissed with the name of a recipe, or None."""

    BINDINGS = [
        ("escape", "dismiss", "Close"),
        ("q", "dismiss", "Close"),
    ]

    def compose(self) -> ComposeResult:
        names = presets.names("recipes")
        width = max(map(len, names))
        options = []
        for name in names:
            prompt = Text(f"{name:<{width}}  ", style="bold")
            prompt.append(presets.load("recipes", name).description, style="not bold")
            options.append(Option(prompt, id=name))
        box = OptionList(*options, id="recipes", compact=True)
        box.border_title = "Recipe"
        box.border_subtitle = "Enter takes it, Esc closes"
        yield box

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)
