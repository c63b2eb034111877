"""Esc leads back: every screen that a key opens is left to where the key was pressed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from engine.race import directory
from engine.runs.run_directory import RunDir
from presets import ConfigError
from support.racing import CURVES, TARGET, tiny, write_race
from support.seen import until, until_shown
from tui.app import BigModelApp
from tui.choices.fork import Fork
from tui.panels.prompt import Prompt
from tui.screens import fork_resume_rerun
from tui.screens.dashboard.screen import DashboardScreen
from tui.screens.launch.screen import LaunchScreen
from tui.screens.race.screen import RaceScreen
from tui.screens.race.setup import RaceSetupScreen
from tui.screens.runs import RunsScreen

Recorded = Callable[..., list[RunDir]]

DEPTH = 2
"""How many screens are opened one from another."""
_NOT_PRESSED = {"ctrl+q", "q", "ctrl+p", "d", "R", "ctrl+s"}
"""End the app (two), open Textual's own palette, delete a run, train, ask for a name."""


@pytest.fixture
def nothing_starts(monkeypatch: pytest.MonkeyPatch, begun: list[list[RunDir]]) -> None:
    """No process starts, and a fork needs no checkpoint."""

    def refuse(*_: object) -> None:
        raise ConfigError("not in this test")

    monkeypatch.setattr("tui.screens.launch.finder.Search", refuse)
    for screen in ("surface_descent.DescentScreen._descend", "weight_plane.PlaneScreen._compute"):
        monkeypatch.setattr(f"tui.screens.race.{screen}", lambda self, _: None)

    def fork(run: RunDir, label: str) -> Fork:
        return Fork(run.path.absolute(), "step-00000004", 4, run.config(), label)

    monkeypatch.setattr(fork_resume_rerun, "fork_of", fork)


def keys_of(screen: Screen) -> list[str]:
    """The keys of a screen, each action once."""
    found = {}
    for line in getattr(screen, "KEYS", ()):
        for key in line.each:
            if key.action and key.action != "dismiss":
                found.setdefault(key.action, key.keys.split(",")[0])
    forms = {"enter"} if isinstance(screen, LaunchScreen | RaceSetupScreen) else set()
    return [key for key in found.values() if key not in {"escape"} | _NOT_PRESSED | forms]


async def settled(pilot: Pilot[None]) -> None:
    await pilot.app.workers.wait_for_complete(
        [worker for worker in pilot.app.workers if worker.group == "fork"]
    )
    await pilot.pause()


class Walk:
    """A walk that opens screens from screens, and finds that Esc leads back from each."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self.pilot = pilot
        self.seen: set[tuple[str, str, str]] = set()
        """From where, by which key, to where."""

    async def from_here(self, depth: int = DEPTH) -> None:
        here = self.pilot.app.screen
        for key in keys_of(here):
            await self.pilot.press(key)
            await settled(self.pilot)
            there = self.pilot.app.screen
            if there is here:
                if any(prompt.display for prompt in here.query(Prompt)):
                    await self.pilot.press("escape")
                continue
            step = (type(here).__name__, key, type(there).__name__)
            known = type(there).__name__ in {name for *_, name in self.seen}
            self.seen.add(step)
            if depth > 1 and not known:
                await self.from_here(depth - 1)
            await self.back_to(here, step)

    async def back_to(self, here: Screen, step: tuple[str, str, str]) -> None:
        app = self.pilot.app
        for _ in range(3):  # what is open on the screen is closed first
            if app.screen is not here:
                await self.pilot.press("escape")
                await self.pilot.pause()
        assert app.screen is here, step


@pytest.mark.parametrize("start", ["launch", "dashboard", "race"])
async def test_esc_leads_back_from_every_screen(
    start: str, recorded: Recorded, nothing_starts: None
) -> None:
    runs = recorded("adam")
    made = tiny("adam", "sgd", seeds=3, target=TARGET)
    race = directory.create(Path("runs"), made)
    write_race(race, made, CURVES)
    app = BigModelApp(
        root=Path("runs"),
        runs=runs if start == "dashboard" else None,
        race=race if start == "race" else None,
    )
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        kinds = {"launch": LaunchScreen, "dashboard": DashboardScreen, "race": RaceScreen}
        kind = kinds.get(start, LaunchScreen)
        await until(pilot, lambda: isinstance(app.screen, kind))
        await until_shown(pilot, {"dashboard": "100%", "race": "6 of 6"}.get(start, "59,338"))
        walk = Walk(pilot)
        await walk.from_here()
        assert len(walk.seen) > 5


async def test_what_a_form_started_takes_its_place(
    recorded: Recorded, nothing_starts: None
) -> None:
    app = BigModelApp(root=Path("runs"), runs=recorded("adam"))
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        await until_shown(pilot, "100%")
        app.open_runs()
        for key in ("n", "f", "N"):
            await until(pilot, lambda: isinstance(app.screen, RunsScreen))
            await until_shown(pilot, "run")
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
            await until_shown(pilot, "Enter starts" if key == "n" else "parameters")
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
            await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, DashboardScreen)  # the app began here


async def test_the_launch_screen_starts_again_after_the_way_back(
    recorded: Recorded, begun: list[list[RunDir]]
) -> None:
    app = BigModelApp(root=Path("runs"))
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        for number in (1, 2):
            await until_shown(pilot, "59,338 parameters")
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
            assert len(begun) == number
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
