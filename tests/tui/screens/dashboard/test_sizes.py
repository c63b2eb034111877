"""Terminals of any size, and terminals that show ASCII only."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.runs.run_directory import RunDir
from support.dashboards import dashboard, running, selected
from support.recorded import record
from support.seen import rows, text, until, until_shown
from tui.app import BigModelApp
from tui.panels.curves import CurvesPanel
from tui.panels.panel import Panel
from tui.screens.dashboard.screen import DashboardScreen
from tui.screens.quit import QuitScreen
from tui.screens.too_small import TooSmallScreen


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


def runs_of(number: int) -> list[RunDir]:
    return [record(Path("runs"), f"r-{at}", seed=at) for at in range(number)]


def plots(app: BigModelApp) -> list[str]:
    return [str(panel.id) for panel in app.screen.query(CurvesPanel) if panel.display]


@pytest.mark.parametrize("number", [3, 4, 8])
async def test_many_runs_on_a_small_terminal_have_one_plot_at_a_time(
    terminal_environment: None, number: int
) -> None:
    app = dashboard(*runs_of(number))
    async with running(app, (80, 24)) as pilot:
        await until_shown(pilot, "Loss  training, smoothed")
        for name in ("loss", "accuracy", "gradients", "loss"):
            await until(pilot, lambda name=name: plots(app) == [name])
            await until(pilot, lambda name=name: app.screen.query_one(f"#{name}").size.width == 80)
            title = app.screen.query_one(f"#{name}", CurvesPanel)._strips[0].text
            assert "seed=0" in title
            assert "seed=1" in title
            assert "seed=3" in title or number < 4 or "more" in title
            await pilot.press("tab")
        await pilot.press("shift+tab")
        await until(pilot, lambda: plots(app) == ["loss"])
        await pilot.press("j")
        await until(pilot, lambda: "seed=1" in selected(app))
        await pilot.resize_terminal(160, 48)
        await until(pilot, lambda: {"loss", "accuracy", "gradients"} <= set(plots(app)))
        assert "seed=1  " not in app.screen.query_one("#loss", CurvesPanel)._strips[0].text


async def test_two_runs_on_a_small_terminal_have_all_plots(terminal_environment: None) -> None:
    app = dashboard(*runs_of(2))
    async with running(app, (80, 24)) as pilot:
        await until_shown(pilot, "Loss  training, smoothed")
        assert {"loss", "accuracy", "gradients"} <= set(plots(app))
