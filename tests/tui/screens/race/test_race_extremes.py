"""Every panel of a race is drawn with every event at its extremes in the logs of its runs."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.race import plan
from support.extreme import TYPES, fitting, sealed
from support.seen import until_shown
from tui.app import BigModelApp
from tui.panels.panel import Panel
from tui.races.news import UNITS, Watcher
from tui.races.view import BANDS, RaceView

pytestmark = pytest.mark.usefixtures("terminal_environment")
ANY = st.sampled_from(TYPES)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("page", range(4))
async def test_everything_is_drawn(race, page: int, size: tuple[int, int]) -> None:
    app = BigModelApp(root=race.path.parent.parent)
    async with app.run_test(size=size) as pilot:
        app.open_race(race)
        await until_shown(pilot, "adam")
        app.screen.action_page(page)
        await pilot.pause()
        panels = [panel for panel in app.screen.query(Panel) if panel.size.width]
        assert panels
        log = race.run(plan.finals(race.spec())[0].name).events_path
        before = log.read_bytes()

        @settings(max_examples=10, suppress_health_check=list(HealthCheck), deadline=None)
        @given(
            st.lists(ANY.flatmap(fitting), min_size=1, max_size=8),
            st.booleans(),
            st.sampled_from(UNITS),
            st.sampled_from(BANDS),
            st.booleans(),
        )
        def draw(events, after, unit, bands, log_y) -> None:
            lines = b"".join(sealed(event) + b"\n" for event in events)
            log.write_bytes(before + lines if after else lines)
            view = RaceView(news=Watcher(race).read())
            for panel in panels:
                panel.show(replace(view, unit=unit, bands=bands, log_y=log_y))
            assert len(view.news.standings.rows) == 2
            assert view.news.standings.verdict

        draw()
        await pilot.pause()
