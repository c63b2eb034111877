"""Every panel and page is drawn with every event at its extremes; a right CRC says nothing of what
a line says."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.runs.events import DamagedLineError, Profiled, decode
from engine.runs.run_directory import RunDir
from presets.userconfig import Alerts
from support.extreme import TYPES, event_of, fitting, sealed
from support.recorded import record
from tui.app import BigModelApp
from tui.commands import list_runs
from tui.panels.panel import Panel
from tui.plots.lane_view import View, make_lanes
from tui.plots.plot_view import PlotView
from tui.plots.x_scale import kinds_of
from tui.runs.alerts.open_alerts import OpenAlerts
from tui.runs.listing.row import row_of
from tui.runs.loading import load
from tui.runs.meta import Remarks
from tui.runs.state import summary
from tui.runs.state.store import RunState
from tui.screens.dashboard.alert_list import AlertsScreen
from tui.screens.dashboard.page_actions import PAGES
from tui.screens.dashboard.step_profile import ProfileScreen

SIZES = [(80, 24), (160, 48)]
STARTED = next(kind for kind in TYPES if kind.__name__ == "RunStarted")
ANY = st.sampled_from(TYPES)
plots = st.builds(
    PlotView,
    log_x=st.booleans(),
    log_y=st.booleans(),
    smoothing=st.sampled_from(["auto", "ema", "median"]),
    robust=st.booleans(),
    markers=st.sampled_from(["braille", "ascii"]),
)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_what_is_read_is_in_range_and_whole_or_damaged(kind: type) -> None:
    @settings(max_examples=30, suppress_health_check=list(HealthCheck), deadline=None)
    @given(fitting(kind), event_of(kind))
    def check(good: dict, other: dict) -> None:
        event = decode(sealed(good))
        assert isinstance(event, kind)
        assert event.fault() == ""
        with contextlib.suppress(DamagedLineError):
            found = decode(sealed(other))
            assert isinstance(found, kind)
            assert found.fault() == ""

    check()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("page", range(len(PAGES)), ids=lambda page: PAGES[page].NAME)
async def test_everything_is_drawn(
    page: int, size: tuple[int, int], terminal_environment: None
) -> None:
    run = record(Path("runs"), "a")
    app = BigModelApp(root=Path("runs"), runs=[run])

    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await app.screen.action_page(page)
        await pilot.pause()
        screen = app.screen
        panels = [panel for panel in screen.query(Panel) if panel.size.width]
        assert panels
        other = load(run)

        @settings(max_examples=12, suppress_health_check=list(HealthCheck), deadline=None)
        @given(
            st.none() | fitting(STARTED),
            st.lists(ANY.flatmap(fitting), min_size=1, max_size=8),
            st.integers(1, 2),
            plots,
            st.data(),
        )
        def draw(begun, events, runs, view_of_plots, data) -> None:
            state = RunState(run=run)
            for event in [begun, *events]:
                if event is not None:
                    state.apply(decode(sealed(event)))
            lanes = make_lanes([state, other][:runs], app.theme_variables)
            view = View(lanes, plots=view_of_plots)
            kind = data.draw(st.sampled_from(kinds_of(view)))
            at = data.draw(st.none() | st.sampled_from([0.0, 5.0, float(state.step)]))

            view = View(lanes, plots=replace(view_of_plots, x=kind, crosshair=at))
            for panel in panels:
                panel.show(view)
                panel.show_figures(view)
            list_runs.table([row_of(state, Remarks())])
            summary.page(summary.summary(state, pid=None))
            OpenAlerts(Alerts(), 0.0).check(state, [], 1.0)

        draw()
        await pilot.pause()


async def test_windows_over_the_dashboard_are_drawn(terminal_environment: None) -> None:
    """A profile, and the alerts that events bring about."""
    app = BigModelApp(root=Path("runs"), runs=[record(Path("runs"), "a")])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        profiles, books = [], []

        @settings(max_examples=6, suppress_health_check=list(HealthCheck), deadline=None)
        @given(fitting(Profiled), st.lists(ANY.flatmap(fitting), min_size=1, max_size=8))
        def draw(profile, events) -> None:
            state, book = RunState(run=RunDir(Path("runs/a"))), OpenAlerts(Alerts(), 0.0)
            decoded = [decode(sealed(event)) for event in events]
            for event in decoded:
                state.apply(event)
                book.check(state, [event], 1.0)
            profiles.append(decode(sealed(profile)))
            books.append(book)

        draw()
        assert any(book.entries for book in books)
        names = {"a": "宽\x1b[31m" * 40, "b": ""}
        for profile, book in zip(profiles, books, strict=True):
            for window in (ProfileScreen(profile), AlertsScreen(tuple(book.entries), names)):
                await app.push_screen(window)
                await pilot.pause()
                assert app.screen is window
                app.pop_screen()
