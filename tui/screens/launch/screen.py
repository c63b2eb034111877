"""The launch screen: pick model, data set and optimizers, change a setting, press Enter."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import OptionList, Static

import presets
from engine.runs import launch, run_directory
from presets import UserError
from tui.choices import last_choice, race_choice
from tui.choices import rerun as again
from tui.choices.choice import Choice, Fork
from tui.choices.rerun import Again
from tui.panels.footer import FittingFooter
from tui.screens.launch import words
from tui.screens.launch.data_and_schedule import LookScreen
from tui.screens.launch.lists import PresetLists
from tui.screens.launch.preset_list import PresetList
from tui.screens.launch.preview import SchedulePreview
from tui.screens.launch.recipes import RecipesScreen
from tui.screens.launch.sample import SampleView
from tui.screens.launch.save import SaveScreen
from tui.screens.launch.settings import SettingsGrid
from tui.screens.launch.summary import ChoiceSummary
from tui.text import clean

_TALL = 36
"""Lines from which samples of the data and the plot of the learning rate have a place."""


class LaunchScreen(Screen[None]):
    """What is not touched comes from the presets and is shown dim."""

    BINDINGS = [
        Binding(
            "enter",
            "start",
            "Start",
            priority=True,
            key_display="Enter",
            tooltip="Train what is chosen",
        ),
        Binding(
            "space",
            "mark",
            "Mark",
            key_display="Space",
            tooltip="Mark several optimizers to compare them",
        ),
        Binding("escape", "back", "Back", key_display="Esc", tooltip="Back to the runs"),
        # With priority, or text that follows in one packet of a slow link lands in the old field.
        Binding("tab", "app.focus_next", "Next", key_display="Tab", priority=True),
        Binding("shift+tab", "app.focus_previous", show=False, priority=True),
        Binding("e", "recipe", "Recipe", tooltip="Choose a complete run"),
        Binding("i", "look", "Data", tooltip="Look at samples of the data and at the schedule"),
        Binding("f", "find_rate", "Find rate", tooltip="Look for a learning rate"),
        Binding(
            "ctrl+r",
            "reset",
            "Presets",
            key_display="Ctrl+R",
            tooltip="Forget the changed settings; pressed again, the recipe's parts too",
        ),
        Binding(
            "ctrl+s",
            "save",
            "Keep",
            key_display="Ctrl+S",
            tooltip="Keep what is chosen as a recipe of yours",
        ),
        Binding("C", "race", "Race", tooltip="Compare optimizers fairly, over several seeds"),
        Binding("r", "runs", "Runs", tooltip="List all runs"),
        Binding("q", "app.quit", "Quit", tooltip="Leave; runs go on"),
    ]
    KEYS = (
        ("Enter", "train what is chosen"),
        ("Up, Down, k, j", "choose a preset"),
        ("/", "narrow a list by typing: Enter takes the name at hand, Esc shows all"),
        ("Tab, Shift+Tab", "go to the next list or setting"),
        ("Left, Right", "go to the list beside this one"),
        ("Space", "mark an optimizer; marked ones are compared, one run after another"),
        ("e", "choose a recipe: a complete run with its expected result"),
        ("i", "look at samples of the data set, and at the learning rate over the steps"),
        ("f", "look for a learning rate: a short run whose rate rises until the loss does"),
        ("C", "set up a race: a fair comparison of optimizers, over several seeds"),
        ("r", "list all runs"),
        ("Ctrl+R", "take all settings from the presets again; twice: the recipe's parts too"),
        ("Ctrl+S", "keep what is chosen as a recipe of yours"),
        ("Esc", "from a run's settings: back to the runs"),
        ("q", "quit; runs go on"),
    )

    def __init__(self, fork: Fork | None = None, again: Again | None = None) -> None:
        """To fork a run, or to begin another one with a run's settings."""
        super().__init__()
        self._fork = fork
        self._again = again
        self._started = False
        self._first_use = False
        self._choice = Choice()
        self._begun_with = self._choice
        self._recipe = self._choice.recipe
        self._active = ""

    def compose(self) -> ComposeResult:
        yield Static("", id="title", markup=False)
        yield PresetLists()
        yield SettingsGrid()
        yield Static("", id="hint", markup=False)
        yield ChoiceSummary()
        with Horizontal(id="looks"):
            yield SampleView(id="sample")
            yield SchedulePreview(id="preview")
        yield FittingFooter()

    def on_mount(self) -> None:
        usual = self._fork is None and self._again is None
        new_here = usual and not _has_entries(self._app.root)
        self._first_use = new_here and not presets.problems()
        self._begun_with, gone = self._first_choice()
        self._take(self._begun_with)
        self.query_one("#optimizers").focus()
        for line in gone:
            self.notify(clean(line), markup=False)
        for problem in presets.problems():
            self.notify(
                clean(problem), title="Your presets", severity="error", timeout=30, markup=False
            )
        if usual:
            self._look_for_active()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._refresh())

    def _first_choice(self) -> tuple[Choice, list[str]]:
        """What the screen begins with, and a line for each preset that is gone."""
        if self._again is not None:
            return again.choice_of(self._again.config)
        if self._fork is not None:
            return again.parts_of(self._fork.config, "quickstart")
        return last_choice.recall()

    def on_unmount(self) -> None:
        usual = self._fork is None and self._again is None
        if usual and not self._started and self._choice != self._begun_with:
            with suppress(UserError):  # what cannot be trained is not worth coming back to
                self._choice.plans()
                last_choice.keep(self._choice)

    def _take(self, choice: Choice) -> None:
        """Show a choice in the lists and settings."""
        self._recipe = choice.recipe
        self.query_one(PresetLists).take(choice)
        self.query_one(SettingsGrid).fill(choice.values)
        self._refresh()

    @work(thread=True)
    def _look_for_active(self) -> None:
        from tui.runs.listing.index import (
            active_count,  # brings NumPy, for which the first picture waits not
        )

        with suppress(UserError):  # it is said when a run is started there
            number = active_count(self._app.root)
            self.app.call_from_thread(self._show_active, number)

    def _show_active(self, number: int) -> None:
        if number:
            runs = "1 run is" if number == 1 else f"{number} runs are"
            self._active = f"  {runs} training: r shows them"
            self._show_title()

    def action_recipe(self) -> None:
        """Choose a complete run."""
        if self._fork is not None:
            self.notify("A fork keeps its parent's settings; change single ones.")
            return

        def chosen(name: str | None) -> None:
            if name is not None:
                self._take(_of_recipe(name))

        self.app.push_screen(RecipesScreen(self._recipe), chosen)

    def action_look(self) -> None:
        """Look at samples of the data set and at the schedule."""
        self._refresh()
        self.app.push_screen(LookScreen(self._choice))

    def action_save(self) -> None:
        """Keep what is chosen as a recipe of the user's."""
        self._refresh()
        self.app.push_screen(SaveScreen(self._choice))

    def action_find_rate(self) -> None:
        """Look for a learning rate for what is chosen."""
        self._refresh()
        try:
            config = self._choice.configs()[0]
        except UserError as error:
            self.notify(clean(str(error)), severity="error", markup=False)
            return
        from tui.screens.launch.finder import FinderScreen

        def found(rate: float | None) -> None:
            if rate is not None:
                grid = self.query_one(SettingsGrid)
                grid.fill(grid.texts | {"rate": f"{rate:.3g}"})

        self.app.push_screen(FinderScreen(config), found)

    def action_race(self) -> None:
        """Set up a race with what is chosen."""
        from tui.screens.race.setup import RaceSetupScreen

        try:
            self.app.push_screen(RaceSetupScreen(race_choice.texts(self._choice)))
        except UserError as error:
            self.notify(clean(str(error)), severity="error", markup=False)

    def action_runs(self) -> None:
        """List all runs."""
        self._app.open_runs()

    def action_back(self) -> None:
        """Back to the screen from which this one was opened."""
        self._app.close_again()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only where another screen lies under this one there is a way back."""
        return self._again is not None if action == "back" else True

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self._refresh()

    def on_preset_list_marked(self) -> None:
        self._refresh()

    def on_settings_grid_changed(self) -> None:
        self._refresh()

    def on_narrowing_list_turned(self) -> None:
        self._show_hint()

    def on_descendant_focus(self) -> None:
        self._show_hint()

    def action_mark(self) -> None:
        """Space outside of the optimizers marks nothing, and says so."""
        self.notify("Space marks optimizers: go to that list with Tab.")

    def action_reset(self) -> None:
        """Empty every setting, so that the presets decide; if they do, take the recipe's parts."""
        grid = self.query_one(SettingsGrid)
        if grid.texts or self._fork is not None:
            grid.fill({})
            self._refresh()
        else:
            self._take(_of_recipe(self._recipe))

    def action_start(self) -> None:
        """Start, once what was typed before Enter has arrived in its setting.

        Enter has priority, and over a slow link it comes in one packet with the text before it.
        """
        (self.focused or self).call_later(self._start)

    def _start(self) -> None:
        """Create the runs, start one engine for them and watch it."""
        focused = self.focused
        if isinstance(focused, PresetList) and focused.narrowing:
            focused.settle()
            return
        if self._started:  # Enter was pressed twice
            return
        self._refresh()
        try:
            configs = self._choice.configs()
            self._choice.plans()  # what cannot be sized cannot be trained
            runs = [run_directory.create(self._root(), config) for config in configs]
            self._app.processes.append(launch.start(runs))
        except UserError as error:
            self.notify(clean(str(error)), title="Cannot start", severity="error", markup=False)
            return
        self._started = True
        if self._fork is None:
            last_choice.keep(self._choice)
        if self._again is None:
            self._app.open_dashboard(runs)
        else:
            self._app.open_beside(self._again, runs)

    def _root(self) -> Any:
        """Where the runs go: a fork stands beside its parent, by whose name it finds it."""
        if self._fork is not None:
            return self._fork.folder.parent
        if self._again is not None and self._again.config.parent:
            return self._again.run.path.parent
        return self._app.root

    @property
    def _app(self) -> Any:
        return self.app

    def _refresh(self) -> None:
        """Bring everything that follows from the choice up to date."""
        lists = self.query_one(PresetLists)
        if not lists.complete or not self.query(FittingFooter):  # the screen comes or goes
            return
        grid = self.query_one(SettingsGrid)
        model, dataset, optimizers = lists.parts
        self._choice = Choice(
            model=model,
            dataset=dataset,
            optimizers=optimizers,
            values=grid.texts,
            recipe=self._recipe,
            fork=self._fork,
        )
        before = self._again.config if self._again else None
        lists.show(self._choice.parameter_counts(), before)
        grid.show(self._choice, (before, self._begun_with) if before else None)
        self.query_one(ChoiceSummary).show(self._choice)
        self._show_looks()
        self._show_title()
        self._show_hint()

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.height >= _TALL, "-tall")
        self.call_after_refresh(self._refresh)

    def _show_looks(self) -> None:
        if self.has_class("-tall"):
            self.query_one(SchedulePreview).show(self._choice)
            self.query_one(SampleView).show(self._choice.data())

    def _show_title(self) -> None:
        colors = self.app.theme_variables
        title = words.title(self._choice, self._again, self._active, colors)
        title.truncate(max(0, self.size.width - 2), overflow="ellipsis")
        self.query_one("#title", Static).update(title)

    def _show_hint(self) -> None:
        field = self.query_one(SettingsGrid).at_hand
        colors = self.app.theme_variables
        if any(preset_list.narrowing for preset_list in self.query(PresetList)):
            hint = words.narrowing()
        elif (
            self._first_use
            and field is None
            and len(self._choice.optimizers) < 2
            and not self._choice.cautions()
        ):
            hint = words.three_steps(self.size.width, colors)
        else:
            hint = words.hint(self._choice, field, self._again, colors)
        self.query_one("#hint", Static).update(hint)


def _of_recipe(name: str) -> Choice:
    """A recipe as it is."""
    parts = presets.load("recipes", name)
    return Choice(
        recipe=name, model=parts.model, dataset=parts.dataset, optimizers=(parts.optimizer,)
    )


def _has_entries(folder: Path) -> bool:
    with suppress(OSError), os.scandir(folder) as entries:
        return next(entries, None) is not None
    return False
