"""Leaving the dashboard: for another screen, or for good, with what becomes of runs that train."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.runs.events import StateChanged
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import Lock, RunDir
from support.dashboards import commands, dashboard, running
from support.recorded import record
from support.seen import text, until, until_shown
from tui.app import BigModelApp
from tui.screens.app_screen import AtWork
from tui.screens.dashboard.screen import DashboardScreen
from tui.screens.launch.screen import LaunchScreen
from tui.screens.quit import QuitScreen, _how
from tui.screens.race.all_races import RacesScreen
from tui.screens.runs import RunsScreen


async def test_n_goes_to_the_launch_screen_and_a_start_ends_the_older_feed(
    recorded: Callable[..., list[RunDir]], begun: list[list[RunDir]]
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
        await until_shown(pilot, "59,338 parameters")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        assert len(begun) == 1
        await until(pilot, lambda: feeds() <= before + 1)


def pause(run: RunDir) -> None:
    """Let the log say that the run is paused."""
    log = LogWriter(run.events_path)
    log.append(StateChanged(state="paused", step=6, reason="pause command"))
    log.close()


async def test_every_screen_asks_about_a_paused_run(active: RunDir) -> None:
    pause(active)
    app = dashboard(active)
    async with running(app) as pilot:
        await until_shown(pilot, "paused")
        for key, kind in (("n", LaunchScreen), ("r", RunsScreen), ("C", RacesScreen)):
            await pilot.press(key)
            await until(pilot, lambda kind=kind: isinstance(app.screen, kind))
            await pilot.press("q")
            await until_shown(pilot, "A run is paused and keeps its memory.")
            assert "leave it paused and quit" in text(app)
            await pilot.press("escape", "escape")
            await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        await pilot.press("q")
        await until_shown(pilot, "A run is paused and keeps its memory.")
        await pilot.press("s")
        await pilot.pause()
        assert not app.is_running
        assert commands(active) == ["stop"]


async def test_a_run_that_the_app_started_is_asked_about_when_no_dashboard_shows_it(
    active: RunDir,
) -> None:
    app = BigModelApp(root=Path("runs"))
    async with running(app) as pilot:
        await until_shown(pilot, "59,338 parameters")
        app.started = [active]
        await pilot.press("q")
        await until_shown(pilot, "A run is still training.")


@pytest.mark.parametrize(
    ("paused", "words"),
    [
        ([False], "A run is still training."),
        ([False, False], "2 runs are still training."),
        ([True], "A run is paused and keeps its memory."),
        ([True, True], "2 runs are paused and keep their memory."),
        ([True, False], "2 runs are at work: one of them paused, which keeps its memory."),
        ([True, True, False], "3 runs are at work: 2 of them paused, which keep their memory."),
    ],
)
def test_the_question_says_what_runs_do(paused: list[bool], words: str) -> None:
    assert _how([AtWork(RunDir(Path("r")), paused=each) for each in paused]) == words


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
