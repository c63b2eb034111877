"""Set up a race: lanes, tier, target, budget, seeds; how many runs that is, and how long."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Static

from engine.race import directory
from engine.race.spec import RaceSpec
from engine.runs import start_process
from presets import ConfigError, UserError
from tui.choices import race_choice
from tui.panels.footer import FittingFooter
from tui.panels.keys import Key, bindings, together
from tui.screens.app_screen import BACK, AppScreen
from tui.screens.too_large import start_if_it_fits
from tui.text import clean, count, counted, duration


@dataclass(frozen=True)
class RaceField:
    """A setting of a race that is typed as text."""

    key: str
    label: str
    help: str
    value: str = ""


FIELDS = (
    RaceField(
        "optimizers",
        "Optimizers",
        "names between commas; each is a lane",
        "adam,adamw,sgd,momentum,nesterov,rmsprop,adagrad,muon",
    ),
    RaceField("models", "Model", "one, or several between commas; empty: the recipe's"),
    RaceField("dataset", "Data set", "one name; empty: the recipe's"),
    RaceField("recipe", "Recipe", "what the other settings come from", "quickstart"),
    RaceField(
        "varied", "Vary", "lanes by settings, such as clip.mode=none,norm optimizer.lr=1e-3,1e-2"
    ),
    RaceField(
        "tier", "Tier", "quick (untuned), fair (tuned alike), rigorous (grid, 10 seeds)", "quick"
    ),
    RaceField("seeds", "Seeds", "runs of each lane; empty: 3, 5 or 10 by tier"),
    RaceField("trials", "Trials", "tuning runs of each lane; empty: 8 or 7 by tier"),
    RaceField("budget", "Budget", "steps of each run; empty: the recipe's"),
    RaceField(
        "target",
        "Target",
        "such as val/accuracy=0.95; empty: the best value decides",
        "val/accuracy=0.95",
    ),
    RaceField("schedule", "Schedule", "such as cosine warmup 100; its horizon is the budget"),
    RaceField("clip", "Clip", "such as norm 1, or none; empty: the recipe's"),
    RaceField("sets", "More", "any settings for all lanes, such as model.dropout=0.2"),
    RaceField(
        "reference", "Reference", "the lane that speed-ups are relative to; empty: the first"
    ),
)
_TIERS = ("quick", "fair", "rigorous")


def options(texts: Mapping[str, str]) -> dict[str, Any]:
    """The typed texts as options of a race. Raises ConfigError."""
    if texts["tier"] not in _TIERS:
        raise ConfigError(f"tier: expected {', '.join(_TIERS)}, got {texts['tier']!r}")
    numbers = {key: race_choice.whole(texts[key], key) for key in ("seeds", "trials", "budget")}
    lists = {key: tuple(texts[key].split()) for key in ("varied", "sets")}
    return {**texts, **numbers, **lists, "dataset": texts["dataset"] or None, "workers": 1}


class RaceSetupScreen(AppScreen):
    """The screen on which a race is set up: it checks what is typed, and starts the race."""

    KEYS = (
        Key("enter", "start", "Start", "start the race", footer=True, priority=True),
        together(
            Key("tab", "app.focus_next", "Next", footer=True, priority=True),
            Key("shift+tab", "app.focus_previous", priority=True),
            Key("down", "app.focus_next"),
            Key("up", "app.focus_previous"),
            does="go to the next or previous setting; Up and Down too",
            shown="Tab, Shift+Tab",
        ),
        BACK,
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, texts: Mapping[str, str] | None = None) -> None:
        """`texts` are the first texts of some fields, by their keys."""
        super().__init__()
        self._texts = dict(texts or {})
        self._started = False

    def compose(self) -> ComposeResult:
        yield Static(
            "Race: compare lanes from the same starts on the same batches", id="race-title"
        )
        with Vertical(id="race-fields"):
            for field in FIELDS:
                with Horizontal(classes="field"):
                    yield Label(field.label)
                    value = self._texts.get(field.key, field.value)
                    yield Input(value, id=field.key, compact=True, select_on_focus=False)
        yield Static("", id="hint", markup=False)
        yield Static("", id="summary", markup=False)
        yield FittingFooter()

    def on_mount(self) -> None:
        self.query_one("#optimizers", Input).focus()
        self._check()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._check()

    def on_descendant_focus(self) -> None:
        focused = self.focused
        field = next((each for each in FIELDS if focused and each.key == focused.id), None)
        if field is not None:
            self.query_one("#hint", Static).update(Text(field.help, style="dim"))

    def _spec(self) -> RaceSpec:
        """The race that is typed. Raises UserError."""
        texts = {
            field.key: self.query_one(f"#{field.key}", Input).value.strip() for field in FIELDS
        }
        return race_choice.build(options(texts))

    # Many lanes take a moment to check; typing goes on meanwhile.
    @work(exclusive=True, group="check")
    async def _check(self) -> None:
        said = self.query_one("#summary", Static)
        try:
            made = self._spec()
        except UserError as error:
            said.update(Text(clean(str(error)), style=self.app.theme_variables["error"]))
            return
        trials = f" and {made.num_trials} tuning trials" if made.num_trials else ""
        each = f"{counted(made.seeds, 'seed')}{trials} each"
        intervals = "" if made.seeds > 1 else "; one seed has no intervals"
        said.update(
            f"{counted(len(made.lanes), 'lane')}, {each}: {counted(made.num_runs, 'run')} of "
            f"{count(made.budget)} steps, about {duration(race_choice.seconds(made))}{intervals}"
        )

    def action_start(self) -> None:
        """Start, once what was typed before Enter has arrived in its setting."""
        (self.focused or self).call_later(self._start)

    def _start(self) -> None:
        if self._started:
            return
        try:
            made = self._spec()
        except UserError as error:
            self.complain(str(error), title="Cannot start")
            return
        self._started = True
        configs = [lane.run_config() for lane in made.lanes]
        start_if_it_fits(self, configs, partial(self._begin, made), otherwise=self._stay)

    def _stay(self) -> None:
        """Nothing was started."""
        self._started = False

    def _begin(self, made: RaceSpec) -> None:
        try:
            race = directory.create(self.host.root, made)
            self.host.processes.append(start_process.start_process("engine.race", [race.process]))
        except UserError as error:
            self._stay()
            self.complain(str(error), title="Cannot start")
            return
        self.host.go_back()  # the race takes the place of the form
        self.host.open_race(race)
