"""Games and episodes on the page of samples, from logs that runs recorded."""

import shutil
from pathlib import Path

import pytest

from engine.runs.run_directory import RunDir
from support.dashboards import dashboard, running
from support.recorded import FIXTURES
from support.seen import until, until_shown
from tui.panels.panel import Panel


def recorded(name: str) -> RunDir:
    run = RunDir(Path("runs") / name)
    shutil.copytree(FIXTURES / name, run.path)
    return run


def body(app) -> str:
    return "\n".join(strip.text for strip in app.screen.query_one("#samples", Panel)._strips)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
@pytest.mark.parametrize(
    ("name", "words"), [("connect_four", "move 0 of"), ("cartpole", "it sees")]
)
def test_picture(terminal_environment, snap_compare, name: str, words: str, size) -> None:
    async def settled(pilot) -> None:
        await until_shown(pilot, "100%")
        await pilot.press("3")
        await until_shown(pilot, words)
        await until(pilot, lambda: not pilot.app.screen.stale)
        await pilot.pause()

    assert snap_compare(dashboard(recorded(name)), terminal_size=size, run_before=settled)


async def test_a_game_is_gone_through_move_by_move(terminal_environment) -> None:
    app = dashboard(recorded("connect_four"))
    async with running(app, (80, 24)) as pilot:
        await until_shown(pilot, "100%")
        await pilot.press("3")
        await until_shown(pilot, "move 0 of")
        beside = body(app).count("●")  # beside the names, and none on the board
        await pilot.press("right", "right", "right")
        assert "move 3 of" in body(app)
        assert body(app).count("●") == beside + 2
        await pilot.press("left")
        assert "move 2 of" in body(app)
        await pilot.press("pagedown")
        assert "2 of " in body(app)
        assert "move 0 of" in body(app)


async def test_an_episode_moves(terminal_environment) -> None:
    app = dashboard(recorded("cartpole"))
    async with running(app) as pilot:
        await until_shown(pilot, "100%")
        await pilot.press("3")
        await until_shown(pilot, "return 83")
        before = body(app)
        await pilot.press("right", "right")
        assert body(app) != before
        assert "▐██▌" in body(app)
        await pilot.press("end")
        assert "CartPole" in body(app)
