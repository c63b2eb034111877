"""The launch screen: every key of its footer, and settings that are wrong."""

from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

import presets
from engine.runs import run_directory, start_process
from engine.runs.run_directory import Lock, RunDir
from presets import UserError
from presets.schema import RunConfig, plain
from support.seen import rows, text, until, until_shown
from tui.app import BigModelApp
from tui.choices.choice import FIELDS
from tui.panels import keys
from tui.screens.dashboard.screen import DashboardScreen
from tui.screens.help import HelpScreen
from tui.screens.launch.preset_list import PresetList
from tui.screens.launch.screen import LaunchScreen

SIZE = (160, 48)


@pytest.fixture
def app(begun: list[list[RunDir]]) -> BigModelApp:
    return BigModelApp(root=Path("runs"))


def created() -> list[RunConfig]:
    """The configurations of all runs on the disk."""
    return [run.config() for run in run_directory.list_runs(Path("runs"))]


def summary(app: BigModelApp) -> str:
    return str(app.screen.query_one("#summary").render())


def hint(app: BigModelApp) -> str:
    return str(app.screen.query_one("#hint").render())


async def type_into(pilot, key: str, typed: str) -> None:
    pilot.app.screen.query_one(f"#{key}", Input).focus()
    await pilot.press(*typed)
    await pilot.pause()


async def test_enter_starts_the_quickstart(app: BigModelApp, begun: list[list[RunDir]]) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "59,338 parameters, 400 steps, about")
        assert "runs go to runs/" in text(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        ((run,),) = begun
        config = run.config()
        assert (config.model.name, config.dataset.name) == ("mlp", "digits")
        assert (config.optimizer.name, config.seed, config.epochs) == ("adam", 0, 10)
        assert created() == [config]
        lock = Lock(run, sign=False)  # as an engine that was started inherits it
        try:
            await until_shown(pilot, "queued")
        finally:
            lock.release()


async def test_two_quick_enters_start_one_run(app: BigModelApp, begun: list[list[RunDir]]) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.pause()
        for _ in range(3):
            app.post_message(events.Key("enter", None))
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        await pilot.pause()
        assert len(begun) == 1
        assert len(created()) == 1


async def test_space_marks_optimizers_which_run_in_order_from_one_seed(
    app: BigModelApp, begun: list[list[RunDir]]
) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        # the list has adam, adamw, gd, momentum, sgd, and the quickstart's adam is at hand
        await pilot.press("down", "down", "down", "down", "space", "k", "space", "up", "up")
        await pilot.press("up", "space")
        await until_shown(pilot, "3 runs, one after another, 59,338 parameters")
        shown = text(app)
        for marked in ("[x] adam ", "[x] momentum", "[x] sgd", "[ ] adamw", "[ ] gd"):
            assert marked in shown
        assert "3 optimizers marked" in hint(app)
        assert "varies" in shown
        await type_into(pilot, "seed", "11")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        (runs,) = begun
        configs = [run.config() for run in runs]
        assert [config.optimizer.name for config in configs] == ["adam", "momentum", "sgd"]
        assert [config.seed for config in configs] == [11, 11, 11]
        for config in configs[1:]:
            differences = {
                key for key, value in plain(config).items() if plain(configs[0])[key] != value
            }
            assert differences == {"optimizer"}
        assert len(created()) == 3
        await until_shown(pilot, "momentum")


async def test_space_takes_a_mark_away(app: BigModelApp, begun: list[list[RunDir]]) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("space", "down", "space", "up", "space")
        await until_shown(pilot, "[x] adamw")
        assert "[ ] adam " in text(app)
        await pilot.press("enter")
        await until(pilot, lambda: begun)
        assert [run.config().optimizer.name for run in begun[0]] == ["adamw"]


async def test_space_elsewhere_says_where_it_works(app: BigModelApp) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("shift+tab", "space")
        await until_shown(pilot, "Space marks optimizers")


async def test_the_lists_choose_model_and_data(app: BigModelApp, begun: list[list[RunDir]]) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("left", "j")  # from the optimizers to the data sets
        await pilot.press("left", "k", "up")
        await until_shown(pilot, "fashion-mnist")
        await pilot.press("enter")
        await until(pilot, lambda: begun)
        config = begun[0][0].config()
        assert (config.model.name, config.dataset.name) == ("cnn-small", "fashion-mnist")


async def test_tab_goes_through_lists_and_settings_in_the_order_they_are_read(
    app: BigModelApp,
) -> None:
    order = ["optimizers", *(field.key for field in FIELDS), "models", "datasets", "optimizers"]
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.pause()
        focused = [app.focused.id if app.focused else None]
        for _ in range(len(order) - 1):
            await pilot.press("tab")
            focused.append(app.focused.id if app.focused else None)
        assert focused == order
        await pilot.press("shift+tab")
        assert app.focused is not None
        assert app.focused.id == "datasets"


@pytest.mark.parametrize(
    ("key", "typed", "said"),
    [
        ("lr", "-1", "optimizer.lr: expected a number > 0.0, got -1"),
        ("lr", "fast", "optimizer.lr: expected a number, got 'fast'"),
        ("lr", "[/foo]", "optimizer.lr: expected a number, got ['/foo']"),
        ("clip", "hard", "such as 'norm 1.0', got 'hard'"),
        ("length", "soon", "epochs: expected"),
        ("batch", "0", "batch_size: expected"),
        ("device", "gpu", "device: expected auto, cpu, cuda or cuda:N, got 'gpu'"),
    ],
)
async def test_a_wrong_setting_is_explained_as_it_is_typed_and_starts_nothing(
    app: BigModelApp, begun: list[list[RunDir]], key: str, typed: str, said: str
) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await type_into(pilot, key, typed)
        await until(pilot, lambda: said in summary(app))
        assert said in hint(app)
        assert app.screen.query_one(f"#{key}").has_class("-wrong")
        assert len([row for row in rows(app) if said in row]) == 2  # the hint and the summary
        await pilot.press("enter")
        await until_shown(pilot, "Cannot start")
        assert isinstance(app.screen, LaunchScreen)
        assert begun == []
        assert created() == []


async def test_a_setting_that_becomes_right_starts(
    app: BigModelApp, begun: list[list[RunDir]]
) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await type_into(pilot, "lr", "3e")
        await until(pilot, lambda: "expected a number, got '3e'" in summary(app))
        await pilot.press("-", "4")
        await until(pilot, lambda: "parameters" in summary(app))
        assert not app.screen.query_one("#lr").has_class("-wrong")
        await type_into(pilot, "clip", "value 0.5")
        await type_into(pilot, "length", "25 steps")
        await pilot.press("enter")
        await until(pilot, lambda: begun)
        config = begun[0][0].config()
        assert config.optimizer.options["lr"] == 3e-4
        assert (config.clip.mode, config.clip.threshold) == ("value", 0.5)
        assert (config.steps, config.epochs) == (25, None)


async def test_text_typed_quickly_goes_to_the_fields_that_tab_reaches(
    app: BigModelApp, begun: list[list[RunDir]]
) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.pause()
        app.screen.query_one("#lr", Input).focus()
        await pilot.pause()
        # One packet of a slow link, faster than focus could settle.
        for key in ("0", ".", "1", "tab", *"cosine", "tab", *"none", "tab", "tab", "4"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: app.screen.query_one("#seed", Input).value == "4")
        assert app.screen.query_one("#lr", Input).value == "0.1"
        assert app.screen.query_one("#schedule", Input).value == "cosine"
        assert app.screen.query_one("#clip", Input).value == "none"


async def test_ctrl_r_takes_all_settings_from_the_presets_again(
    app: BigModelApp, begun: list[list[RunDir]]
) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await type_into(pilot, "lr", "-1")
        await type_into(pilot, "seed", "9")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "parameters" in summary(app))
        assert {widget.value for widget in app.screen.query(Input)} == {""}
        await pilot.press("enter")
        await until(pilot, lambda: begun)
        assert begun[0][0].config().seed == 0


async def test_q_leaves_but_is_a_letter_in_a_setting(app: BigModelApp) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await type_into(pilot, "device", "q?")
        assert app.screen.query_one("#device", Input).value == "q?"
        assert app.is_running
        await pilot.press(*["shift+tab"] * 8, "q")
        await pilot.pause()
        assert app.return_code == 0
        assert not app.is_running


async def test_ctrl_q_leaves_from_a_setting(app: BigModelApp) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await type_into(pilot, "device", "cuda")
        await pilot.press("ctrl+q")
        await pilot.pause()
        assert not app.is_running


@pytest.mark.parametrize("close", ["escape", "q", "question_mark"])
async def test_help_names_every_key_and_closes(
    app: BigModelApp, begun: list[list[RunDir]], close: str
) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await until_shown(pilot, "Esc closes")
        for key, what in keys.lines(LaunchScreen):
            assert key in text(app)
            assert " ".join(what.split()[:3]) in text(app)
        assert "Gradient norm:" not in text(app)  # there is no plot here
        await pilot.press("enter")  # belongs to the screen under it
        assert begun == []
        await pilot.press(close)
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        assert app.is_running


async def test_f1_helps_while_typing(app: BigModelApp) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: "? Help" in rows(app)[-1])
        await type_into(pilot, "lr", "0.1")
        await until(pilot, lambda: "F1 Help" in rows(app)[-1])
        assert "?" not in rows(app)[-1]
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))


async def test_the_footer_names_the_keys(app: BigModelApp) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        # It is composed anew when the size is known, and empty for a moment.
        await until(pilot, lambda: "? Help" in rows(app)[-1])
        footer = rows(app)[-1]
        for words in (
            "Enter Start",
            "Space Mark",
            "Tab Next",
            "/ Filter",
            "i Data",
            "Ctrl+S Keep",
            "Ctrl+R Presets",
            "q Quit",
            "? Help",
        ):
            assert words in footer


async def test_a_runs_directory_that_is_a_file_is_said_and_nothing_starts(
    app: BigModelApp, begun: list[list[RunDir]]
) -> None:
    Path("runs").write_text("not a folder")
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("enter")
        await until_shown(pilot, "Cannot start")
        assert "runs directory runs: cannot be written" in " ".join(text(app).split())
        assert isinstance(app.screen, LaunchScreen)
        assert begun == []


async def test_an_engine_that_cannot_be_started_is_said(
    app: BigModelApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(runs: list[RunDir]) -> None:
        raise UserError("cannot start the engine: [/foo] no memory")

    monkeypatch.setattr(start_process, "start", start)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("enter")
        await until_shown(pilot, "[/foo] no memory")
        assert isinstance(app.screen, LaunchScreen)


async def test_the_command_palette_offers_each_action_once(app: BigModelApp) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.pause()
        titles = [command.title for command in app.get_system_commands(app.screen)]
        for title in ("Start", "Mark", "Presets", "Quit", "Help"):
            assert titles.count(title) == 1
        assert "palette" not in titles


async def test_the_command_palette_starts_a_run(
    app: BigModelApp, begun: list[list[RunDir]]
) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("ctrl+p")
        await until_shown(pilot, "Search for commands")
        await pilot.press(*"start")
        await until_shown(pilot, "Train what is chosen")
        await pilot.press("down", "enter")
        await until(pilot, lambda: begun)


@pytest.mark.parametrize("size", [(72, 20), (80, 24), (200, 60)])
async def test_everything_has_its_place_at_any_size(
    app: BigModelApp, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await until_shown(pilot, "59,338 parameters")
        shown = text(app)
        for words in ("Model", "Data set", "Optimizer", "mlp", "digits", "adam", "adamw"):
            assert words in shown
        for field in FIELDS:
            assert field.label in shown
        assert "Enter" in rows(app)[-1]


async def test_a_plain_terminal_gets_ascii_only(
    begun: list[list[RunDir]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "vt100")
    app = BigModelApp(root=Path("runs"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "59,338 parameters")
        assert text(app).isascii()
        await pilot.press("question_mark")
        await until_shown(pilot, "Esc closes")
        assert text(app).isascii()


async def test_three_steps_while_there_are_no_runs(terminal_environment: None) -> None:
    Path("runs").mkdir()
    async with BigModelApp(root=Path("runs")).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "1 choose with the arrows   2 Enter trains   3 q leaves")
    Path("runs/some-run").mkdir()
    app = BigModelApp(root=Path("runs"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "Space marks several optimizers")
        assert "Enter trains" not in text(app)


async def test_models_that_need_other_data_say_so_at_80_columns(app: BigModelApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "mlp")
        models = app.screen.query_one("#models", PresetList)
        width = models.scrollable_content_region.width
        models.annotate(dict.fromkeys(models._names, "needs text data"))
        lines = [models.prompt(name).plain for name in models._names]
        notes = {
            line.removeprefix(name).strip() for name, line in zip(models._names, lines, strict=True)
        }
        assert {"needs text", "text"} & notes
        assert notes <= {"needs text data", "needs text", "text", "-", ""}
        assert max(map(len, lines)) <= width


async def test_descriptions_of_recipes_go_on_under_their_column(app: BigModelApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "mlp")
        await pilot.press("e")
        await until_shown(pilot, "Enter takes it")
        inner = [row.strip().strip("│") for row in rows(app) if row.strip().startswith("│")]
        names = presets.names("recipes")
        lines = [line for line in inner if line.strip()]
        more = [line for line in lines if line.split()[0] not in names]
        first = [line.split()[0] for line in lines if line not in more]
        assert len(first) > 5
        assert first == names[names.index(first[0]) :][: len(first)]
        column = 1 + max(map(len, names)) + 2
        assert {len(line) - len(line.lstrip()) for line in more} == {column}
