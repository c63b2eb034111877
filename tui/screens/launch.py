"""The launch screen: pick model, data set and optimizers, change a setting, press Enter."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Grid, Horizontal, Vertical
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Input, Label, OptionList, Static

import presets
from engine import configure, estimate, registry, rundir, schedules
from engine.estimate import Memory
from presets import ConfigError, UserError, plugins
from tui import launcher
from tui.choice import FIELDS, Choice, Field, Fork
from tui.panels.footer import FittingFooter
from tui.preset_list import ComponentKind, PresetList
from tui.screens.recipes import RecipesScreen
from tui.text import clean, count, duration, file_size

_HEADINGS: dict[ComponentKind, str] = {
    "models": "Model",
    "datasets": "Data set",
    "optimizers": "Optimizer",
}


_WIDE, _TALL = 110, 36
"""Columns for the parts of the memory, lines for a plot of the learning rate."""


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
        # With priority, or text that follows in one packet of a slow link lands in the old field.
        Binding("tab", "app.focus_next", "Next", key_display="Tab", priority=True),
        Binding("shift+tab", "app.focus_previous", show=False, priority=True),
        Binding(
            "ctrl+r",
            "reset",
            "Presets",
            key_display="Ctrl+R",
            tooltip="Forget the changed settings",
        ),
        Binding("e", "recipe", "Recipe", tooltip="Choose a complete run"),
        Binding("f", "find_rate", "Find rate", tooltip="Look for a learning rate"),
        Binding("r", "runs", "Runs", tooltip="List all runs"),
        Binding("q", "app.quit", "Quit", tooltip="Leave; runs go on"),
    ]
    KEYS = (
        ("Enter", "train what is chosen"),
        ("Up, Down, k, j", "choose a preset"),
        ("Tab, Shift+Tab", "go to the next list or setting"),
        ("Left, Right", "go to the list beside this one"),
        ("Space", "mark an optimizer; marked ones are compared, one run after another"),
        ("e", "choose a recipe: a complete run with its expected result"),
        ("f", "look for a learning rate: a short run whose rate rises until the loss does"),
        ("r", "list all runs"),
        ("Ctrl+R", "take all settings from the presets again"),
        ("q", "quit; runs go on"),
    )

    def __init__(self, fork: Fork | None = None) -> None:
        super().__init__()
        self._fork = fork
        self._started = False
        self._first_use = False
        self._choice = Choice()
        self._recipe = self._choice.recipe
        self._free: dict[str, int | None] = {}
        """Free memory in bytes by device, as far as it is known."""

    def compose(self) -> ComposeResult:
        yield Static(self._title(), id="title", markup=False)
        with Horizontal(id="lists"):
            for kind, heading in _HEADINGS.items():
                with Vertical(classes="choice"):
                    preset_list = PresetList(kind, several=kind == "optimizers")
                    preset_list.border_title = heading
                    yield preset_list
                    yield Static("", id=f"{kind}-description", markup=False)
        with Grid(id="settings"):
            for field in FIELDS:
                with Horizontal(classes="field"):
                    yield Label(field.label)
                    yield Input(id=field.key, compact=True, select_on_focus=True)
        yield Static("", id="hint", markup=False)
        yield Static("", id="summary", markup=False)
        yield Static("", id="preview", markup=False)
        yield FittingFooter()

    def on_mount(self) -> None:
        self._first_use = self._fork is None and not _has_entries(self._app.root)
        self._choose_parts()
        self.query_one("#optimizers").focus()
        for problem in plugins.problems():
            self.notify(
                clean(problem), title="Plug-ins", severity="error", timeout=30, markup=False
            )
        self._look_for_active()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._refresh())

    def _choose_parts(self) -> None:
        recipe = presets.load("recipes", self._recipe)
        for preset_list in self.query(PresetList):
            kind = preset_list.kind.removesuffix("s")
            name = getattr(recipe, kind)
            if self._fork is not None:
                name = getattr(self._fork.config, kind).name
            if name in presets.names(preset_list.kind):
                preset_list.choose(name)
            else:
                self.notify(clean(f"{kind}: the preset {name} is gone"), markup=False)
        self._refresh()

    @work(thread=True)
    def _look_for_active(self) -> None:
        from tui.index import active_count  # brings NumPy, for which the first picture waits not

        with suppress(UserError):  # it is said when a run is started there
            number = active_count(self._app.root)
            self.app.call_from_thread(self._show_active, number)

    def _show_active(self, number: int) -> None:
        if number and self._fork is None:
            runs = "1 run is" if number == 1 else f"{number} runs are"
            text = Text(self._title()).append(f"  {runs} training: r shows them")
            self.query_one("#title", Static).update(text)

    def action_recipe(self) -> None:
        """Choose a complete run."""
        if self._fork is not None:
            self.notify("A fork keeps its parent's settings; change single ones.")
            return

        def chosen(name: str | None) -> None:
            if name is not None:
                self._recipe = name
                for widget in self.query(Input):
                    widget.value = ""
                self._choose_parts()
                self.query_one("#title", Static).update(self._title())

        self.app.push_screen(RecipesScreen(), chosen)

    def action_find_rate(self) -> None:
        """Look for a learning rate for what is chosen."""
        self._refresh()
        try:
            config = self._choice.configs()[0]
        except UserError as error:
            self.notify(clean(str(error)), severity="error", markup=False)
            return
        from tui.screens.finder import FinderScreen

        def found(rate: float | None) -> None:
            if rate is not None:
                self.query_one("#rate", Input).value = f"{rate:.3g}"

        self.app.push_screen(FinderScreen(config), found)

    def _title(self) -> str:
        if self._fork is None:
            return f"bigmodel-tui  choose what to train; recipe {self._recipe}"
        return clean(f"fork of {self._fork.folder.name} at {self._fork.checkpoint}")

    def action_runs(self) -> None:
        """List all runs."""
        self._app.open_runs()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self._refresh()

    def on_preset_list_marked(self) -> None:
        self._refresh()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._refresh()

    def on_descendant_focus(self) -> None:
        self._show_hint()

    def action_mark(self) -> None:
        """Space outside of the optimizers marks nothing, and says so."""
        self.notify("Space marks optimizers: go to that list with Tab.")

    def action_reset(self) -> None:
        """Empty every setting, so that the presets decide."""
        for widget in self.query(Input):
            widget.value = ""

    def action_start(self) -> None:
        """Start, once what was typed before Enter has arrived in its setting.

        Enter has priority, and over a slow link it comes in one packet with the text before it.
        """
        (self.focused or self).call_later(self._start)

    def _start(self) -> None:
        """Create the runs, start one engine for them and watch it."""
        if self._started:  # Enter was pressed twice
            return
        self._refresh()
        try:
            configs = self._choice.configs()
            self._choice.plans()  # what cannot be sized cannot be trained
            # A fork stands beside its parent, by whose name it finds it.
            root = self._fork.folder.parent if self._fork else self._app.root
            runs = [rundir.create(root, config) for config in configs]
            self._app.processes.append(launcher.start(runs))
        except UserError as error:
            self.notify(clean(str(error)), title="Cannot start", severity="error", markup=False)
            return
        self._started = True
        self._app.open_dashboard(runs)

    @property
    def _app(self) -> Any:
        return self.app

    def _refresh(self) -> None:
        """Bring everything that follows from the choice up to date."""
        lists = {preset_list.kind: preset_list for preset_list in self.query(PresetList)}
        # While the screen comes or goes there are fewer.
        if len(lists) < len(_HEADINGS) or not all(found.chosen for found in lists.values()):
            return
        values = {widget.id or "": widget.value for widget in self.query(Input)}
        self._choice = Choice(
            model=lists["models"].chosen[0],
            dataset=lists["datasets"].chosen[0],
            optimizers=tuple(lists["optimizers"].chosen),
            values={key: value.strip() for key, value in values.items() if value.strip()},
            recipe=self._recipe,
            fork=self._fork,
        )
        for preset_list in lists.values():
            description = presets.load(preset_list.kind, preset_list.current).description
            self.query_one(f"#{preset_list.kind}-description", Static).update(description)
        lists["models"].annotate(self._choice.parameter_counts())
        self._show_settings()
        self._show_summary()
        self._show_preview()
        self._show_hint()

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.height >= _TALL, "-tall")
        self.call_after_refresh(self._refresh)

    def _show_settings(self) -> None:
        try:
            defaults = self._choice.defaults()
        except ConfigError:  # presets that do not go together: the summary says why
            defaults = {}
        for field in FIELDS:
            widget = self.query_one(f"#{field.key}", Input)
            widget.placeholder = defaults.get(field.key, "")
            widget.set_class(self._choice.problem(field) is not None, "-wrong")

    def _show_summary(self) -> None:
        summary = self.query_one("#summary", Static)
        try:
            plans, needs = self._choice.plans(), self._needs()
        except ConfigError as error:
            summary.update(Text(clean(str(error)), style=self.app.theme_variables["error"]))
            return
        steps = " + ".join(count(plan.steps) for plan in plans)
        parts = [f"{count(plans[0].num_parameters)} parameters", f"{steps} steps"]
        parts.append(f"about {duration(self._choice.seconds())}")
        if len(plans) > 1:
            parts.insert(0, f"{len(plans)} runs, one after another")
        text = Text(", ".join(parts), style="bold")
        text.append(f"   Enter starts; runs go to {clean(str(self._app.root))}/\n", style="dim")
        summary.update(text.append(needs))

    def _needs(self) -> Text:
        """The memory that the largest of the chosen runs takes."""
        configs = self._choice.configs()
        device = configs[0].device
        if device not in self._free:
            self._free[device] = None
            self._look_for_memory(device)
        free = self._free[device]
        needed = max((estimate.memory(config, free) for config in configs), key=_total)
        parts = ", ".join(
            f"{name} {file_size(size)}"
            for name, size in (
                ("weights", needed.parameters),
                ("gradients", needed.gradients),
                ("optimizer", needed.optimizer),
                ("activations", needed.activations),
                ("data", needed.data),
            )
        )
        text = Text(f"about {file_size(needed.total)} of memory", style="dim")
        if self.size.width >= _WIDE:
            text.append(f": {parts}", style="dim")
        if free is not None:
            fits = estimate.fits(needed, free)
            words = f"; {'fits' if fits else 'does not fit'}, {file_size(free)} are free"
            text.append(words, style="dim" if fits else self.app.theme_variables["error"])
        return text

    @work(thread=True)
    def _look_for_memory(self, device: str) -> None:
        free = estimate.free_memory(device)
        self.app.call_from_thread(self._know_memory, device, free)

    def _know_memory(self, device: str, free: int | None) -> None:
        self._free[device] = free
        if free is not None and self.is_attached:
            self._show_summary()

    def _show_preview(self) -> None:
        """The learning rate over the steps, where a schedule changes it and there is room."""
        preview = self.query_one("#preview", Static)
        width, height = preview.content_size
        try:
            config = self._choice.configs()[0]
            plan = configure.plan(config)
            lr = getattr(registry.config("optimizer", config.optimizer), "lr", None)
        except ConfigError:
            preview.update("")
            return
        if height < 5 or lr is None or not schedules.changes(config.schedule):
            preview.update("")
            return
        from tui.preview import learning_rate  # draws, which the first picture does not wait for

        curve = schedules.curve(
            config.schedule, lr=lr, steps=plan.steps, steps_per_epoch=plan.steps_per_epoch
        )
        colors = self.app.theme_variables
        lines = learning_rate(
            curve,
            width=width,
            height=min(height, 12),
            ink=colors["plot-ink"],
            color=colors["lane-0"],
            ascii_only=bool(self._app.plain),
        )
        preview.update(Text("\n").join(lines))

    def _show_hint(self) -> None:
        field = next((f for f in FIELDS if self.focused and f.key == self.focused.id), None)
        self.query_one("#hint", Static).update(self._hint(field))

    def _three_steps(self) -> Text:
        """For somebody who has no runs yet."""
        wide = self.size.width >= _WIDE
        text = Text()
        for number, short, more in (
            (1, "choose with the arrows", " and Tab"),
            (2, "Enter trains", " and opens the dashboard"),
            (3, "q leaves; `watch` comes back", " from the command line, to a run that goes on"),
        ):
            text.append(f"{number} ", style=f"bold {self.app.theme_variables['accent']}")
            text.append(f"{short}{more if wide else ''}   ")
        return text

    def _hint(self, field: Field | None) -> Text:
        if field is None and (problems := plugins.problems()):
            return Text(clean(problems[0]), style=self.app.theme_variables["error"])
        if field is None and self._first_use and len(self._choice.optimizers) < 2:
            return self._three_steps()
        if field is None:
            marked = len(self._choice.optimizers)
            more = f"{marked} optimizers marked" if marked > 1 else "Space marks several optimizers"
            return Text(f"{more}; a dim setting comes from the preset.", style="dim")
        if problem := self._choice.problem(field):
            return Text(clean(problem), style=self.app.theme_variables["error"])
        return Text(f"{field.label}: {field.help}", style="dim")


def _has_entries(folder: Path) -> bool:
    with suppress(OSError), os.scandir(folder) as entries:
        return next(entries, None) is not None
    return False


def _total(memory: Memory) -> int:
    return memory.total
