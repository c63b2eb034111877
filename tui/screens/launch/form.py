"""The form of the launch screen: lists, settings, and what follows from them, always up to date."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import OptionList, Static

import presets
from tui.choices import per_optimizer_settings
from tui.choices.choice import Choice
from tui.choices.notices import notices
from tui.screens.launch import words
from tui.screens.launch.cost_summary import ChoiceSummary
from tui.screens.launch.lists import PresetLists
from tui.screens.launch.preset_list import PresetList
from tui.screens.launch.purpose import Purpose
from tui.screens.launch.sample import SampleView
from tui.screens.launch.schedule_preview import SchedulePreview
from tui.screens.launch.settings import SettingsGrid


class LaunchForm(Vertical):
    """All that is chosen on the launch screen. What is not touched comes from the presets, or from
    the run that is forked, and is shown dim."""

    def __init__(self, purpose: Purpose) -> None:
        super().__init__(id="launch-form")
        self._purpose = purpose
        self._begun_with = Choice()
        self._recipe = self._begun_with.recipe
        self._num_active = 0
        self.first_use = False
        """Whether the first steps are explained."""
        self.choice = self._begun_with
        """What is chosen; `update_choice` brings it up to date."""

    def compose(self) -> ComposeResult:
        yield Static("", id="title", markup=False)
        yield PresetLists()
        yield SettingsGrid()
        yield Static("", id="hint", markup=False)
        yield ChoiceSummary()
        with Horizontal(id="previews"):
            yield SampleView(id="sample")
            yield SchedulePreview(id="preview")

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self.update_choice())

    @property
    def recipe(self) -> str:
        """The recipe that the choice begins with."""
        return self._recipe

    @property
    def untouched(self) -> bool:
        """Whether the choice is what the form began with."""
        return self.choice == self._begun_with

    def begin(self, choice: Choice) -> None:
        """Show the choice that changes are compared with."""
        self._begun_with = choice
        self.take(choice)

    def take(self, choice: Choice) -> None:
        """Show a choice in the lists and settings."""
        self._recipe = choice.recipe
        self.query_one(PresetLists).take(choice)
        self.query_one(SettingsGrid).fill(choice.values)
        self.update_choice()

    def take_recipe(self, name: str) -> None:
        """Show a recipe as it is."""
        parts = presets.load("recipes", name)
        self.take(
            Choice(
                recipe=name,
                model=parts.model,
                dataset=parts.dataset,
                optimizers=(parts.optimizer,),
            )
        )

    def take_settings(self, texts: dict[str, str]) -> None:
        """Put texts into the settings, by the keys of the fields; the others stay."""
        grid = self.query_one(SettingsGrid)
        grid.fill(grid.texts | texts)
        self.update_choice()

    def take_rate(self, rate: str) -> None:
        """Put a learning rate into its setting, for the first of the chosen optimizers."""
        first, *others = self.choice.optimizers
        before = self.choice.values.get("lr", "")
        self.take_settings(
            {"lr": per_optimizer_settings.with_rate(before, first, rate) if others else rate}
        )

    def take_changes(self) -> None:
        """Take the settings that were changed in the parent after the checkpoint of a fork."""
        if (fork := self._purpose.fork) is not None:
            self.take_settings(fork.changes_as_texts(self.choice.optimizers))

    def reset(self) -> None:
        """Empty every setting, so that the presets decide; if they do, take the recipe's parts."""
        grid = self.query_one(SettingsGrid)
        if grid.texts or self._purpose.fork is not None:
            grid.fill({})
            self.update_choice()
        else:
            self.take_recipe(self._recipe)

    def settle(self) -> bool:
        """End the narrowing of a list that has the keyboard; whether there was any."""
        focused = self.screen.focused
        if isinstance(focused, PresetList) and focused.narrowing:
            focused.settle()
            return True
        return False

    def show_active(self, number: int) -> None:
        """Say how many runs are training."""
        self._num_active = number
        self._show_title()

    def update_choice(self) -> None:
        """Read the choice, and bring everything that follows from it up to date."""
        choice = self._read_choice()
        if choice is None:
            return
        self.choice = choice
        lists, grid = self.query_one(PresetLists), self.query_one(SettingsGrid)
        before = self._purpose.rerun.config if self._purpose.rerun else None
        lists.show(self.choice.parameter_counts(), before)
        grid.show(self.choice, (before, self._begun_with) if before else None)
        self.query_one(ChoiceSummary).show(self.choice)
        self._show_previews()
        self._show_title()
        self._show_hint()

    def _read_choice(self) -> Choice | None:
        """The choice as lists and settings have it; None while the screen comes or goes."""
        lists = self.query_one(PresetLists)
        if not lists.complete or not self.query(SchedulePreview):
            return None
        model, dataset, optimizers = lists.parts
        return Choice(
            model=model,
            dataset=dataset,
            optimizers=optimizers,
            values=self.query_one(SettingsGrid).texts,
            recipe=self._recipe,
            fork=self._purpose.fork,
        )

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self._keep_owners()
        if self._read_choice() != self.choice:  # also told of what `take` put into the lists
            self.update_choice()

    def on_preset_list_marked(self) -> None:
        self._keep_owners()
        self.update_choice()

    def _keep_owners(self) -> None:
        """Where other optimizers were chosen, keep to each what was typed for it."""
        lists = self.query_one(PresetLists)
        if lists.complete and (chosen := lists.parts[2]) != self.choice.optimizers:
            grid = self.query_one(SettingsGrid)
            texts = per_optimizer_settings.follow(grid.texts, self.choice.optimizers, chosen)
            if texts != grid.texts:
                grid.fill(texts)

    def on_settings_grid_changed(self) -> None:
        self.update_choice()

    def on_narrowing_list_turned(self) -> None:
        self._show_hint()

    def on_descendant_focus(self) -> None:
        self._show_hint()

    def _show_previews(self) -> None:
        if self.has_class("-tall"):
            self.query_one(SchedulePreview).show(self.choice)
            self.query_one(SampleView).show(self.choice.data())

    def _show_title(self) -> None:
        colors = self.app.theme_variables
        title = words.title(self.choice, self._purpose.rerun, self._num_active, colors)
        title.truncate(max(0, self.size.width - 2), overflow="ellipsis")
        self.query_one("#title", Static).update(title)

    def _show_hint(self) -> None:
        field = self.query_one(SettingsGrid).at_hand
        told = notices(self.choice)
        colors = self.app.theme_variables
        if any(preset_list.narrowing for preset_list in self.query(PresetList)):
            hint = words.narrowing()
        elif (
            self.first_use
            and field is None
            and len(self.choice.optimizers) < 2
            and not self.choice.cautions()
            and not told
        ):
            hint = words.three_steps(self.size.width, colors)
        else:
            hint = words.hint(self.choice, told, field, self._purpose.rerun, colors)
        self.query_one("#hint", Static).update(hint)
