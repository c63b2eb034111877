"""The list of runs on the screen, and steering by keys on the dashboard."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs
from textual.pilot import Pilot
from textual.widgets import Input

from engine.runs import run_directory, start_process
from engine.runs.control import Arguments, Command
from engine.runs.events import (
    CheckpointSaved,
    CommandAnswered,
    Gap,
    NonFinite,
    Parent,
    StateChanged,
    encode,
)
from engine.runs.run_directory import RunDir
from presets import ConfigError
from support.recorded import record
from support.seen import rows, text, until, until_shown
from tui.app import BigModelApp
from tui.choices.choice import Choice
from tui.choices.fork import Fork
from tui.panels.run_table import RunTable
from tui.runs import meta
from tui.screens.dashboard.screen import DashboardScreen
from tui.screens.launch.screen import LaunchScreen
from tui.screens.runs import RunsScreen

Play = Callable[[BigModelApp, Callable[[Pilot[None]], Awaitable[None]]], Awaitable[None]]


@pytest.fixture
def root(terminal_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "runs"
    for index, lr in enumerate((0.1, 0.01, 0.001)):
        record(root, f"r{index}", started_at=1.7e9 + index, **{"optimizer.lr": lr})
    return root


def append(run: RunDir, *events: Any) -> None:
    with run.events_path.open("ab") as log:
        log.write(b"".join(map(encode, events)))


async def listed(pilot: Pilot[None]) -> RunTable:
    """Open the list and wait until it is complete."""
    await pilot.press("r")
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, RunsScreen) and app.screen._complete)
    await pilot.pause()
    return app.screen.query_one(RunTable)


async def answer(pilot: Pilot[None], words: str) -> None:
    """Type into the line at the bottom, at once."""
    pilot.app.screen.query_one("#prompt-input", Input).value = words
    await pilot.press("enter")


def names(table: RunTable) -> list[str]:
    return [row.id for row in table._rows]


async def test_r_lists_all_runs_and_enter_opens_one(root: Path) -> None:
    app = BigModelApp(root=root)
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        table = await listed(pilot)
        assert "3 runs" in rows(app)[0]
        for words in ("adam lr=0.1", "adam lr=0.01", "adam lr=0.001", "done", "6/6", "0.8571"):
            assert words in text(app)
        assert names(table) == ["r2", "r1", "r0"]  # the newest first
        await pilot.press("j", "enter")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        assert app.screen.run_at_hand() == RunDir(root / "r1")
        table = await listed(pilot)
        await pilot.press("escape")
        assert isinstance(app.screen, DashboardScreen)
        table = await listed(pilot)
        await pilot.press("space", "space", "enter")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        await until_shown(pilot, "adam lr=0.001")
        assert sorted(app.screen.watched.states) == ["r1", "r2"]
        assert sum(isinstance(each, DashboardScreen) for each in app.screen_stack) == 1


async def test_sorting_and_filtering(root: Path) -> None:
    app = BigModelApp(root=root)
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        table = await listed(pilot)
        await pilot.press("O")
        assert names(table) == ["r0", "r1", "r2"]
        await pilot.press("o", "o", "o")
        assert "name ▲" in rows(app)[1]
        assert names(table) == ["r2", "r1", "r0"]
        await pilot.press("slash", *"lr>=0.01 r1")
        assert names(table) == ["r1"]
        await pilot.press("enter")
        assert "1 of 3 runs: lr>=0.01 r1" in rows(app)[0]
        await pilot.press("slash", *" lr>=")
        await until_shown(pilot, "expected a value after lr>=")
        await pilot.press("escape")
        assert names(table) == ["r1"]  # as before the question
        await pilot.press("escape")
        assert len(names(table)) == 3


async def test_tags_notes_and_names_stay_in_the_run(root: Path) -> None:
    app = BigModelApp(root=root)
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        await listed(pilot)
        await pilot.press("t")
        await answer(pilot, "best #paper")
        await pilot.press("a")
        await answer(pilot, "[/foo] fine")
        await pilot.press("i")
        await answer(pilot, "mine")
        await until_shown(pilot, "mine")
        await until_shown(pilot, "#best #paper [/foo]")
        assert meta.read(RunDir(root / "r2")) == meta.Remarks(
            name="mine", note="[/foo] fine", tags=("best", "paper")
        )
        await pilot.press("i")
        await answer(pilot, "x" * 90)
        await until_shown(pilot, "name: expected")
        await pilot.press("escape", "enter")
        await until_shown(pilot, "done  mine")


async def test_delete_and_undo_but_never_an_active_run(root: Path) -> None:
    record(root, "r9", status=None, started_at=1.8e9)
    lock = run_directory.Lock(RunDir(root / "r9"))
    app = BigModelApp(root=root)
    try:
        async with app.run_test(size=(160, 48), notifications=True) as pilot:
            await until_shown(pilot, "1 run is training: r shows them")
            table = await listed(pilot)
            await pilot.press("d")
            await until_shown(pilot, "stop it first")
            await pilot.press("j", "d")
            assert names(table) == ["r9", "r1", "r0"]
            assert (root / ".trash" / "r2" / "events.jsonl").is_file()
            await until_shown(pilot, "u takes it back")
            await pilot.press("u")
            await until(pilot, lambda: names(table) == ["r9", "r2", "r1", "r0"])
            await until(pilot, lambda: "u takes it back" not in text(app))
            await pilot.press("u")
            await until_shown(pilot, "Nothing was deleted here.")
    finally:
        lock.release()


async def test_resume_and_fork_from_the_list(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[list[str], bool]] = []

    class Process:
        def poll(self) -> None:
            return None

    def start(runs: list[RunDir], *, resume: bool = False) -> Process:
        started.append(([run.id for run in runs], resume))
        return Process()

    monkeypatch.setattr(start_process, "start", start)
    record(root, "r5", status="stopped", started_at=1.8e9)
    app = BigModelApp(root=root)
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        await listed(pilot)
        await pilot.press("j", "f")
        await until_shown(pilot, "r2: no checkpoint to fork from")
        await pilot.press("R")
        await until_shown(pilot, "r2: done, with nothing left to do")
        await pilot.press("k", "R")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        assert started == [(["r5"], True)]
        fork = Fork((root / "r2").absolute(), "step-00000004", 4, RunDir(root / "r2").config())
        app.open_launch(fork)
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        await until_shown(pilot, "from step 4 of r2: settings as at that checkpoint")
        await pilot.press("down")
        await until_shown(pilot, "Enter starts")
        await pilot.press("enter")
        await until(pilot, lambda: len(started) == 2)
        child = RunDir(root / started[1][0][0]).config()
        assert child.parent == "r2/step-00000004"
        assert (child.optimizer.name, child.steps, child.on_non_finite) == ("adamw", 6, "pause")


def test_a_fork_goes_beyond_its_parent(root: Path) -> None:
    fork = Fork((root / "r2").absolute(), "c", 6, RunDir(root / "r2").config())
    (longer,) = Choice(fork=fork).configs()
    assert (longer.steps, longer.optimizer.options["lr"]) == (12, 0.001)
    (other,) = Choice(fork=fork, optimizers=("sgd",)).configs()
    assert (other.steps, other.optimizer.options["lr"]) == (12, 0.1)
    with pytest.raises(ConfigError, match="train for: step 6 is done in the parent"):
        Choice(fork=fork, values={"length": "5 steps"}).configs()


async def test_a_fork_keeps_its_parents_model(root: Path) -> None:
    app = BigModelApp(root=root)
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        fork = Fork((root / "r2").absolute(), "c", 4, RunDir(root / "r2").config())
        app.open_launch(fork)
        await until_shown(pilot, "from step 4 of r2")
        app.screen.query_one("#models").highlighted = 0
        await until_shown(pilot, "model: a fork keeps its parent's model, mlp")


async def test_a_fork_offers_what_was_changed_after_its_checkpoint(root: Path) -> None:
    fork = Fork(
        folder=(root / "r2").absolute(),
        checkpoint="step-00000004",
        step=4,
        config=structs.replace(RunDir(root / "r2").config(), parent="r2/step-00000004"),
        label="adam",
        changed={"optimizer.lr": 3e-4, "clip.mode": "value", "clip.threshold": 0.5, "steps": 400},
    )
    changes = "train for 6 steps -> 400 steps, lr 0.001 -> 0.0003, clip norm 1 -> value 0.5"
    app = BigModelApp(root=root)
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        app.open_launch(fork)
        await until_shown(pilot, f"t takes what was changed since: {changes}")
        assert "from step 4 of adam: settings as at that checkpoint " in text(app)
        await pilot.press("t")
        await until_shown(pilot, f"settings as at that checkpoint, but {changes}")
        assert "Ctrl+R goes back to the settings at the checkpoint" in text(app)
        await pilot.press("ctrl+r")
        await until_shown(pilot, "t takes what was changed since")
        await pilot.press("down", "t")  # another optimizer has a learning rate of its own
        await until_shown(pilot, "value 0.5")
        assert "lr 0.001 -> 0.0003" not in text(app)


async def test_without_changes_there_is_nothing_to_take(root: Path) -> None:
    app = BigModelApp(root=root)
    async with app.run_test(size=(80, 24)) as pilot:
        config = structs.replace(RunDir(root / "r2").config(), parent="r2/c")
        app.open_launch(Fork((root / "r2").absolute(), "c", 4, config, "adam"))
        await until_shown(pilot, "nothing was changed since")
        await pilot.press("t")
        await until_shown(pilot, "settings as at that checkpoint")
        assert "but" not in text(app).splitlines()[0]


def sent(run: RunDir) -> list[Command]:
    found = sorted(run.control_path.glob("*.json"))
    return [msgspec.json.decode(path.read_bytes(), type=Command) for path in found]


async def test_keys_steer_the_run_and_its_answers_are_said(root: Path) -> None:
    run = record(root, "live", status=None, steps=40)
    lock = run_directory.Lock(run)
    app = BigModelApp(root=root, runs=[run])
    try:
        async with app.run_test(size=(160, 48), notifications=True) as pilot:
            await until_shown(pilot, "step 40/40")
            await pilot.press("p", "c", "S")
            await pilot.press("l")
            await answer(pilot, "fast")
            await until_shown(pilot, "learning rate: expected a number > 0")
            await answer(pilot, "x0.5")
            await pilot.press("g")
            await answer(pilot, "value 0.5")
            await pilot.press("e")
            await answer(pilot, "80 steps")
            await pilot.press("l", "9", "escape")
            orders = sent(run)
            assert [(order.name, order.arguments) for order in orders] == [
                ("pause", Arguments()),
                ("checkpoint", Arguments()),
                ("stop", Arguments(after="epoch")),
                ("set", Arguments(lr_factor=0.5)),
                ("set", Arguments(clip_mode="value", clip_threshold=0.5)),
                ("set", Arguments(steps=80)),
            ]
            applied = CommandAnswered(
                id=orders[3].id,
                command="set",
                arguments={"lr_factor": 0.5},
                outcome="applied",
                step=20,
                reason="lr 0.001 -> 0.0005",
            )
            refused = CommandAnswered(
                id=orders[5].id, command="set", outcome="rejected", step=20, reason="too [/few]"
            )
            append(run, applied, refused)
            await until_shown(pilot, "set rejected: too [/few]")
            said = [toast.message for toast in app._notifications]
            assert "set lr_factor=0.5 applied at step 20: lr 0.001 -> 0.0005" in said
            assert "set rejected: too [/few]" in said
            await until(pilot, lambda: "c" in app.screen.query_one("#loss")._strips[1].text)
    finally:
        lock.release()


async def test_a_guard_that_paused_says_what_and_what_to_do(root: Path) -> None:
    run = record(root, "live", status=None, steps=40)
    lock = run_directory.Lock(run)
    append(
        run,
        CheckpointSaved(name="step-00000030", step=30, reason="interval", bytes=9, finite=True),
        Gap(records=3, first_step=10, last_step=12, reason="No space left on device"),
        NonFinite(
            step=41,
            quantity="grad_norm",
            value="nan",
            layer="layers.0.weight",
            policy="pause",
            checkpoint="step-00000030",
        ),
        StateChanged(state="paused", step=40, reason="grad_norm is nan at step 41"),
    )
    app = BigModelApp(root=root, runs=[run])
    try:
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await until_shown(pilot, "grad_norm is nan at step 41, first in layers.0.weight")
            await until_shown(pilot, "gap: 3 records not written")
            banner = rows(app)[3]
            for words in ("last good: step-00000030", "p goes on", "s stop"):
                assert words in banner
            await pilot.press("p")
            assert [order.name for order in sent(run)] == ["resume"]
            append(run, StateChanged(state="running", step=40, reason="command"))
            await until(pilot, lambda: "p goes on" not in text(app))
    finally:
        lock.release()


async def test_a_fork_is_drawn_after_its_parent(root: Path) -> None:
    child = record(root, "child", steps=6)
    data = child.events_path.read_bytes().splitlines(keepends=True)
    from engine.runs.events import RunStarted, decode

    begun = decode(data[0][:-1])
    assert isinstance(begun, RunStarted)
    forked = msgspec.structs.replace(begun, parent=Parent(run="r2", checkpoint="x", step=4))
    child.events_path.write_bytes(encode(forked) + b"".join(data[5:]))
    app = BigModelApp(root=root, runs=[child])
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        screen = app.screen
        assert isinstance(screen, DashboardScreen)
        await until(pilot, lambda: screen.watched.states["child"].inherited)
        series = screen.watched.states["child"].inherited["train/loss"]
        assert series.steps.tolist() == [1, 2, 3, 4]
        await until(pilot, lambda: len(screen.query_one("#loss").traces(screen.watched.view)) == 4)


@pytest.mark.parametrize("width", [72, 80, 100, 160])
async def test_the_footer_cuts_no_key(root: Path, width: int) -> None:
    app = BigModelApp(root=root, runs=[RunDir(root / "r0")])
    async with app.run_test(size=(width, 24), notifications=True) as pilot:
        await until(pilot, lambda: "q Quit" in rows(app)[-1])
        assert rows(app)[-1].rstrip().endswith("? Help")
        await listed(pilot)
        await until(pilot, lambda: "Filter" in rows(app)[-1])  # it is made anew, and blank before
        assert rows(app)[-1].rstrip().endswith("? Help")
        shown = rows(app)[-1].split()
        assert len(rows(app)[-1]) == width
        assert {"Open", "Filter", "Help"} <= set(shown)


async def test_an_empty_list_says_what_to_do(terminal_environment: None) -> None:
    app = BigModelApp(root=Path("runs"))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("r")
        await until_shown(pilot, "no runs here yet; n chooses and starts one")


async def test_a_filter_that_nothing_matches_says_so(recorded) -> None:
    recorded("adam")
    app = BigModelApp(root=Path("runs"))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("r")
        await until_shown(pilot, "adam")
        await pilot.press("slash", *"nosuch", "enter")
        await until_shown(pilot, "no run matches; / changes the filter")
