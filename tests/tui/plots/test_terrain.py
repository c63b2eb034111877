"""Landscapes: heights become bands, ways become trails, and no lane is told by colour alone."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.race.directory import RaceDir
from engine.race.surfaces import SURFACES, surface
from engine.runs import start_process
from presets import ConfigError
from support.seen import text, until, until_shown
from tui.app import BigModelApp
from tui.plots import terrain
from tui.plots.terrain import Terrain, Way
from tui.screens.race.surface_descent import DescentScreen, ground
from tui.screens.race.weight_plane import PlaneScreen

BOWL = Terrain(
    x=(-1.0, 1.0),
    y=(-1.0, 1.0),
    heights=np.add.outer(np.linspace(-1, 1, 21) ** 2, np.linspace(-1, 1, 21) ** 2),
    minima=((0.0, 0.0),),
)


def way(points, index=0, color="#ff0000"):
    return Way(label="adam", points=np.array(points, float), color=color, index=index)


def drawn(ways=(), at=0, *, plain=True, ground=BOWL, size=(41, 21)):
    picture = terrain.draw(
        ground, ways, at, width=size[0], height=size[1], deep="#000000", high="#ffffff", plain=plain
    )
    return picture, [picture.text(row) for row in range(picture.height)]


def test_the_deepest_place_is_in_the_middle_and_the_corners_are_high():
    _, rows = drawn()
    assert rows[10][20] == "x"  # the minimum
    assert rows[10][18] == " "
    assert {rows[0][0], rows[0][-1], rows[-1][0], rows[-1][-1]} == {"%"}


def test_colours_follow_the_heights():
    picture, rows = drawn(plain=False)
    assert set("".join(rows)) == {"▀", "✕"}
    corner = picture.palette[picture.styles[0, 0]]
    inside = picture.palette[picture.styles[10, 18]]
    assert corner == "#ffffff on #ffffff"
    assert inside == "#000000 on #000000"


@pytest.mark.parametrize("plain", [True, False])
def test_a_way_is_seen_up_to_the_moment(plain):
    path = way([(-1, -1), (-1, 1), (1, 1)], index=2)
    _, start = drawn([path], 0, plain=plain)
    assert start[-1][0] == "C"
    _, half = drawn([path], 1, plain=plain)
    assert half[0][0] == "C"
    assert all(row[0] in "c•" for row in half[1:])
    _, end = drawn([path], 9, plain=plain)  # beyond its end it stays there
    assert end[0][-1] == "C"
    assert "".join(end).count("c" if plain else "•") > 40


def test_what_leaves_the_plane_is_left_out():
    _, rows = drawn([way([(0, 0), (50, 50)])], 1)
    assert "A" not in "".join(rows)


@pytest.mark.parametrize("size", [(0, 0), (3, 1), (4, 2), (200, 60)])
def test_any_size_can_be_drawn(size):
    picture, _ = drawn([way([(0, 0)])], 0, size=size, plain=False)
    assert (picture.width, picture.height) == size


def test_places_without_a_height_are_high():
    holes = BOWL.heights.copy()
    holes[:5] = np.nan
    _, rows = drawn(ground=Terrain(x=BOWL.x, y=BOWL.y, heights=holes))
    assert rows[-1][5] == "%"
    nothing = Terrain(x=BOWL.x, y=BOWL.y, heights=np.full((3, 3), np.nan))
    assert drawn(ground=nothing)[0].height == 21


@pytest.mark.parametrize("name", list(SURFACES))
def test_minima_are_minima(name):
    place = surface(name)
    for x, y in place.minima:
        value = place.function(x, y)
        assert value == pytest.approx(0.0, abs=1e-6)
        for dx, dy in ((0.01, 0), (-0.01, 0), (0, 0.01), (0, -0.01)):
            assert place.function(x + dx, y + dy) > value
        assert place.x_range[0] <= x <= place.x_range[1]
        assert place.y_range[0] <= y <= place.y_range[1]
    heights = ground(place).heights
    assert heights.shape == (121, 121)
    assert heights[0, -1] == pytest.approx(place.function(place.x_range[1], place.y_range[0]))


def test_an_unknown_surface_offers_the_nearest():
    with pytest.raises(ConfigError, match="did you mean rosenbrock"):
        surface("rosenbrok")


@pytest.fixture
def asked(terminal_environment, monkeypatch):
    """Has a program of Python answer in the engine's place; the processes that were asked."""
    processes = []

    def answer_with(program):
        def ask(*_):
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            processes.append(subprocess.Popen([sys.executable, "-c", program], **pipes))
            return processes[-1]

        monkeypatch.setattr(start_process, "ask", ask)
        return processes

    return answer_with


@pytest.mark.parametrize("said", ["", '{"optimizer": "adam", "pa'])
async def test_an_engine_that_dies_in_the_middle_of_a_line(asked, said):
    asked(f"print({said!r}, end='')")
    app = BigModelApp(root=Path("runs"))
    async with app.run_test(size=(120, 30)) as pilot:
        await app.push_screen(DescentScreen())
        await until_shown(pilot, "the engine found no way")


async def test_the_engine_of_a_plane_ends_with_its_screen(asked):
    processes = asked("import time; time.sleep(60)")
    app = BigModelApp(root=Path("runs"))
    async with app.run_test(size=(120, 30)) as pilot:
        await app.push_screen(PlaneScreen(RaceDir(Path("race")), ("adam",)))
        await until(pilot, lambda: processes)
        await pilot.press("escape")
        await until(pilot, lambda: processes[0].poll() is not None)


@pytest.mark.parametrize("plain", [True, False])
def test_a_minimum_is_seen_where_ways_end(plain):
    _, rows = drawn([way([(-1, -1), (0, 0)]), way([(1, 1), (0, 0)], index=1)], 1, plain=plain)
    assert rows[10][20] == terrain.minimum(plain=plain)


@pytest.mark.parametrize("presses", range(1, len(SURFACES) + 1))
async def test_a_surface_that_is_computed_shows_no_other(asked, presses):
    processes = asked("import time; time.sleep(60)")
    app = BigModelApp(root=Path("runs"))
    async with app.run_test(size=(120, 30)) as pilot:
        screen = DescentScreen()
        await app.push_screen(screen)
        names = list(SURFACES)
        late = surface("rosenbrock")
        await pilot.press(*["s"] * presses)
        chosen = surface(names[presses % len(names)])
        await until_shown(pilot, f"{chosen.name}   f = {chosen.formula}"[:100])
        found = way([(0, 0), (1, 1)])
        screen._arrived(late, (found,), "")  # of a surface that was left
        screen._failed(late, "trouble")
        shown = screen._landscape
        wanted = (found,) if chosen is late else ()
        assert (shown.ground.x, shown.ground.y) == (chosen.x_range, chosen.y_range)
        assert shown.ways == wanted
        await pilot.press("escape")
        await until(pilot, lambda: all(each.poll() is not None for each in processes))


def plane_of(points, label="adam"):
    """What the engine says of a plane: a bowl, and the way of a lane."""
    return {
        "seed": 0,
        "explained": [0.8, 0.1],
        "x": [-1.0, 0.0, 1.0],
        "y": [-1.0, 0.0, 1.0],
        "losses": [[2.0, 1.0, 2.0], [1.0, 0.5, 1.0], [2.0, None, 2.0]],
        "ways": [{"label": label, "points": points}],
    }


async def test_each_lane_has_a_plane_of_its_own(terminal_environment, monkeypatch):
    asked_for = []
    monkeypatch.setattr(PlaneScreen, "_compute", lambda self, lane: asked_for.append(lane))
    app = BigModelApp(root=Path("runs"))
    async with app.run_test(size=(120, 30)) as pilot:
        screen = PlaneScreen(RaceDir(Path("race")), ("adam", "sgd"))
        await app.push_screen(screen)
        screen._arrived(None, plane_of([(0, 0), (9, 9)]))
        await until_shown(pilot, "The lanes' weights on the plane of their two")
        assert "goes beyond the edge" in text(app)
        assert screen._landscape.ground.minima == ((0.0, 0.0),)
        await pilot.press("o")
        await until_shown(pilot, "adam on the plane of its own")
        screen._arrived(1, plane_of([(0, 0)], "sgd"))  # comes before it is asked for
        assert "adam on the plane" in text(app)
        screen._arrived(0, plane_of([(0, 0), (0.5, 0.5)]))
        await until_shown(pilot, "validation loss 0.5 (x, dark) to 2 (light)")
        await pilot.press("o")
        await until_shown(pilot, "sgd on the plane of its own")
        assert [each.label for each in screen._landscape.ways] == ["sgd"]
        await pilot.press("o")
        await until_shown(pilot, "The lanes' weights on the plane of their two")
        assert asked_for == [None, 0]
