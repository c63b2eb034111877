"""A race on the screen: what is seen, and every key, on races that are written down."""

import math
from dataclasses import replace

import numpy as np
import pytest

from engine.race import directory, plan
from engine.runs import control, start_process
from support.racing import CURVES, TARGET, tiny, write_race, write_run
from support.seen import rows, text, until, until_shown
from tui.app import BigModelApp
from tui.panels.footer import FittingFooter
from tui.panels.keys import lines
from tui.races.news import Watcher
from tui.races.view import RaceView
from tui.screens.race.all_races import RacesScreen
from tui.screens.race.screen import RaceScreen
from tui.screens.race.setup import RaceSetupScreen
from tui.screens.race.terrain_screen import TerrainScreen

pytestmark = pytest.mark.usefixtures("terminal_environment")


@pytest.fixture
def started(monkeypatch):
    found = []

    class Process:
        def poll(self):
            return 0

    def start(module, places, **_):
        found.append((module, places[0]))
        return Process()

    monkeypatch.setattr(start_process, "start_process", start)
    return found


def opened(race, size=(120, 40)):
    app = BigModelApp(root=race.path.parent.parent)
    return app, app.run_test(size=size, notifications=True)


async def shown(app, pilot, race):
    app.open_race(race)
    await until_shown(pilot, "adam")
    return app.screen


async def test_curves_and_standings(race):
    app, session = opened(race)
    async with session as pilot:
        await shown(app, pilot, race)
        screen = text(app)
        assert "val/accuracy" in screen
        assert "6 of 6 runs" in screen
        assert "adam is clearly ahead: its spread over 3 seeds is apart from" in screen
        assert any("1" in row and "adam" in row and "20 (15 to 20)" in row for row in rows(app))
        assert any("2" in row and "sgd" in row and "DNF" in row for row in rows(app))
        assert "⣀" in screen or "⠤" in screen or "⠉" in screen


@pytest.mark.parametrize("size", [(80, 24), (72, 20), (200, 60)])
async def test_every_page_at_every_size(race, size):
    app, session = opened(race, size)
    async with session as pilot:
        await shown(app, pilot, race)
        for key, words in (
            ("2", "tier quick tunes nothing"),
            ("3", "Gradient norm and clipping"),
            ("4", "no layer probe yet"),
            ("1", "Standings"),
        ):
            await pilot.press(key)
            await until_shown(pilot, words)
        assert all(len(row.rstrip()) <= size[0] for row in rows(app))


async def test_lanes_are_selected_hidden_and_alone(race):
    app, session = opened(race)
    async with session as pilot:
        screen = await shown(app, pilot, race)
        assert screen._view.selected == 0
        await pilot.press("j")
        assert screen._view.selected == 1
        await until(pilot, lambda: any(row.startswith(">") and "sgd" in row for row in rows(app)))
        await pilot.press("h")
        assert screen._view.drawn == [0]
        await pilot.press("h", "o")
        assert screen._view.drawn == [1]
        await pilot.press("o", "x", "x", "b", "L")
        assert (screen._view.unit, screen._view.bands) == ("seconds", "all")
        assert not screen._view.log_y
        await until_shown(pilot, "over training seconds")


async def test_columns_that_do_not_fit_are_a_key_away(race):
    app, session = opened(race, (80, 24))
    async with session as pilot:
        await shown(app, pilot, race)
        assert "ms/step" not in text(app)
        await pilot.press(*["right"] * 6)
        await until_shown(pilot, "ms/step")
        assert any("adam" in row and "10" in row for row in rows(app))
        await pilot.press(*["left"] * 6)
        await until_shown(pilot, "steps to target")


async def test_a_click_selects(race):
    app, session = opened(race)
    async with session as pilot:
        screen = await shown(app, pilot, race)
        await pilot.click("#standings", offset=(10, 3))
        assert screen._view.lane.label == "sgd"


async def test_pause_and_stop_are_commands_to_a_race_at_work(race, monkeypatch):
    sent = []
    monkeypatch.setattr(control, "send", lambda run, command: sent.append((run.path, command)))
    app, session = opened(race)
    async with session as pilot:
        screen = await shown(app, pilot, race)
        await pilot.press("p")
        await until_shown(pilot, "the race is done")
        assert sent == []
        running = replace(screen._view.news, status="running")
        screen._feed.close()
        screen.change_view(news=running)
        await pilot.press("p", "s")
        screen.change_view(news=replace(running, status="paused"))
        await pilot.press("p")
        assert [command for _, command in sent] == ["pause", "stop", "resume"]
        assert {path for path, _ in sent} == {race.path}


async def test_more_seeds(race, started):
    app, session = opened(race)
    async with session as pilot:
        await shown(app, pilot, race)
        await pilot.press("e")
        await until_shown(pilot, "more than 3")
        await pilot.press("2", "enter")
        await until_shown(pilot, "the race has 3 already")
        await pilot.press("backspace", "5", "enter")
        await until(pilot, lambda: started)
        assert race.spec().seeds == 5
        assert started == [("engine.race", race.process)]


async def test_a_report_is_written(race):
    app, session = opened(race)
    async with session as pilot:
        await shown(app, pilot, race)
        await pilot.press("w")
        await until(pilot, (race.path / "report" / "report.md").exists, 60)
        await until_shown(pilot, "written to")


async def test_a_race_grows_before_ones_eyes(runs_root):
    made = tiny("adam", "sgd", seeds=1, target=TARGET)
    race = directory.create(runs_root, made)
    app, session = opened(race)
    async with session as pilot:
        await shown(app, pilot, race)
        await until_shown(pilot, "0 of 2 runs")
        first, second = plan.finals(made)
        write_run(race, made, first, CURVES[0][0])
        await until_shown(pilot, "1 of 2 runs")
        write_run(race, made, second, CURVES[1][0])
        await until_shown(pilot, "one seed: no intervals")


async def test_a_damaged_race_is_a_line(race):
    race.spec_path.write_text("{")
    app, session = opened(race, (240, 40))
    async with session as pilot:
        app.open_race(race)
        await until_shown(pilot, "race.json")


async def test_the_list_opens_races_and_profiles_them(race, runs_root):
    made = tiny("adam", "sgd", seeds=3, target="val/accuracy >= 0.6")
    other = directory.create(runs_root, made)
    write_race(other, made, CURVES)
    app, session = opened(race)
    async with session as pilot:
        app.open_races()
        await until_shown(pilot, race.id)
        assert other.id in text(app)
        profiles = next(row for row in rows(app) if "Performance profiles" in row)
        assert "adam" in profiles
        assert "sgd" in profiles
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RaceScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RacesScreen))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, RacesScreen))


def test_help_is_named_once() -> None:
    everywhere = {shown for shown, _ in lines(BigModelApp)}
    for screen in (RaceScreen, RaceSetupScreen, RacesScreen, TerrainScreen):
        assert not {shown for shown, _ in lines(screen)} & (everywhere | {"?", "F1"})


async def test_no_races_yet(runs_root):
    app = BigModelApp(root=runs_root)
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_races()
        await until_shown(pilot, "none yet; n sets one up")


async def test_a_race_is_set_up_and_started(runs_root, started):
    app = BigModelApp(root=runs_root)
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_races()
        await until_shown(pilot, "none yet")
        await pilot.press("n")
        await until_shown(pilot, "8 lanes, 3 seeds each: 24 runs of 400 steps, about")
        screen = app.screen
        assert isinstance(screen, RaceSetupScreen)
        screen.query_one("#optimizers").value = "adam,adm"
        await until_shown(pilot, "unknown optimizer 'adm': did you mean adam")
        await pilot.press("enter")
        assert started == []
        screen.query_one("#optimizers").value = "adam,sgd"
        screen.query_one("#seeds").value = "1"
        await until_shown(pilot, "one seed has no")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RaceScreen))
        (race,) = directory.list_races(runs_root)
        assert [lane.label for lane in race.spec().lanes] == ["adam", "sgd"]
        assert race.spec().target == "val/accuracy >= 0.95"
        assert started == [("engine.race", race.process)]


def test_a_race_that_did_not_change_has_nothing_new(runs_root):
    race = directory.create(runs_root, tiny("adam"))
    first, second = Watcher(race).read(), Watcher(race).read()
    assert any(math.isnan(row.clipped_share) for row in first.standings.rows)
    assert first.fingerprint == second.fingerprint


class TestView:
    @pytest.fixture
    def view(self, race):
        return RaceView(news=Watcher(race).read())

    def test_moving_goes_round_the_standings(self, view):
        assert view.moved(1).selected == 1
        assert view.moved(1).moved(1).selected == 0
        assert view.moved(-1).selected == 1

    def test_the_other_lane_is_never_the_selected_one(self, view):
        assert view.beside == 1
        assert view.moved(1).beside == 0
        assert replace(view, other=0).beside == 1
        assert view.next_other().beside == 1

    def test_units_of_the_x_axis(self, view):
        lane = view.news.lanes[0]
        np.testing.assert_allclose(lane.x["steps"], [10, 20, 30])
        np.testing.assert_allclose(lane.x["samples"], [320, 640, 960])
        np.testing.assert_allclose(lane.x["seconds"], [0.1, 0.2, 0.3])
        np.testing.assert_allclose(lane.median, [0.5, 0.93, 0.95])
        np.testing.assert_allclose(
            lane.low,
            np.quantile([[0.5, 0.9, 0.1], [0.92, 0.93, 0.95], [0.95, 0.94, 0.96]], 0.25, axis=1),
        )


async def test_a_lane_that_diverged_says_at_which_step(runs_root):
    made = tiny("adam", "sgd", seeds=1, target=TARGET)
    race = directory.create(runs_root, made)
    first, second = plan.finals(made)
    write_run(race, made, first, CURVES[0][0])
    write_run(race, made, second, [], diverged_at=7)
    app, session = opened(race)
    async with session as pilot:
        await shown(app, pilot, race)
        await until_shown(pilot, "sgd: diverged in 1 of 1 runs, first at step 7")


async def test_the_plot_shows_errors_until_l_shows_the_metric(race):
    app, session = opened(race)
    async with session as pilot:
        await shown(app, pilot, race)
        await until_shown(pilot, "error, 1 - val/accuracy")
        await pilot.press("L")
        await until(pilot, lambda: "error" not in text(app))
        assert " val/accuracy " in text(app)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_tuning_says_what_it_tries(runs_root, size):
    made = tiny("adam", "sgd", seeds=2, trials=4, tier="fair")
    race = directory.create(runs_root, made)
    first, second, *_ = (run for run in plan.trials(made) if run.lane == 0)
    write_run(race, made, first, [0.5, 0.7])
    write_run(race, made, second, [0.25], status=None)
    app, session = opened(race, size)
    async with session as pilot:
        await shown(app, pilot, race)
        await until_shown(pilot, "tuning: 1 of 8 trials are over")
        for key in ("1", "2"):
            await pilot.press(key)
            await until_shown(pilot, f"tries lr {second.lr:.3g}, step 10: 0.25")
            if key == "1":
                assert f"best lr {first.lr:.3g}: 0.7" in text(app)
                assert any("sgd" in row and "0/4  waits for its turn" in row for row in rows(app))


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_the_page_of_rates_says_what_its_axes_and_lines_are(runs_root, size):
    made = tiny("adam", "sgd", seeds=2, trials=4, tier="fair")
    race = directory.create(runs_root, made)
    for planned in plan.trials(made):
        write_run(race, made, planned, [0.5, 0.5 + planned.number / 10])
    app, session = opened(race, size)
    async with session as pilot:
        await shown(app, pilot, race)
        await pilot.press("2")
        await until_shown(pilot, "best val/accuracy of each trial")
        lines = [row.rstrip() for row in rows(app)]
        assert lines[2].split() == ["───", "adam", "╌╌╌", "sgd"]
        assert lines[-2].strip() == "learning rate"
        assert not any(row.startswith("step") for row in lines)


@pytest.mark.parametrize(
    ("status", "offered", "not_offered"),
    [
        ("running", {"Pause", "Stop"}, {"Go on", "Resume"}),
        ("paused", {"Go on", "Stop"}, {"Pause", "Resume"}),
        ("stopped", {"Resume"}, {"Pause", "Go on", "Stop"}),
        ("failed", {"Resume"}, {"Pause", "Go on", "Stop"}),
        ("done", set(), {"Pause", "Go on", "Stop", "Resume"}),
    ],
)
async def test_the_footer_offers_what_can_be_done_with_the_race(
    race, monkeypatch, status, offered, not_offered
):
    read = Watcher.read
    monkeypatch.setattr(Watcher, "read", lambda self: replace(read(self), status=status))
    app, session = opened(race, (200, 40))
    async with session as pilot:
        await shown(app, pilot, race)
        footer = app.screen.query_one(FittingFooter)
        await until(pilot, lambda: offered <= {key.description for key in footer.fitting()})
        assert not not_offered & {key.description for key in footer.fitting()}
