"""The dashboard and the command line of a person's own loop, while it runs."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import bigmodel_tui
from engine.runs.run_directory import RunDir
from support.recorded import wait_for
from support.seen import until, until_shown
from tui import cli
from tui.app import BigModelApp
from tui.runs import loading


async def until_told(pilot, words: str) -> None:
    """Wait for a toast; on the screen its words are broken into lines."""
    notifications = pilot.app._notifications
    await until(pilot, lambda: any(words in each.message for each in notifications))


class Loop(threading.Thread):
    """A loop that logs until it is told to end; its steps begin anew after the first 20."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[object] = []
        self.run_dir: RunDir | None = None
        self.over = threading.Event()

    def run(self) -> None:
        with bigmodel_tui.open_run({"name": "mine", "lr": 0.5}, runs_dir="runs") as run:
            assert run.path is not None
            run.on("lr", self.got.append)
            run.on("drop", self.got.append)
            step = 0
            while not self.over.wait(0.01) and not run.should_stop:
                step += 1
                run.log(step, {"train/loss": 1.0, "lr": 0.5})
                self.run_dir = RunDir(run.path)


@pytest.fixture
def loop(terminal_environment: None) -> Iterator[Loop]:
    made = Loop()
    made.start()
    wait_for(lambda: made.run_dir is not None and made.run_dir.events_path.exists())
    wait_for(lambda: loading.load(made.run_dir).started)
    yield made
    made.over.set()
    CliRunner().invoke(cli.cli, ["resume", made.run_dir.id, "--runs-dir", "runs"])
    made.join(60)
    assert not made.is_alive()


async def test_keys_reach_the_loop(loop: Loop) -> None:
    app = BigModelApp(root=Path("runs"), runs=[loop.run_dir])
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        await until_shown(pilot, "running")
        await pilot.press("l")
        await until_shown(pilot, "3e-4, x0.5, drop=VALUE")
        await pilot.press(*"x0.1", "enter")
        await until_told(pilot, "lr=0.05 applied at step")
        await pilot.press("l", *"drop=0.2", "enter")
        await until_told(pilot, "drop=0.2 applied at step")
        await pilot.press("c")
        await until_told(pilot, "this loop accepts stop, pause, lr, drop; not checkpoint")
        await pilot.press("p")
        await until_told(pilot, "pause applied at step")
        await until_shown(pilot, "paused")
        await pilot.press("p")
        await until_told(pilot, "resume applied at step")
    assert loop.got == [0.05, 0.2]


def test_the_command_line_reaches_the_loop(loop: Loop) -> None:
    def line(*arguments: str) -> str:
        given = [arguments[0], loop.run_dir.id, *arguments[1:], "--runs-dir", "runs"]
        return CliRunner().invoke(cli.cli, given).output.strip()

    assert line("set", "--lr", "0.25").startswith("applied at step ")
    assert line("set", "--own", "drop=half").startswith("applied at step ")
    assert loop.got == [0.25, "half"]
    refused = "rejected: this loop accepts stop, pause, lr, drop; not "
    assert line("set", "--epochs", "3") == f"{refused}epochs"
    assert line("set", "--own", "mix") == f"{refused}mix"
    assert line("profile") == f"{refused}profile"
    assert line("set", "--own", "drop=") == (
        "bigmodel-tui: expected NAME=VALUE or NAME, got 'drop='"
    )
    assert line("pause").startswith("applied at step ")
    assert loading.load(loop.run_dir).status == "paused"
    assert line("pause") == "rejected: the run is paused already"
    assert line("resume").startswith("applied at step ")


async def test_steps_that_begin_anew_are_said_on_the_screen(terminal_environment: None) -> None:
    with bigmodel_tui.open_run({"name": "mine"}, runs_dir="runs") as run:
        run.log(1, {"train/loss": 1.0})
        run.log(2, {"train/loss": 1.0})
        assert run.path is not None
        found = RunDir(run.path)
        wait_for(found.events_path.exists)
        app = BigModelApp(root=Path("runs"), runs=[found])
        async with app.run_test(size=(160, 48), notifications=True) as pilot:
            await until_shown(pilot, "running")
            with pytest.warns(RuntimeWarning, match="step 1 after step 2"):
                run.log(1, {"train/loss": 1.0})
            run.close()
            await until_told(pilot, "steps begin anew, and are counted on from 3")


@pytest.mark.parametrize(
    ("every", "shown"), [(1, "clipped 100% of the last 100 steps"), (50, "of 9 logs, every 50")]
)
async def test_how_much_a_share_of_clipping_knows(
    terminal_environment: None, every: int, shown: str
) -> None:
    with bigmodel_tui.open_run({"name": "mine"}, runs_dir="runs") as run:
        for number in range(1, 10):
            run.log(number * every, {"train/loss": 1.0, "grad_norm": 5.0, "clip/threshold": 1.0})
    app = BigModelApp(root=Path("runs"), runs=[RunDir(run.path)])
    async with app.run_test(size=(200, 48), notifications=True) as pilot:
        await until_shown(pilot, "Gradient norm")
        await pilot.press("m")
        app.screen.minimize()
        app.screen.maximize(app.screen.query_one("#gradients"))
        await until_shown(pilot, shown)
