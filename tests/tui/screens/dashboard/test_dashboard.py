"""The dashboard of recorded runs: every key of its footer, what goes wrong, and any size."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.widget import Widget

from engine.config import configure, estimate
from engine.runs import run_directory
from engine.runs.events import Evaluation, LogLine, RunEnded, RunStarted, Scalars
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import Lock, RunDir
from presets.schema import plain
from support.recorded import IDS, record
from support.seen import rows, text, until, until_shown
from tui.app import BigModelApp
from tui.panels.curves import CurvesPanel
from tui.panels.panel import Panel
from tui.screens.dashboard.screen import DashboardScreen
from tui.screens.help import HelpScreen
from tui.screens.launch.screen import LaunchScreen
from tui.screens.quit import QuitScreen
from tui.screens.too_small import TooSmallScreen

SIZE = (160, 48)
BAD = "[/foo][b]x\x1b]52;c;x\x07\x9b31m\u202e"


def dashboard(*runs: RunDir) -> BigModelApp:
    return BigModelApp(root=Path("runs"), runs=list(runs))


def running(app: BigModelApp, size: tuple[int, int] = SIZE):
    return app.run_test(size=size, notifications=True)


def screen(app: BigModelApp) -> DashboardScreen:
    assert isinstance(app.screen, DashboardScreen)
    return app.screen


def commands(run: RunDir) -> list[str]:
    """The commands that wait for the engine."""
    return [json.loads(path.read_text())["command"] for path in run.control_path.glob("*.json")]


def table(app: BigModelApp) -> list[str]:
    """The lines of the list of runs under its title, without empty ones."""
    lines = [strip.text for strip in app.screen.query_one("#runs", Panel)._strips[1:]]
    return [line for line in lines if line.strip()]


def selected(app: BigModelApp) -> str:
    """The row of the list of runs that is marked."""
    (row,) = [line for line in table(app) if line.startswith(">")]
    return row


@pytest.fixture
def active(terminal_environment: None) -> Iterator[RunDir]:
    """A run that trains, as far as anyone can see: its log has no end and its lock is held."""
    run = record(Path("runs"), "r-active", status=None)
    lock = Lock(run)
    yield run
    lock.release()


async def test_a_finished_run_is_shown_with_all_that_is_known(
    recorded: Callable[..., list[RunDir]],
) -> None:
    app = dashboard(*recorded("adam"))
    async with running(app) as pilot:
        await until_shown(pilot, "step 120/120  epoch 3/3")
        shown = text(app)
        for words in (
            "done  adam  mlp on digits",
            "all 120 steps done",
            "100%",
            "Loss",
            "val 0.5699",
            "Accuracy",
            "val 0.9481",
            "Gradient norm",
            "of the last 100 steps",
            "clips",
            "Learning rate",
            "Samples per second",
            "mlp hidden=256-128-64 batch_norm=true",
            "59,338",
            "norm 1.0",
            "epoch 3/3: test loss 0.6204, accuracy 0.9333",
        ):
            assert words in shown
        assert table(app)[1].split() == ["adam", "done", "0.948", "0.948", "0.933"]
        assert not any("damaged" in row for row in rows(app))


async def test_several_runs_are_told_apart_and_compared(
    recorded: Callable[..., list[RunDir]],
) -> None:
    app = dashboard(*recorded("adam", "sgd"))
    async with running(app) as pilot:
        await until_shown(pilot, "training, smoothed")
        await until(pilot, lambda: text(app).count("done") >= 3)
        assert [row.split() for row in table(app)] == [
            ["best", "final", "test"],
            [">───", "adam", "done", "0.948", "0.948", "0.933"],
            ["╌╌╌", "sgd", "done", "0.889", "0.889", "0.867"],
        ]
        traces = app.screen.query_one("#loss", CurvesPanel).traces(screen(app)._view)
        assert [(t.state.id, t.smooth, t.behind) for t in traces] == [
            (IDS["sgd"], "ema", False),
            (IDS["adam"], "", True),  # the raw values of the selected run
            (IDS["adam"], "ema", False),
        ]
        assert len({trace.color for trace in traces}) == 3
        assert {len(trace.raw) for trace in traces} == {120}


async def test_v_changes_between_training_and_validation(
    recorded: Callable[..., list[RunDir]],
) -> None:
    app = dashboard(*recorded("adam", "sgd"))
    async with running(app) as pilot:
        await until_shown(pilot, "training, smoothed")
        await pilot.press("v")
        await until_shown(pilot, "Loss  validation")
        assert "training, smoothed" not in text(app)
        view = screen(app)._view
        loss = app.screen.query_one("#loss", CurvesPanel).traces(view)
        assert [trace.raw.steps.tolist() for trace in loss] == [[40, 80, 120]] * 2
        assert not any(trace.smooth or trace.behind for trace in loss)
        await pilot.press("v")
        await until_shown(pilot, "Loss  training, smoothed")


async def test_v_with_one_run_says_that_both_are_shown(
    recorded: Callable[..., list[RunDir]],
) -> None:
    app = dashboard(*recorded("adam"))
    async with running(app) as pilot:
        await until_shown(pilot, "done")
        await pilot.press("v")
        await until_shown(pilot, "One run shows both")


async def test_the_arrows_and_j_and_k_select_a_run(
    recorded: Callable[..., list[RunDir]],
) -> None:
    app = dashboard(*recorded("adam", "sgd", "failed"))
    async with running(app) as pilot:
        await until(pilot, lambda: text(app).count("done") >= 2)
        names = []
        for key in ("down", "j", "j", "up", "k"):
            await pilot.press(key)
            await pilot.pause()
            names.append(" ".join(selected(app).split()[1:3]))
        assert names == [
            "sgd done",
            "adam device=cuda:0",
            "adam done",
            "adam device=cuda:0",
            "sgd done",
        ]
        assert "sgd" in rows(app)[0]
        assert "optimizer  sgd" in text(app)


async def test_a_click_selects_a_run(recorded: Callable[..., list[RunDir]]) -> None:
    app = dashboard(*recorded("adam", "sgd"))
    async with running(app) as pilot:
        await until(pilot, lambda: text(app).count("done") >= 3)
        await pilot.click("#runs", offset=(10, 3))  # title, head, adam, sgd
        await pilot.pause()
        assert "sgd" in selected(app)


async def test_s_leaves_one_stop_command_for_the_run_that_trains(active: RunDir) -> None:
    app = dashboard(active)
    async with running(app) as pilot:
        await until_shown(pilot, "running")
        await pilot.press("s")
        await until_shown(pilot, "stops after this step")
        assert commands(active) == ["stop"]
        assert len(list(active.control_path.iterdir())) == 1


async def test_s_says_so_when_a_run_has_ended(recorded: Callable[..., list[RunDir]]) -> None:
    (run,) = recorded("adam")
    app = dashboard(run)
    async with running(app) as pilot:
        await until_shown(pilot, "100%")
        await pilot.press("s")
        await until_shown(pilot, "already done")
        assert list(run.control_path.iterdir()) == []


async def test_s_that_cannot_be_written_is_said(active: RunDir) -> None:
    active.control_path.rmdir()
    active.control_path.write_text("in the way")
    app = dashboard(active)
    async with running(app) as pilot:
        await until_shown(pilot, "running")
        await pilot.press("s")
        await until_shown(pilot, "cannot be written")


async def test_m_shows_a_panel_alone_and_back(recorded: Callable[..., list[RunDir]]) -> None:
    app = dashboard(*recorded("adam"))
    async with running(app) as pilot:
        await until_shown(pilot, "Configuration")
        await pilot.press("m")
        await until(pilot, lambda: "Configuration" not in text(app))
        assert app.screen.maximized is app.screen.query_one("#loss")
        await until(pilot, lambda: app.screen.query_one("#loss").size.width > 140)
        await pilot.pause()
        loss = app.screen.query_one("#loss", Panel)
        assert loss._strips[1].cell_length == loss.size.width
        # the x axis of the large plot ends at the right edge
        assert loss._strips[-1].text.rstrip().endswith("120")
        assert len(loss._strips[-1].text.rstrip()) > 140
        await pilot.press("m")
        await until_shown(pilot, "Configuration")
        await pilot.press("tab", "tab", "m")  # the loss has the focus
        await until(pilot, lambda: "Configuration" not in text(app))
        assert app.screen.maximized is app.screen.query_one("#gradients")
        await pilot.press("escape")
        await until_shown(pilot, "Configuration")


async def test_the_panel_at_hand_is_seen_although_nothing_is_new(
    recorded: Callable[..., list[RunDir]],
) -> None:
    app = dashboard(*recorded("adam"))
    async with running(app) as pilot:
        await until_shown(pilot, "100%")
        await until(pilot, lambda: not screen(app).stale)
        await pilot.press("tab", "tab")
        drawn = [panel for panel in app.screen.query(Panel) if panel._strips]
        (one,) = [panel for panel in drawn if "━" in panel._strips[0].text]
        assert one is app.screen.focused is app.screen.query_one("#gradients")


async def test_a_maximized_panel_goes_on_and_so_do_the_others(active: RunDir) -> None:
    app = dashboard(active)
    async with running(app) as pilot:
        await until_shown(pilot, "step 6/6")
        await pilot.press("m")
        await until(pilot, lambda: "Configuration" not in text(app))
        log = LogWriter(active.events_path)
        values = {"train/loss": [0.125], "grad_norm": [9.0], "clipped": [1.0], "lr": [0.5]}
        log.append(Scalars(step=[7], seconds=[2.0], values=values))
        log.append(LogLine(level="info", message="written while maximized"))
        log.close()
        await until_shown(pilot, "train 0.125")
        await pilot.press("m")
        await until_shown(pilot, "written while maximized")


async def test_n_goes_to_the_launch_screen_and_the_feed_ends(
    recorded: Callable[..., list[RunDir]],
) -> None:
    def feeds() -> int:
        return sum(thread.name == "feed" for thread in threading.enumerate())

    before = feeds()
    app = dashboard(*recorded("adam"))
    async with running(app) as pilot:
        await until_shown(pilot, "100%")
        await pilot.press("n")
        await until_shown(pilot, "choose what to train")
        assert isinstance(app.screen, LaunchScreen)
        await until(pilot, lambda: feeds() <= before)


async def test_q_leaves_at_once_when_nothing_trains(
    recorded: Callable[..., list[RunDir]],
) -> None:
    app = dashboard(*recorded("adam", "failed"))
    async with running(app) as pilot:
        await until_shown(pilot, "100%")
        await until(pilot, lambda: "failed" in text(app))
        await pilot.press("q")
        await pilot.pause()
        assert not app.is_running
        assert app.return_code == 0


@pytest.mark.parametrize("key", ["l", "enter"])
async def test_q_and_l_leave_the_run_alone(active: RunDir, key: str) -> None:
    app = dashboard(active)
    async with running(app) as pilot:
        await until_shown(pilot, "running")
        await pilot.press("q")
        await until_shown(pilot, "A run is still training")
        assert app.is_running
        await pilot.press(key)
        await pilot.pause()
        assert not app.is_running
        assert commands(active) == []
        (said,) = app._exit_renderables
        assert "bigmodel-tui watch" in str(said)
        assert active.id in str(said)


async def test_q_and_s_stop_the_run_and_leave(active: RunDir) -> None:
    app = dashboard(active)
    async with running(app) as pilot:
        await until_shown(pilot, "running")
        await pilot.press("q")
        await until_shown(pilot, "still training")
        await pilot.press("s")
        await pilot.pause()
        assert not app.is_running
        assert commands(active) == ["stop"]


@pytest.mark.parametrize("key", ["c", "escape"])
async def test_q_and_c_stay(active: RunDir, key: str) -> None:
    app = dashboard(active)
    async with running(app) as pilot:
        await until_shown(pilot, "running")
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, QuitScreen))
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        assert app.is_running
        assert commands(active) == []


async def test_q_counts_several_runs_and_stops_each_that_trains(
    active: RunDir, recorded: Callable[..., list[RunDir]]
) -> None:
    second = record(Path("runs"), "r-second", status=None, seed=1)
    (ended,) = recorded("adam")
    lock = Lock(second)
    try:
        app = dashboard(active, ended, second)
        async with running(app) as pilot:
            await until(pilot, lambda: text(app).count("running") >= 3)
            await pilot.press("q")
            await until_shown(pilot, "2 runs are still training")
            await pilot.press("s")
            await pilot.pause()
        assert (commands(active), commands(second), commands(ended)) == (["stop"], ["stop"], [])
    finally:
        lock.release()


async def test_toasts_leave_the_prompt_in_sight(active: RunDir) -> None:
    app = dashboard(active)
    async with running(app, (80, 24)) as pilot:
        await until_shown(pilot, "running")
        app.notify("said before")
        await until_shown(pilot, "said before")
        await pilot.press("l", *"abc", "enter")
        await until_shown(pilot, "learning rate: expected a number > 0")
        assert "said before" not in text(app)
        app.notify("said meanwhile")
        await until_shown(pilot, "said meanwhile")
        prompt = app.screen.query_one("#prompt").region.y
        (toast,) = app.screen.query("Toast")
        assert 0 < toast.region.bottom <= prompt
        assert "abc" in rows(app)[prompt]
        assert "F1 Help" in rows(app)[-1]
        await pilot.press("escape")
        await until(pilot, lambda: "? Help" in rows(app)[-1])


@pytest.mark.parametrize("close", ["escape", "q", "question_mark"])
async def test_help_names_every_key_and_closes(
    recorded: Callable[..., list[RunDir]], close: str
) -> None:
    app = dashboard(*recorded("adam"))
    async with running(app, (160, 80)) as pilot:  # all of them without scrolling
        await until_shown(pilot, "100%")
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await until_shown(pilot, "Esc closes")
        box, shown = app.screen.query_one("#help"), ""
        for line in range(0, int(box.max_scroll_y) + 20, 20):
            box.scroll_to(y=line, animate=False)
            await pilot.pause()
            shown += text(app)
        for key, what in DashboardScreen.KEYS:
            assert key in shown
            assert " ".join(what.split()[:3]) in shown
        assert "Gradient norm: the global L2 norm" in shown
        await pilot.press(close)
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        assert app.is_running


async def test_the_footer_names_the_keys(recorded: Callable[..., list[RunDir]]) -> None:
    app = dashboard(*recorded("adam"))
    async with running(app, (80, 24)) as pilot:
        await until_shown(pilot, "100%")
        for words in ("p Pause", "s Stop", "c Save", "l Lr", "f Fork", "q Quit", "? Help"):
            assert words in rows(app)[-1]


async def test_the_command_palette_offers_the_same_actions_and_stops(active: RunDir) -> None:
    app = dashboard(active)
    async with running(app) as pilot:
        await until_shown(pilot, "running")
        titles = [command.title for command in app.get_system_commands(app.screen)]
        for title in ("Stop", "Train/val", "Maximize", "New run", "Quit", "Help"):
            assert titles.count(title) == 1
        await pilot.press("ctrl+p")
        await until_shown(pilot, "Search for commands")
        await pilot.press(*"stop")
        await until_shown(pilot, "Stop the selected run")
        await pilot.press("down", "enter")
        await until(pilot, lambda: commands(active) == ["stop"])


async def test_a_failed_run_says_why_and_where_to_look(
    recorded: Callable[..., list[RunDir]],
) -> None:
    (run,) = recorded("failed")
    app = dashboard(run)
    async with running(app) as pilot:
        await until_shown(pilot, "failed: device: cuda:0 is not available here")
        assert f"see {run.engine_log_path}" in text(app)
        assert "nothing was recorded" in text(app)
        assert "waiting for data" not in text(app)


async def test_a_run_whose_engine_was_killed_says_so(terminal_environment: None) -> None:
    run = record(Path("runs"), "r", status=None)
    app = dashboard(run)
    async with running(app) as pilot:
        await until_shown(pilot, "crashed: nobody saw how its engine ended, after step 6")
        assert f"see {run.engine_log_path}" in text(app)


async def test_damaged_lines_are_counted(recorded: Callable[..., list[RunDir]]) -> None:
    (run,) = recorded("damaged")
    with run.events_path.open("ab") as file:
        file.write(b'\xff\x00garbage \x1b[31m\n{"kind":"scal')  # and a torn end
    app = dashboard(run)
    async with running(app) as pilot:
        await until_shown(pilot, "2 damaged lines skipped")
        assert "step 120/120" in text(app)


async def test_a_log_of_garbage_alone_is_an_empty_run(terminal_environment: None) -> None:
    run = run_directory.create(Path("runs"), configure.resolve())
    run.events_path.write_bytes(b"\x00\xff\n" * 50 + b"{}\n[]\nnull\n")
    app = dashboard(run)
    async with running(app) as pilot:
        await until_shown(pilot, "53 damaged lines skipped")


async def test_a_run_that_began_elsewhere_without_a_configuration_is_shown(
    recorded: Callable[..., list[RunDir]],
) -> None:
    (run,) = recorded("adam")
    run.config_path.unlink()
    app = dashboard(run)
    async with running(app) as pilot:
        await until_shown(pilot, "done  adam  mlp on digits")


async def test_text_of_others_is_shown_and_never_obeyed(terminal_environment: None) -> None:
    config = plain(configure.resolve(settings={"steps": 2, "name": BAD}))
    run = RunDir(Path("runs") / f"r-{BAD.replace('/', '')}")
    run.path.mkdir(parents=True)
    log = LogWriter(run.events_path)
    log.append(
        RunStarted(
            config=config | {"target": BAD, "loss": BAD, "batch_size": BAD},
            device=BAD,
            num_parameters=1,
            planned_steps=2,
            steps_per_epoch=1,
            samples={"train": 1, "val": 1, "test": 1},
        )
    )
    for level in ("info", "warning", "error"):
        log.append(LogLine(level=level, message=f"{level} {BAD}"))
    log.append(Scalars(step=[1], seconds=[1.0], values={BAD: [1.0], "train/loss": ["nan"]}))
    lock = Lock(run)
    try:
        app = dashboard(run)
        async with running(app) as pilot:
            await until_shown(pilot, "[/foo][b]x\N{REPLACEMENT CHARACTER}]52;c;x")
            for key in ("s", "v", "j", "m", "m"):
                await pilot.press(key)
                await pilot.pause()
                _assert_harmless(app)
            await until_shown(pilot, "stops after this step")
            log.append(RunEnded(status="failed", reason=BAD, step=1, seconds=1))
            log.close()
            await until_shown(pilot, "failed: [/foo][b]x")
            _assert_harmless(app)
    finally:
        lock.release()


async def test_the_words_at_leaving_carry_no_control_characters(
    terminal_environment: None,
) -> None:
    run = record(Path("runs"), f"r{BAD.replace('/', '')}", status=None)
    lock = Lock(run)
    try:
        app = dashboard(run)
        async with running(app) as pilot:
            await until_shown(pilot, "running")
            await pilot.press("q")
            await until_shown(pilot, "still training")
            await pilot.press("l")
            await pilot.pause()
            (said,) = app._exit_renderables
            assert str(said).isprintable()
    finally:
        lock.release()


def _assert_harmless(app: BigModelApp) -> None:
    for row in rows(app):
        assert row.isprintable(), repr(row)
    for panel in app.screen.query(Panel):
        for strip in panel._strips:
            assert strip.text.isprintable()


@pytest.mark.parametrize(
    "changes",
    [
        {"steps_per_epoch": 0},
        {"planned_steps": 0},
        {"planned_steps": -1},
        {"samples": {}},
        {"config": {"model": "text", "dataset": 3, "optimizer": [], "clip": "norm"}},
        {"config": {"clip": {"mode": "norm", "threshold": "high"}}},
        {"config": {"clip": {"mode": "norm"}}},
        {"config": {}},
        {"time": 1e300},
    ],
)
async def test_a_log_with_another_meaning_of_values_does_not_end_the_app(
    terminal_environment: None, changes: dict
) -> None:
    run = RunDir(Path("runs") / "foreign")
    run.path.mkdir(parents=True)
    facts = {
        "config": plain(configure.resolve()),
        "device": "cpu",
        "num_parameters": 1,
        "planned_steps": 2,
        "steps_per_epoch": 1,
        "samples": {"train": 1, "val": 1, "test": 1},
    }
    log = LogWriter(run.events_path)
    log.append(RunStarted(**(facts | changes)))
    values = {"train/loss": [1.0], "grad_norm": [1e300], "clipped": [1.0], "lr": ["inf"]}
    log.append(Scalars(step=[5], seconds=[0.0], values=values))
    log.append(LogLine(level="info", message="when?", time=changes.get("time", 0.0)))
    log.append(LogLine(level="info", message="so far so good"))
    log.append(RunEnded(status="done", reason="end of it", step=1, seconds=1))
    log.close()
    app = dashboard(run)
    async with running(app) as pilot:
        await until_shown(pilot, "so far so good")
        await until_shown(pilot, "end of it")


async def test_a_diverging_run_shows_what_it_can(terminal_environment: None) -> None:
    run = record(Path("runs"), "r", status=None, steps=4)
    lock, log = Lock(run), LogWriter(run.events_path)
    try:
        for step, loss in ((5, 1e30), (6, "inf"), (7, "nan")):
            values = {"train/loss": [loss], "grad_norm": [loss], "clipped": [1.0]}
            log.append(Scalars(step=[step], seconds=[1.0], values=values))
        log.append(Evaluation(split="val", step=7, epoch=1, seconds=1, values={"loss": "nan"}))
        log.close()
        app = dashboard(run)
        async with running(app) as pilot:
            await until_shown(pilot, "train nan")
            assert "val nan" in text(app)
            assert "1e30" in text(app)
    finally:
        lock.release()


async def test_a_run_appears_while_it_is_watched(terminal_environment: None) -> None:
    run = run_directory.create(Path("runs"), configure.resolve(settings={"steps": 10}))
    lock = Lock(run)
    try:
        app = dashboard(run)
        async with running(app) as pilot:
            await until_shown(pilot, "queued")
            assert "waiting for its turn" in text(app)
            assert "waiting for data" in text(app)
            run.engine_log_path.touch()
            await until_shown(pilot, "the engine is loading torch and the data")
            other = record(Path("other"), "r", steps=10)
            run.events_path.write_bytes(other.events_path.read_bytes())
            await until_shown(pilot, "step 10/10")
            await until_shown(pilot, "100%")
    finally:
        lock.release()


async def test_a_new_size_keeps_the_view(recorded: Callable[..., list[RunDir]]) -> None:
    app = dashboard(*recorded("adam", "sgd"))
    async with running(app) as pilot:
        await until(pilot, lambda: text(app).count("done") >= 3)
        await pilot.press("j", "v")
        await until_shown(pilot, "Loss  validation")
        for width, height in ((80, 24), (72, 20), (200, 60), (119, 30), (160, 48)):
            await pilot.resize_terminal(width, height)
            await until(pilot, lambda size=(width, height): app.size == size)
            await until(pilot, lambda width=width: len(rows(app)[0]) == width)
            await pilot.pause()
            assert "sgd" in selected(app)
            assert "Loss  validation" in text(app)
            for panel in app.screen.query(Panel):
                if panel.display and panel.size.area:
                    assert len(panel._strips) <= panel.size.height
                    assert {s.cell_length for s in panel._strips} == {panel.size.width}


async def test_a_terminal_that_is_too_small_says_so_until_it_is_enlarged(
    recorded: Callable[..., list[RunDir]],
) -> None:
    app = dashboard(*recorded("adam", "sgd"))
    async with running(app) as pilot:
        await until(pilot, lambda: text(app).count("done") >= 3)
        await pilot.press("j")
        await pilot.resize_terminal(40, 10)
        await until_shown(pilot, "40x10 is too small")
        assert "Needs 72x20" in text(app)
        await pilot.resize_terminal(30, 5)
        await until_shown(pilot, "30x5 is too small")
        await pilot.resize_terminal(160, 48)
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        await until_shown(pilot, "Gradient norm")
        assert "sgd" in selected(app)


@pytest.mark.parametrize("watched", [True, False])
async def test_a_start_in_a_terminal_that_is_too_small(
    recorded: Callable[..., list[RunDir]], watched: bool
) -> None:
    app = dashboard(*recorded("adam")) if watched else BigModelApp(root=Path("runs"))
    async with running(app, (40, 10)) as pilot:
        await until_shown(pilot, "40x10 is too small")
        await pilot.resize_terminal(80, 24)
        await until_shown(pilot, "100%" if watched else "59,338 parameters")
        await pilot.resize_terminal(40, 10)
        await until(pilot, lambda: isinstance(app.screen, TooSmallScreen))
        await pilot.press("q")
        await pilot.pause()
        assert not app.is_running


async def test_a_dialog_survives_a_terminal_that_becomes_too_small(active: RunDir) -> None:
    app = dashboard(active)
    async with running(app, (80, 24)) as pilot:
        await until_shown(pilot, "running")
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, QuitScreen))
        await pilot.resize_terminal(40, 10)
        await until_shown(pilot, "40x10 is too small")
        await pilot.resize_terminal(80, 24)
        await until_shown(pilot, "still training")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))


async def test_a_plain_terminal_gets_ascii_only(
    recorded: Callable[..., list[RunDir]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "vt100")
    app = dashboard(*recorded("adam", "sgd"))
    async with running(app) as pilot:
        await until(pilot, lambda: text(app).count("done") >= 3)
        for key in ("v", "tab", "question_mark", "escape", "m", "s"):
            await pilot.press(key)
            await pilot.pause()
            assert text(app).isascii()


async def test_only_what_changed_is_painted_and_it_is_what_a_full_painting_shows(
    active: RunDir,
) -> None:
    painted: list[int] = []
    whole = Widget.refresh

    def refresh(self: Widget, *regions, **options):
        if isinstance(self, Panel):
            painted.append(sum(region.area for region in regions) or self.size.area)
        return whole(self, *regions, **options)

    app = dashboard(active)
    async with running(app) as pilot:
        await until_shown(pilot, "step 6/6")
        await pilot.pause(0.5)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Widget, "refresh", refresh)
            await pilot.pause(0.5)
            assert painted == []  # nothing new, nothing painted
            log = LogWriter(active.events_path)
            for step in (7, 8, 9):
                values = {
                    "train/loss": [step + 0.5],
                    "train/accuracy": [0.9],
                    "grad_norm": [0.2 * step],
                    "clipped": [1.0],
                    "lr": [1e-3],
                    "samples_per_second": [31000.0],
                }
                log.append(Scalars(step=[step], seconds=[step / 8], values=values))
                before = len(painted)
                await until_shown(pilot, f"train {step + 0.5}")
                assert 0 < sum(painted[before:]) < 0.5 * SIZE[0] * SIZE[1]
            log.close()
        grown = rows(app)
    afresh = dashboard(active)
    async with running(afresh) as pilot:
        await until_shown(pilot, "train 9.5")
        await pilot.pause()
        assert rows(afresh) == grown


async def test_another_theme_paints_everything_in_its_colours(
    recorded: Callable[..., list[RunDir]],
) -> None:
    app = dashboard(*recorded("adam"))
    async with running(app) as pilot:
        await until_shown(pilot, "100%")
        loss = app.screen.query_one("#loss", Panel)
        before = list(loss._strips)
        app.theme = "textual-light"
        await until(pilot, lambda: loss._strips != before)
        assert [strip.text for strip in loss._strips] == [strip.text for strip in before]


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
@pytest.mark.parametrize(
    "names", [("adam",), ("adam", "sgd"), ("failed",)], ids=["one", "several", "failed"]
)
def test_picture(
    recorded: Callable[..., list[RunDir]],
    snap_compare,
    names: tuple[str, ...],
    size: tuple[int, int],
) -> None:
    app = dashboard(*recorded(*names))

    async def settled(pilot) -> None:
        words = "failed:" if names == ("failed",) else "100%"
        await until_shown(pilot, words)
        await until(pilot, lambda: all(not state.active for state in screen(app)._states.values()))
        await until(pilot, lambda: not screen(app).stale)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=settled)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
def test_picture_of_the_launch_screen(
    terminal_environment: None,
    monkeypatch: pytest.MonkeyPatch,
    snap_compare,
    size: tuple[int, int],
) -> None:
    monkeypatch.setattr(estimate, "free_memory", lambda device: 16 * 10**9)

    async def settled(pilot) -> None:
        await until_shown(pilot, "16 GB are free")
        await until_shown(pilot, "? Help")
        if size[1] >= 36:
            await until_shown(pilot, "▀▀▀▀")

    app = BigModelApp(root=Path("runs"))
    assert snap_compare(app, terminal_size=size, run_before=settled)
