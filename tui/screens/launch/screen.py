"""The launch screen: pick model, data set and optimizers, change a setting, press Enter."""

from contextlib import suppress
from functools import partial

from textual import work
from textual.app import ComposeResult
from textual.events import Resize

import presets
from engine.runs import run_directory, start_process
from presets import UserError
from presets.schema import RunConfig
from tui.choices.choice import Choice
from tui.choices.fork import Fork
from tui.choices.rerun import Rerun
from tui.panels.footer import FittingFooter
from tui.panels.keys import Key, bindings, together
from tui.screens.app_screen import BACK, LEAVE, RUNS, AppScreen
from tui.screens.launch.form import LaunchForm
from tui.screens.launch.narrowing import NarrowingList
from tui.screens.launch.preset_list import MARK, PresetList
from tui.screens.launch.purpose import Purpose
from tui.screens.too_large import start_if_it_fits
from tui.text import clean

_TALL = 36
"""Lines from which samples of the data and the plot of the learning rate have a place."""


class LaunchScreen(AppScreen):
    """The screen on which a run is chosen and started: its keys, dialogs and the start."""

    KEYS = (
        Key("enter", "start", "Start", "train what is chosen", footer=True, priority=True),
        MARK,
        BACK,
        # With priority, or text that follows in one packet of a slow link lands in the old field.
        together(
            Key("tab", "app.focus_next", "Next", footer=True, priority=True),
            Key("shift+tab", "app.focus_previous", priority=True),
            does="go to the next list or setting, or back",
        ),
        Key(
            "t",
            "take_changes",
            "Changes",
            "of a fork: take what was changed in its parent after the checkpoint",
            footer=True,
        ),
        Key(
            "e",
            "recipe",
            "Recipe",
            "choose a recipe: a complete run with its expected result",
            footer=True,
        ),
        Key(
            "i",
            "preview",
            "Data",
            "show samples of the data set, and the learning rate over the steps",
            footer=True,
        ),
        Key(
            "f",
            "find_lr",
            "Find lr",
            "find a learning rate: a short run in which it rises until the loss does",
            footer=True,
        ),
        Key(
            "ctrl+r",
            "reset",
            "Presets",
            "take all settings from the presets again; twice: the recipe's parts too",
            footer=True,
        ),
        Key("ctrl+s", "save", "Keep", "keep what is chosen as a recipe of yours", footer=True),
        Key(
            "C",
            "race",
            "Race",
            "set up a race: a fair comparison of optimizers, over several seeds",
            footer=True,
        ),
        RUNS,
        LEAVE,
    )
    BINDINGS = bindings(KEYS)
    PARTS = (NarrowingList, PresetList)

    def __init__(
        self,
        fork: Fork | None = None,
        rerun: Rerun | None = None,
        *,
        longer: bool = False,
        clean: bool = False,
    ) -> None:
        """To fork a run, or to begin another one with a run's settings; else with what was chosen
        the last time, or `clean`. `longer` begins at the setting that says how long it trains."""
        super().__init__()
        self._first = "#length" if longer else "#optimizers"
        self._purpose = Purpose(fork, rerun, clean)
        self._form = LaunchForm(self._purpose)
        self._started = False

    def compose(self) -> ComposeResult:
        # Known before the first picture: a class that comes later styles every widget once more.
        self._form.set_class(self.app.size.height >= _TALL, "-tall")
        yield self._form
        yield FittingFooter()

    def on_mount(self) -> None:
        self._form.first_use = self._purpose.first_use(self.host.root)
        choice, gone = self._purpose.first_choice()
        self._form.begin(choice)
        self.query_one(self._first).focus()
        for line in gone:
            self.notify(clean(line), markup=False)
        for problem in presets.problems():
            self.notify(
                clean(problem), title="Your presets", severity="error", timeout=30, markup=False
            )
        if self._purpose.new:
            self.host.when_painted(self._count_active)

    def on_resize(self, event: Resize) -> None:
        self._form.set_class(event.size.height >= _TALL, "-tall")
        update = partial(self.call_after_refresh, self._form.update_choice)
        self.host.when_painted(update)

    def on_unmount(self) -> None:
        if not self._started and not self._form.untouched:
            self._purpose.keep_left(self._form.choice)

    @work(thread=True)
    def _count_active(self) -> None:
        with suppress(UserError):  # it is said when a run is started there
            number = run_directory.active_count(self.host.root)
            self.app.call_from_thread(self._form.show_active, number)

    def action_recipe(self) -> None:
        """Choose a complete run."""
        if self._purpose.fork is not None:
            self.notify("A fork keeps the settings at its checkpoint; change single ones.")
            return

        from tui.screens.launch.recipes import RecipesScreen

        def chosen(name: str | None) -> None:
            if name is not None:
                self._form.take_recipe(name)

        self.app.push_screen(RecipesScreen(self._form.recipe), chosen)

    def action_preview(self) -> None:
        """Show samples of the data set and the schedule."""
        from tui.screens.launch.data_and_schedule import PreviewScreen

        self._form.update_choice()
        self.app.push_screen(PreviewScreen(self._form.choice))

    def action_save(self) -> None:
        """Keep what is chosen as a recipe of the user's."""
        from tui.screens.launch.save import SaveScreen

        self._form.update_choice()
        self.app.push_screen(SaveScreen(self._form.choice))

    def action_find_lr(self) -> None:
        """Find a learning rate for what is chosen."""
        self._form.update_choice()
        try:
            config = self._form.choice.configs()[0]
        except UserError as error:
            self.complain(str(error))
            return
        from tui.screens.launch.finder import FinderScreen

        def found(lr: float | None) -> None:
            if lr is not None:
                self._form.take_rate(f"{lr:.3g}")

        def find() -> None:
            self.app.push_screen(FinderScreen(config), found)

        start_if_it_fits(self, [config], find)

    def action_race(self) -> None:
        """Set up a race with what is chosen."""
        from tui.choices import race_choice
        from tui.screens.race.setup import RaceSetupScreen

        try:
            self.app.push_screen(RaceSetupScreen(race_choice.texts(self._form.choice)))
        except UserError as error:
            self.complain(str(error))
            return
        if left := race_choice.left_out(self._form.choice):
            self.notify(
                clean(f"not taken to the race, where each lane has its own: {', '.join(left)}"),
                markup=False,
            )

    def action_take_changes(self) -> None:
        """Take what was changed in the parent after the checkpoint."""
        self._form.take_changes()

    def on_screen_resume(self) -> None:
        """Somebody came back: another run may be started."""
        self._started = False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Changes only of a fork."""
        if action == "take_changes":
            return self._purpose.fork is not None and bool(self._purpose.fork.changed)
        return super().check_action(action, parameters)

    def action_mark(self) -> None:
        """Say what Space does, outside the list of optimizers."""
        self.notify("Space marks optimizers: go to that list with Tab.")

    def action_reset(self) -> None:
        """Empty every setting; if all are empty, take the recipe's parts."""
        self._form.reset()

    def action_start(self) -> None:
        """Start, once what was typed before Enter has arrived in its setting.

        Enter has priority, and over a slow link it comes in one packet with the text before it.
        """
        (self.focused or self).call_later(self._start)

    def _start(self) -> None:
        """Create the runs, start one engine for them and watch it."""
        if self._form.settle() or self._started:  # Enter took a name, or was pressed twice
            return
        self._form.update_choice()
        choice = self._form.choice
        try:
            configs = choice.configs()
            choice.plans()  # what cannot be sized cannot be trained
        except UserError as error:
            self.complain(str(error), title="Cannot start")
            return
        self._started = True
        start_if_it_fits(self, configs, partial(self._begin, choice, configs), otherwise=self._stay)

    def _stay(self) -> None:
        """Nothing was started."""
        self._started = False

    def _begin(self, choice: Choice, configs: list[RunConfig]) -> None:
        try:
            folder = self._purpose.runs_folder(self.host.root)
            runs = [run_directory.create(folder, config) for config in configs]
            self.host.processes.append(start_process.start(runs))
        except UserError as error:
            self._stay()
            self.complain(str(error), title="Cannot start")
            return
        self.host.started += runs
        self._purpose.keep_started(choice)
        if self._purpose.rerun is None:
            self.host.go_back()  # the new runs take the place of the form, if it lay over others
            self.host.open_dashboard(runs)
        else:
            self.host.open_beside(self._purpose.rerun, runs)
