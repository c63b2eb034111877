"""Commands to the engine of the selected run, typed and by key."""

from collections.abc import Callable

from engine.runs.run_directory import RunDir
from support.dashboards import commands, dashboard, running
from support.seen import rows, text, until, until_shown


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


async def test_toasts_leave_the_prompt_in_sight(active: RunDir) -> None:
    app = dashboard(active)
    async with running(app, (80, 24)) as pilot:
        await until_shown(pilot, "running")
        app.notify("said before")
        await until_shown(pilot, "said before")
        await pilot.press("l", *"abc", "enter")
        await until_shown(pilot, "learning rate: expected a number > 0")
        assert "said before" not in text(app)
        prompt = app.screen.query_one("#prompt").region.y
        app.notify("said meanwhile")
        await until_shown(pilot, "said meanwhile")
        (toast,) = app.screen.query("Toast")
        assert 0 < toast.region.bottom <= prompt
        assert "abc" in rows(app)[prompt]
        assert "F1 Help" in rows(app)[-1]
        app.notify("went wrong " * 20, severity="error")  # which takes three lines
        await until_shown(pilot, "went wrong")
        (toast,) = app.screen.query("Toast")
        assert toast.region.height == 3
        assert toast.region.bottom <= prompt
        assert "abc" in rows(app)[prompt]
        await pilot.press("escape")
        await until(pilot, lambda: "? Help" in rows(app)[-1])
