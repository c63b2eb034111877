"""What is asked and told before a start: memory, whose learning rate it is, what a run has now."""

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input

from engine.config import estimate
from engine.runs import run_directory
from engine.runs.run_directory import RunDir
from support.seen import rows, text, until, until_shown
from tui.app import BigModelApp
from tui.screens.dashboard.screen import DashboardScreen
from tui.screens.launch.screen import LaunchScreen
from tui.screens.too_large import TooLargeScreen


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_a_run_that_does_not_fit_is_asked_about(
    begun: list[list[RunDir]], monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setattr(estimate, "free_memory", lambda device: 10**6)
    app = BigModelApp(root=Path("runs"))
    async with app.run_test(size=size, notifications=True) as pilot:
        await until_shown(pilot, "does not fit: about")
        for key in ("enter", "escape", "n"):
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, TooLargeScreen))
            assert "1 MB are free" in " ".join(text(app).split())
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
            assert begun == []
        assert run_directory.list_runs(Path("runs")) == []
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TooLargeScreen))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        assert len(begun) == 1


@pytest.mark.parametrize("width", [80, 100, 120, 132])
@pytest.mark.parametrize("free", [10**6, 10**12])
async def test_the_verdict_on_memory_is_first_and_whole(
    begun: list[list[RunDir]], monkeypatch: pytest.MonkeyPatch, width: int, free: int
) -> None:
    monkeypatch.setattr(estimate, "free_memory", lambda device: free)
    app = BigModelApp(root=Path("runs"))
    async with app.run_test(size=(width, 24)) as pilot:
        await until_shown(pilot, "are free")
        (line,) = [row.strip() for row in rows(app) if "are free" in row]
        assert line.startswith("fits: " if free > 10**6 else "does not fit: ")
        parts = line.partition("; ")[2]
        assert all(part.split()[-1] in ("B", "kB", "MB") for part in parts.split(", ") if part)


async def test_a_rate_follows_its_optimizer_on_the_screen(begun: list[list[RunDir]]) -> None:
    app = BigModelApp(root=Path("runs"))
    async with app.run_test(size=(160, 48)) as pilot:
        await until_shown(pilot, "59,338 parameters")
        app.screen.query_one("#lr", Input).value = "0.319"
        await pilot.pause()
        app.screen.query_one("#optimizers").focus()
        await pilot.press("space", "down", "space")  # adam and adamw
        await until_shown(pilot, "2 runs, one after another")
        assert app.screen.query_one("#lr", Input).value == "adam 0.319"
        await pilot.press("enter")
        await until(pilot, lambda: begun)
        lrs = [run.config().optimizer.options["lr"] for run in begun[0]]
        assert lrs[0] == 0.319
        assert lrs[1] != 0.319


async def test_n_begins_clean_and_again_says_what_commands_changed(
    recorded: Callable[..., list[RunDir]], begun: list[list[RunDir]]
) -> None:
    app = BigModelApp(root=Path("runs"), runs=recorded("adam"))
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        await until_shown(pilot, "adam")
        state = app.screen.state_at_hand()
        await until(pilot, lambda: state.started is not None)
        state.config = state.config | {"optimizer": {**state.config["optimizer"], "lr": 0.0125}}
        await pilot.press("N")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        await until_shown(pilot, "as it is now (lr 0.001 -> 0.0125 since its start)")
        assert app.screen.query_one("#lr", Input).value == "0.0125"
        await pilot.press("enter")
        await until(pilot, lambda: begun)
        assert begun[0][0].config().optimizer.options["lr"] == 0.0125
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        await until_shown(pilot, "59,338 parameters")
        assert {widget.value for widget in app.screen.query(Input)} == {""}
