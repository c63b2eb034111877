"""The three lists of the launch screen: models, data sets, optimizers, each with a description."""

from collections.abc import Mapping

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from presets.schema import RunConfig
from tui.choices.choice import Choice
from tui.screens.launch.preset_list import ComponentKind, PresetList
from tui.screens.launch.settings import CHANGED
from tui.text import clean

_HEADINGS: dict[ComponentKind, str] = {
    "models": "Model",
    "datasets": "Data set",
    "optimizers": "Optimizer",
}


class PresetLists(Horizontal):
    """The three lists side by side: in each the highlighted preset is chosen, or the marked."""

    def __init__(self) -> None:
        super().__init__(id="lists")

    def compose(self) -> ComposeResult:
        for kind in _HEADINGS:
            with Vertical(classes="choice"):
                yield PresetList(kind, several=kind == "optimizers")
                yield Static("", id=f"{kind}-description", markup=False)

    @property
    def complete(self) -> bool:
        """Whether all lists are there: while the screen opens or closes there are fewer."""
        return len(self.query(PresetList)) == len(_HEADINGS)

    @property
    def parts(self) -> tuple[str, str, tuple[str, ...]]:
        """The chosen model, data set and optimizers."""
        models, datasets, optimizers = (self._list(kind) for kind in _HEADINGS)
        return models.current, datasets.current, tuple(optimizers.chosen)

    def take(self, choice: Choice) -> None:
        """Show the presets of a choice."""
        self._list("models").take([choice.model])
        self._list("datasets").take([choice.dataset])
        self._list("optimizers").take(choice.optimizers)

    def show(self, notes: Mapping[str, str], before: RunConfig | None) -> None:
        """Bring up to date the notes beside the models, and which presets the run has that this
        choice is compared with."""
        for found in self.query(PresetList):
            words = clean(found.about(found.current))
            self.query_one(f"#{found.kind}-description", Static).update(words)
            heading = Text(_HEADINGS[found.kind])
            if before is not None:
                was = getattr(before, found.kind.removesuffix("s")).name
                if found.chosen != [was]:
                    color = self.app.theme_variables["lane-1"]
                    heading.append(f"{CHANGED} was {clean(was)}", style=color)
            found.border_title = heading
        self._list("models").annotate(dict(notes))

    def _list(self, kind: ComponentKind) -> PresetList:
        return self.query_one(f"#{kind}", PresetList)
