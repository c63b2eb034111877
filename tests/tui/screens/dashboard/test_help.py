"""The keys of the dashboard in its help, its footer and its command palette."""

from collections.abc import Callable

import pytest

from engine.runs.events import CheckpointSaved
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import RunDir
from support.dashboards import commands, dashboard, running
from support.seen import rows, text, until, until_shown
from tui.panels import keys
from tui.screens.dashboard.screen import DashboardScreen
from tui.screens.help import HelpScreen


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
        for key, does in keys.lines(DashboardScreen):
            assert key in shown
            assert " ".join(keys.plain(does).split()[:3]) in shown
        assert "Gradient norm: the global L2 norm" in shown
        await pilot.press(close)
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        assert app.is_running


async def test_the_footer_names_the_keys(active: RunDir) -> None:
    log = LogWriter(active.events_path)
    log.append(CheckpointSaved(step=6, name="step-00000006", reason="time", bytes=1, finite=True))
    log.close()
    app = dashboard(active)
    async with running(app, (80, 24)) as pilot:
        await until_shown(pilot, "running")
        for words in ("p Pause", "s Stop", "c Save", "l Lr", "f Fork", "q Quit", "? Help"):
            assert words in rows(app)[-1]


async def test_the_command_palette_offers_the_same_actions_and_stops(active: RunDir) -> None:
    app = dashboard(active)
    async with running(app) as pilot:
        await until_shown(pilot, "running")
        titles = [command.title for command in app.get_system_commands(app.screen)]
        for title in ("Stop", "Pause", "Maximize", "New run", "Quit", "Help"):
            assert titles.count(title) == 1
        for title in ("Resume", "Fork", "Train/val"):  # needs an end, a checkpoint, another run
            assert title not in titles
        await pilot.press("ctrl+p")
        await until_shown(pilot, "Search for commands")
        await pilot.press(*"stop")
        await until_shown(pilot, "Stop the selected run")
        await pilot.press("down", "enter")
        await until(pilot, lambda: commands(active) == ["stop"])
