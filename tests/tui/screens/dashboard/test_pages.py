"""The pages of layers and samples, and the profile, from recorded events."""

import math
from pathlib import Path

import pytest

from engine.runs.events import (
    Confusion,
    Histograms,
    Layers,
    Operation,
    Prediction,
    Predictions,
    Profiled,
    Restarted,
    RunStarted,
    SampleText,
)
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import Lock, RunDir
from support.dashboards import screen
from support.recorded import extended, record
from support.seen import rows, text, until, until_shown
from tui.app import BigModelApp
from tui.panels.layer_distribution import DistributionPanel
from tui.panels.layers import LayersPanel, health
from tui.panels.page_bar import PageBar
from tui.panels.panel import Panel
from tui.runs import loading
from tui.screens.dashboard.screen import DashboardScreen
from tui.screens.dashboard.step_profile import ProfileScreen

BAD = "[/foo][b]x\x1b]52;c;x\x07\x9b31m\u202e"
NAMES = ["conv1", "conv2", "head"]
PIXELS = [[(16 * row + 32 * column) % 256 for column in range(8)] for row in range(8)]


def layers(step: int, ratios: list[float | str] | None = None) -> Layers:
    return Layers(
        step=step,
        names=NAMES,
        kinds=["Conv2d", "Conv2d", "Linear"],
        values={
            "grad_norm": [0.5, 2.0, 0.1],
            "weight_norm": [3.0, 4.0, 5.0],
            "update_ratio": ratios or [-3.0, -0.5, -5.25],
            "dead": [0.25, 0.75, "nan"],
        },
        totals={"grad_cosine": 0.5 / step, "noise_scale": 100.0 * step},
    )


def histogram(step: int, of: str = "gradient") -> Histograms:
    counts = [[0] * 48 for _ in NAMES]
    for row, line in enumerate(counts):
        line[20 + 4 * row + (of == "weight") * 8] = 90
        line[10] = 10
    return Histograms(step=step, of=of, names=NAMES, low=-10.0, high=2.0, counts=counts)


def confusion(step: int, names: list[str] | None = None) -> Confusion:
    names = names or [str(index) for index in range(10)]
    counts = [[30 if a == b else (a * b) % 3 for b in range(len(names))] for a in range(len(names))]
    return Confusion(split="val", step=step, names=names, counts=counts)


def predictions(step: int, **changes: object) -> Predictions:
    right = Prediction(expected="3", predicted="3", correct=True, confidence=0.9, pixels=PIXELS)
    wrong = Prediction(expected="5", predicted="8", correct=False, confidence=0.6, pixels=PIXELS)
    samples = [wrong, right] * 4
    return Predictions(split="val", step=step, **{"samples": samples, **changes})


@pytest.fixture
def looked(terminal_environment: None) -> RunDir:
    looks = [event for step in (2, 4, 6) for event in (layers(step), histogram(step))]
    return extended("r-looked", *looks, histogram(6, "weight"), confusion(6), predictions(6))


def running(run: RunDir, size: tuple[int, int] = (160, 48)):
    app = BigModelApp(root=Path("runs"), runs=[run])
    return app, app.run_test(size=size, notifications=True)


async def open_page(pilot, page: int, words: str) -> None:
    await until_shown(pilot, "100%")
    await pilot.press(str(page))
    await until_shown(pilot, words)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
@pytest.mark.parametrize(("page", "words"), [(2, "conv1"), (3, "is 5")])
def test_picture(looked: RunDir, snap_compare, page: int, words: str, size) -> None:
    async def settled(pilot) -> None:
        await open_page(pilot, page, words)
        await until(pilot, lambda: not screen(pilot.app).stale)
        await pilot.pause()

    app = BigModelApp(root=Path("runs"), runs=[looked])
    assert snap_compare(app, terminal_size=size, run_before=settled)


async def test_a_sick_layer_is_seen_at_once(looked: RunDir) -> None:
    app, test = running(looked)
    async with test as pilot:
        await open_page(pilot, 2, "conv1 Conv2d")
        shown = text(app)
        assert "2 of 3 move too little or too much" in shown
        assert "[2 Layers]" in shown
        assert [health(ratio) for ratio in (-3.0, -4.0, -0.5, math.nan)] == [
            "success",
            "foreground",
            "error",
            "plot-ink",
        ]
        for words in ("-5.25", "-0.50", "75%", "Cosine of gradients", "Noise scale"):
            assert words in shown


def order(app: BigModelApp) -> list[str]:
    """The layers of the table from top to bottom."""
    lines = [strip.text for strip in app.screen.query_one("#layers", Panel)._strips[2:]]
    return [word for line in lines for word in line.split() if word in NAMES]


async def test_layers_are_sorted_and_selected(looked: RunDir) -> None:
    app, test = running(looked)
    async with test as pilot:
        await open_page(pilot, 2, "conv1 Conv2d")
        assert order(app) == NAMES
        await pilot.press("o")  # by update
        assert order(app) == ["conv2", "conv1", "head"]
        await pilot.press("o")  # by gradient
        assert order(app) == ["conv2", "conv1", "head"]
        await pilot.press("o", "o")  # by dead units, those without at the end
        assert order(app) == ["conv2", "conv1", "head"]
        await pilot.press("o")
        assert order(app) == NAMES
        distribution = app.screen.query_one(DistributionPanel)
        await pilot.press("down", "down")
        await pilot.pause()
        assert distribution._layer == "head"
        assert "|gradient| of head" in text(app)
        await pilot.press("w")
        assert "|weight| of head" in text(app)
        await pilot.press("pageup")
        await pilot.pause()
        assert "|weight| of conv1" in text(app)


async def test_many_layers_scroll(terminal_environment: None) -> None:
    names = [f"blocks.{index}.mlp" for index in range(150)]
    look = Layers(step=2, names=names, values={"update_ratio": [-3.0] * 150})
    app, test = running(extended("r", look), (80, 24))
    async with test as pilot:
        await open_page(pilot, 2, "blocks.0.mlp")
        for _ in range(15):
            await pilot.press("pagedown")
        await until_shown(pilot, "> blocks.149.mlp")
        assert app.screen.query_one(LayersPanel)._selected == "blocks.149.mlp"


async def test_confusion_and_pictures(looked: RunDir) -> None:
    app, test = running(looked)
    async with test as pilot:
        await open_page(pilot, 3, "NO 8 60% is 5")
        shown = text(app)
        right, total = 300, sum(map(sum, confusion(6).counts))
        assert f"validation, step 6: {right / total:.1%} right" in shown
        assert "4 of these are right" in shown
        assert "▀" in shown


async def test_classes_without_room_show_the_worst_pairs(terminal_environment: None) -> None:
    names = [f"class-{index}" for index in range(40)]
    event = confusion(6, names)
    event.counts[7][9] = 77
    app, test = running(extended("r", event), (80, 24))
    async with test as pilot:
        await open_page(pilot, 3, "40 classes; taken for another most often:")
        assert "77 class-7 taken for class-9" in text(app)


async def test_a_language_model_shows_what_it_writes(terminal_environment: None) -> None:
    texts = [SampleText(step=step, prompt="And ", text=f"it was {step}\nso.") for step in (2, 4)]
    app, test = running(extended("r", *texts), (80, 24))
    async with test as pilot:
        await open_page(pilot, 3, "And it was 4")
        shown = text(app)
        assert shown.index("it was 4") < shown.index("it was 2")
        assert "what it writes at step 4" in shown


async def test_earlier_texts_are_gone_back_to(terminal_environment: None) -> None:
    texts = [
        SampleText(step=step, prompt="And ", text=f"it was {step}\n" + "so.\n" * 20)
        for step in (2, 4, 6)
    ]
    run = extended("r", *texts, status=None)
    app, test = running(run, (80, 24))

    def lines() -> list[str]:
        return [s.text.strip() for s in app.screen.query_one("#samples", Panel)._strips]

    async with test as pilot:
        await until_shown(pilot, "after step 6")
        await pilot.press("3")
        await until_shown(pilot, "at step 6, 1 of 3")
        await pilot.press("pagedown")
        assert "at step 4, 2 of 3" in lines()[0]
        assert lines()[1:3] == ["step 4", "And it was 4"]
        await pilot.press("j")
        assert lines()[1] == "And it was 4"
        log = LogWriter(run.events_path)
        log.append(SampleText(step=8, prompt="And ", text="it was 8"))
        log.close()
        await until_shown(pilot, "at step 4, 3 of 4")
        assert lines()[1] == "And it was 4"  # who reads is not disturbed
        await pilot.press("k", "k")
        assert "at step 6, 2 of 4" in lines()[0]  # scrolled past its beginning
        await pilot.press("home")
        assert lines()[1:3] == ["step 8", "And it was 8"]
        await pilot.press("end")
        assert lines()[1] == "step 2"
        await pilot.press("pagedown", "pagedown", "pageup")
        assert lines()[1] == "step 4"


async def test_words_stand_in_for_pictures(terminal_environment: None) -> None:
    sample = Prediction(expected="1.5", predicted="0.2", correct=False, text="rooms=3 age=20")
    app, test = running(extended("r", predictions(6, samples=[sample])))
    async with test as pilot:
        await open_page(pilot, 3, "NO 0.2 is 1.5")
        assert "rooms=3 age=20" in text(app)


async def test_nothing_recorded_is_said_in_words(terminal_environment: None) -> None:
    _, test = running(record(Path("runs"), "r"))
    async with test as pilot:
        await open_page(pilot, 2, "no layer probe was recorded")
        await pilot.press("3")
        await until_shown(pilot, "none were recorded")
        await pilot.press("1")
        await until_shown(pilot, "Gradient norm")


@pytest.mark.parametrize("environment", ["plain", "utf-8"])
async def test_hostile_words_in_every_place(
    terminal_environment: None, monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    if environment == "plain":
        monkeypatch.setenv("LC_ALL", "C")
    sample = Prediction(expected=BAD, predicted=BAD, correct=False, text=BAD)
    events = [
        Layers(step=2, names=[BAD], kinds=[BAD], values={"update_ratio": [-3.0]}),
        Histograms(step=2, of="gradient", names=[BAD], low=-10, high=2, counts=[[1, 2]]),
        confusion(6, [BAD, "b"]),
        predictions(6, samples=[sample]),
        Profiled(first_step=1, last_step=2, trace=BAD, operations=[]),
    ]
    app, test = running(extended("r", *events))
    async with test as pilot:
        for page, words in ((2, "foo"), (3, "foo")):
            await open_page(pilot, page, words)
            shown = text(app)
            assert not set("\x1b\x07\x9b\u202e") & set(shown)
        if environment == "plain":
            assert shown.isascii()
        await pilot.press("Y")
        await until_shown(pilot, "Steps 1 to 2")


def test_a_damaged_look_is_drawn_as_far_as_it_goes() -> None:
    """Columns of another length than the names, and none at all."""
    from tui.panels.layer_distribution import _column, _rebin
    from tui.panels.layers import numbers

    look = Layers(step=2, names=NAMES, values={"update_ratio": [-3.0]})
    assert numbers(look, "update_ratio")[0] == -3.0
    assert all(math.isnan(value) for value in numbers(look, "update_ratio")[1:])
    assert all(math.isnan(value) for value in numbers(look, "dead"))
    assert (
        _column(Histograms(step=1, of="weight", names=["a"], low=0, high=1, counts=[]), "a") == []
    )
    assert sum(_rebin([1, 2, 3, 4], 3)) == pytest.approx(1.0)
    assert _rebin([0, 0], 2) == [0.0, 0.0]


def test_a_restart_voids_what_was_seen_after_it(terminal_environment: None) -> None:
    looks = [event for step in (2, 4, 6) for event in (layers(step), histogram(step))]
    texts = [SampleText(step=step, prompt="a", text="b") for step in (2, 6)]
    back = Restarted(step=4, checkpoint="", attempt=1, reason="resume")
    run = extended("r", *looks, *texts, confusion(6), predictions(4), back, status=None)
    state = loading.load(run)
    assert [look.step for look in state.histograms["gradient"]] == [2, 4]
    assert [sample.step for sample in state.texts] == [2]
    assert state.layers is None
    assert state.confusion is None
    assert state.predictions is not None
    assert state.metrics["grad_cosine"].steps.tolist() == [2, 4]


async def test_a_profile_opens_when_it_comes(terminal_environment: None) -> None:
    run = record(Path("runs"), "r", status=None)
    lock = Lock(run)
    app, test = running(run)
    async with test as pilot:
        await until_shown(pilot, "running")
        await pilot.press("Y")
        await until_shown(pilot, "No steps of this run were profiled")
        await pilot.press("y")
        await until(pilot, lambda: list(run.control_path.glob("*.json")))
        assert '"profile"' in next(run.control_path.glob("*.json")).read_text()
        log = LogWriter(run.events_path)
        operation = Operation(name="aten::addmm", calls=80, seconds=0.0123, share=0.41)
        trace = "profiles/step-00000007.json.gz"
        log.append(Profiled(first_step=7, last_step=26, operations=[operation], trace=trace))
        log.close()
        await until_shown(pilot, "Steps 7 to 26")
        assert isinstance(app.screen, ProfileScreen)
        shown = text(app)
        for words in ("aten::addmm", "41.0%", "12.3 ms", trace):
            assert words in shown
        await pilot.press("escape")
        assert isinstance(app.screen, DashboardScreen)
    lock.release()


async def test_a_long_operation_stays_on_its_line(terminal_environment: None) -> None:
    run = record(Path("runs"), "r", status=None)
    app, test = running(run, size=(80, 24))
    async with test as pilot:
        await until_shown(pilot, "Gradient norm")
        names = ["autograd::engine::evaluate_function: AddmmBackward0", "aten::mm"]
        operations = [Operation(name=n, calls=80, seconds=0.01, share=0.4) for n in names]
        app.push_screen(
            ProfileScreen(Profiled(first_step=7, last_step=26, operations=operations, trace="t"))
        )
        await until_shown(pilot, "aten::mm")
        lines = [row for row in rows(app) if "40.0%" in row]
        assert [name[:16] in line for name, line in zip(names, lines, strict=True)] == [True, True]
        assert "…" in lines[0]
        first = next(i for i, row in enumerate(rows(app)) if "40.0%" in row)
        assert "40.0%" in rows(app)[first + 1]


@pytest.mark.parametrize("width", [72, 160])
async def test_a_click_on_the_line_of_pages_turns_to_one(looked: RunDir, width: int) -> None:
    app, test = running(looked, (width, 48))
    async with test as pilot:
        await until_shown(pilot, "100%")
        place = text(app).splitlines()[2].index("6 Run")
        await pilot.click("#pages", offset=(place + 1, 0))
        await until_shown(pilot, "[6 Run]")
        await pilot.click("#pages", offset=(2, 0))
        await until_shown(pilot, "[1 Cur")


def test_where_names_have_no_room_they_are_short() -> None:
    panel = PageBar(["Curves", "Layers", "Run"], id="pages")
    assert panel._words(40) == ["[1 Curves]", " 2 Layers ", " 3 Run "]
    assert panel._words(24) == ["[1 Cur]", " 2 Lay ", " 3 Run "]


async def test_panels_follow_the_task(terminal_environment: None) -> None:
    run = record(Path("runs"), "r")
    lines = run.events_path.read_bytes().splitlines(keepends=True)
    run.events_path.unlink()
    log = LogWriter(run.events_path)
    state = loading.load(record(Path("runs"), "other"))
    started = state.started
    assert started is not None
    log.append(
        RunStarted(
            config=started.config,
            device="cpu",
            num_parameters=3,
            planned_steps=6,
            steps_per_epoch=2,
            samples={},
            task="language",
            parameters=["embedding.weight", "head.weight"],
        )
    )
    log.close()
    with run.events_path.open("ab") as file:
        file.writelines(lines[1:])
    app, test = running(run)
    async with test as pilot:
        await until_shown(pilot, "100%")
        await until_shown(pilot, "Bits per character")
        assert "Tokens per second" in text(app)
        await pilot.press("3")
        await until_shown(pilot, "none were recorded")
        assert "Confusion" not in text(app)  # the samples have the page for themselves
        assert app.screen.query_one("#samples").size.width == 160
        await pilot.press("1", "A")
        await until_shown(pilot, "[ ] Confusion")
