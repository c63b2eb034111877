"""The quick experiment: a run's settings again, with a change, beside the run."""

from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

import presets
from engine.runs import run_directory
from engine.runs.run_directory import RunDir
from presets import userpresets
from presets.schema import RunConfig, plain
from support.seen import rows, text, until, until_shown
from tui import app as app_module
from tui.app import BigModelApp
from tui.screens.dashboard.screen import DashboardScreen
from tui.screens.launch.data_and_schedule import PreviewScreen
from tui.screens.launch.preset_list import PresetList
from tui.screens.launch.sample import SampleView
from tui.screens.launch.save import SaveScreen
from tui.screens.launch.screen import LaunchScreen
from tui.screens.runs import RunsScreen

SIZE = (160, 48)


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder of the user's own presets, which is not there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    userpresets.forget()
    yield tmp_path / "config" / "bigmodel-tui" / "presets"
    monkeypatch.undo()
    userpresets.forget()


def app_with(*runs: RunDir) -> BigModelApp:
    return BigModelApp(root=Path("runs"), runs=list(runs) or None)


def title(app: BigModelApp) -> str:
    return rows(app)[0].strip()


def sample(app: BigModelApp) -> str:
    return str(app.screen.query_one(SampleView).render())


def shown(app: BigModelApp) -> list[str]:
    assert isinstance(app.screen, DashboardScreen)
    return [run.id for run in app.screen.runs_shown()]


def differences(config: RunConfig, other: RunConfig) -> set[str]:
    return {key for key, value in plain(config).items() if plain(other)[key] != value}


async def type_into(pilot, key: str, typed: str) -> None:
    pilot.app.screen.query_one(f"#{key}", Input).focus()
    await pilot.press(*typed)
    await pilot.pause()


async def launch_again(pilot) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, DashboardScreen))
    await pilot.press("N")
    await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen))
    await until_shown(pilot, "59,338 parameters")


async def test_a_change_is_named_and_trained_beside_the_run(
    recorded: Callable[..., list[RunDir]], begun: list[list[RunDir]]
) -> None:
    (adam,) = recorded("adam")
    app = app_with(adam)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await launch_again(pilot)
        assert title(app) == "again adam, as it was begun; change something, Esc goes back"
        await type_into(pilot, "lr", "3e-4")
        await until(pilot, lambda: title(app) == "against adam: lr 0.001 -> 0.0003")
        assert app.screen.query_one("#lr").has_class("-changed")
        assert "Learning rate*3e-4" in text(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        ((new,),) = begun
        assert differences(adam.config(), new.config()) <= {"optimizer", "on_non_finite"}
        assert new.config().optimizer.options["lr"] == 3e-4
        assert shown(app) == [adam.id, new.id]
        await until_shown(pilot, "adam lr=0.0003")
        assert isinstance(app.screen, DashboardScreen)
        assert app.screen.run_at_hand() == new
        # Once more: beside both.
        await launch_again(pilot)
        await until(pilot, lambda: title(app).startswith("again adam lr=0.0003"))
        assert app.screen.query_one("#lr", Input).value == "0.0003"
        assert app.screen.query_one("#lr").has_class("-differs")
        assert not app.screen.query_one("#lr").has_class("-changed")
        await pilot.press("enter")
        await until(pilot, lambda: len(begun) == 2 and isinstance(app.screen, DashboardScreen))
        assert shown(app) == [adam.id, new.id, begun[1][0].id]


async def test_escape_goes_back_to_the_same_dashboard(
    recorded: Callable[..., list[RunDir]], begun: list[list[RunDir]]
) -> None:
    app = app_with(*recorded("adam", "sgd"))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "sgd")
        before = app.screen
        await pilot.press("down")
        await launch_again(pilot)
        assert title(app).startswith("again sgd")
        await type_into(pilot, "seed", "4")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is before)
        assert begun == []


async def test_other_presets_are_marked_and_all_are_trained(
    recorded: Callable[..., list[RunDir]], begun: list[list[RunDir]]
) -> None:
    runs = recorded("adam", "sgd")
    app = app_with(*runs)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await launch_again(pilot)
        await pilot.press("space", "down", "space")
        await until_shown(pilot, "Optimizer* was adam")
        assert "optimizer adam -> adam + adamw" in title(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        assert shown(app) == [*(run.id for run in runs), *(run.id for run in begun[0])]


async def test_from_the_list_it_is_shown_with_the_run_and_the_marked_ones(
    recorded: Callable[..., list[RunDir]], begun: list[list[RunDir]]
) -> None:
    adam, sgd = recorded("adam", "sgd")
    app = app_with()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "59,338 parameters")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        await until_shown(pilot, "2 runs")
        await pilot.press("space", "N")
        await until(pilot, lambda: title(app).startswith("again "))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        await pilot.press("down", "N")
        await until(pilot, lambda: title(app).startswith("again "))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        assert set(shown(app)) == {adam.id, sgd.id, begun[0][0].id}
        assert sum(isinstance(each, DashboardScreen) for each in app.screen_stack) == 1


async def test_at_most_so_many_runs_are_kept(
    recorded: Callable[..., list[RunDir]],
    begun: list[list[RunDir]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app_module, "MOST_LANES", 2)
    adam, sgd = recorded("adam", "sgd")
    app = app_with(adam, sgd)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await launch_again(pilot)
        await pilot.press("enter")
        await until_shown(pilot, "2 runs are shown; the oldest were left out")
        assert shown(app) == [adam.id, begun[0][0].id]


async def test_settings_that_cannot_be_read_are_said(
    recorded: Callable[..., list[RunDir]], begun: list[list[RunDir]]
) -> None:
    (adam,) = recorded("adam")
    app = app_with(adam)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        adam.config_path.write_text("model: [")
        await pilot.press("N")
        await until(pilot, lambda: len(app._notifications) == 1)
        (said,) = (note.message for note in app._notifications)
        assert said.startswith(f"{adam.config_path}: line 1: ")
        assert isinstance(app.screen, DashboardScreen)


async def test_the_last_choice_is_there_at_the_next_start(begun: list[list[RunDir]]) -> None:
    async with app_with().run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "59,338 parameters")
        await pilot.press("down", "space", "down", "space")
        await type_into(pilot, "seed", "7")
        await pilot.press("enter")
        await until(pilot, lambda: begun)
    app = app_with()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "2 runs, one after another")
        assert "[x] adamw" in text(app)
        assert "[x] gd" in text(app)
        assert app.screen.query_one("#seed", Input).value == "7"
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.screen.query_one("#seed", Input).value == "")
        assert "[x] adamw" in text(app)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "[x]" not in text(app))
        await until_shown(pilot, "59,338 parameters, 400 steps")
    app = app_with()  # it was left as the quickstart
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "59,338 parameters, 400 steps")
        assert "[x]" not in text(app)


async def test_what_cannot_be_trained_is_not_remembered(begun: list[list[RunDir]]) -> None:
    async with app_with().run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "59,338 parameters")
        await type_into(pilot, "lr", "fast")
    app = app_with()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "59,338 parameters")
        assert app.screen.query_one("#lr", Input).value == ""


async def test_a_list_narrows_while_typing(begun: list[list[RunDir]]) -> None:
    app = app_with()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "59,338 parameters")
        optimizers = app.screen.query_one("#optimizers", PresetList)
        everything = optimizers.option_count
        await pilot.press("slash", *"rmq")
        await until_shown(pilot, "nothing matches")
        assert optimizers.current == "rmsprop"  # what was at hand last
        await pilot.press("backspace")
        await until(pilot, lambda: 0 < optimizers.option_count < 9)
        assert optimizers.chosen == ["rmsprop"]
        await pilot.press("escape")
        await until(pilot, lambda: optimizers.option_count == everything)
        assert optimizers.chosen == ["adam"]
        # One packet of a slow link, letters that are keys elsewhere among them.
        for key, character in (("slash", "/"), *zip("prdg", "prdg", strict=True), ("enter", None)):
            app.post_message(events.Key(key, character))
        await until(pilot, lambda: optimizers.chosen == ["prodigy"])
        await until(pilot, lambda: optimizers.option_count == everything)
        assert isinstance(app.screen, LaunchScreen)
        assert begun == []
        await pilot.press("slash", *"whole", "tab")  # a word of descriptions; Tab takes it too
        await until(pilot, lambda: optimizers.option_count == everything)
        assert optimizers.chosen == ["gd"]


async def test_space_marks_in_a_narrowed_list(begun: list[list[RunDir]]) -> None:
    app = app_with()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "59,338 parameters")
        await pilot.press("slash", *"sgd", "space", "escape", "space")
        await until_shown(pilot, "2 optimizers marked")
        assert app.screen.query_one("#optimizers", PresetList).chosen == ["adam", "sgd"]


async def test_samples_follow_the_data_set(begun: list[list[RunDir]]) -> None:
    app = app_with()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "digits: 1,257 / 270 / 270 samples")
        await until_shown(pilot, "▀▀▀▀")
        datasets = app.screen.query_one("#datasets", PresetList)
        for name, words in (
            ("spirals", "class 2"),
            ("bible-en", "In the beginning"),
            ("csv", "dataset.path: missing"),
        ):
            datasets.choose(name)
            await until(pilot, lambda words=words: words in sample(app))
        await type_into(pilot, "schedule", "cosine")
        datasets.choose("digits")
        await until_shown(pilot, "learning rate over the steps")
        await until_shown(pilot, "▀▀▀▀")


@pytest.mark.parametrize("size", [SIZE, (80, 24)])
async def test_what_a_table_was_taken_for_is_said(
    begun: list[list[RunDir]], tmp_path: Path, size: tuple[int, int]
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"{row}.5,{row % 2}\n" for row in range(60)))
    app = app_with()
    async with app.run_test(size=size, notifications=True) as pilot:
        app.screen.query_one("#datasets", PresetList).choose("csv")
        await type_into(pilot, "more", f"dataset.path={path}")
        app.screen.query_one("#models").focus()
        await until_shown(
            pilot, "regression: y has numbers (0, 1); for classes: dataset.task=class"
        )
        if size == SIZE:
            await until(pilot, lambda: "predicts y: regression" in sample(app))
            for line in ("a", "0.5", "1.5", "2.5"):
                assert line in sample(app)


@pytest.mark.parametrize("close", ["escape", "q", "i"])
async def test_a_key_shows_data_and_schedule_where_there_is_little_room(
    begun: list[list[RunDir]], close: str
) -> None:
    app = app_with()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until_shown(pilot, "59,338 parameters")
        assert "▀▀▀▀" not in text(app)
        await type_into(pilot, "schedule", "cosine")
        app.screen.query_one("#models").focus()
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, PreviewScreen))
        await until_shown(pilot, "▀▀▀▀")
        await until_shown(pilot, "learning rate over the steps")
        await pilot.press(close)
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))


async def test_a_choice_is_kept_as_a_recipe_of_the_user_s(
    begun: list[list[RunDir]], own_folder: Path
) -> None:
    app = app_with()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "59,338 parameters")
        await type_into(pilot, "length", "33 steps")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, SaveScreen))
        await pilot.press(*"quickstart")
        await until_shown(pilot, "the name is that of the built-in recipe quickstart")
        await pilot.press("enter", *"-33")
        path = own_folder / "recipes" / "quickstart-33.yaml"
        await until_shown(pilot, "recipes/quickstart-33.yaml")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        assert path.stat().st_mode & 0o077 == 0
        assert presets.load("recipes", "quickstart-33").settings["steps"] == 33
        # It is not written over by accident.
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, SaveScreen))
        await pilot.press(*"quickstart-33", "enter")
        await until_shown(pilot, "Enter again replaces it")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        app.screen.query_one("#models").focus()
        await pilot.press("ctrl+r", "e", "slash", *"33")
        await until_shown(pilot, "yours: mlp on digits with adam: train for 33 steps")
        await pilot.press("enter")
        await until_shown(pilot, "59,338 parameters, 33 steps")
        assert "recipe quickstart-33" in title(app)
    assert [run.config() for run in run_directory.list_runs(Path("runs"))] == []


async def test_several_optimizers_are_no_recipe(
    begun: list[list[RunDir]], own_folder: Path
) -> None:
    app = app_with()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "59,338 parameters")
        await pilot.press("space", "down", "space", "ctrl+s")
        await until_shown(pilot, "a recipe has one optimizer; 2 are marked")
        await pilot.press(*"two", "enter")
        await until_shown(pilot, "a recipe has one optimizer; 2 are marked")
        assert isinstance(app.screen, SaveScreen)
        assert not own_folder.exists()


async def test_a_broken_preset_is_said_and_keeps_nothing_from_use(
    begun: list[list[RunDir]], own_folder: Path
) -> None:
    (own_folder / "recipes").mkdir(parents=True)
    (own_folder / "recipes" / "broken.yaml").write_text("model: [")
    userpresets.forget()
    app = app_with()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "59,338 parameters, 400 steps")
        assert "broken.yaml: line 1" in str(app.screen.query_one("#hint").render())
        await pilot.press("enter")
        await until(pilot, lambda: begun)
