"""A panel of the dashboard alone, and the panel that has the focus."""

from collections.abc import Callable

from engine.runs.events import LogLine, Scalars
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import RunDir
from support.dashboards import dashboard, running, screen
from support.seen import text, until, until_shown
from tui.panels.panel import Panel


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
        await until_shown(pilot, "train 0.1458")
        await pilot.press("m")
        await until_shown(pilot, "written while maximized")
