"""Every key is declared once: it is bound, in the help, in the manual and in the palette."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.screen import Screen

import tui
from engine.runs.run_directory import RunDir
from support.seen import until, until_shown
from tui.app import BigModelApp
from tui.panels import keys
from tui.panels.keys import Key, key_name
from tui.panels.prompt import Prompt
from tui.screens.app_screen import AppScreen
from tui.screens.dashboard.arrange import ArrangeScreen
from tui.screens.keys_manual import keys_markdown
from tui.screens.race.all_races import RacesScreen
from tui.screens.race.setup import RaceSetupScreen
from tui.screens.race.surface_descent import DescentScreen
from tui.screens.runs import RunsScreen


def classes() -> Iterator[type]:
    """All classes of the app that bind keys."""
    for module in pkgutil.walk_packages(tui.__path__, "tui."):
        if not module.name.endswith("__main__"):
            for value in vars(importlib.import_module(module.name)).values():
                ours = isinstance(value, type) and value.__module__ == module.name
                if ours and "BINDINGS" in vars(value):
                    yield value


def test_what_is_bound_is_what_is_declared() -> None:
    found = list(classes())
    assert len(found) > 20
    for kind in found:
        assert vars(kind)["BINDINGS"] == keys.bindings(vars(kind)["KEYS"]), kind


def test_the_manual_tells_the_keys_of_every_screen_and_widget() -> None:
    manual = keys_markdown().replace("&lt;", "<")
    for kind in classes():
        for shown, does in keys.lines(kind):
            assert f"| {shown} | {does} |" in manual, kind


def test_every_key_that_is_told_has_a_name_that_a_person_knows() -> None:
    names = {key_name(name) for kind in classes() for name in of(kind)}
    assert {"Esc", "Enter", "Page Up", "Ctrl+R", "Shift+Tab", "?", "[", "F1", "N", "n"} <= names
    assert not [name for name in names if "_" in name]


def of(kind: type) -> list[str]:
    """The names of keys, as Textual calls them, that a class declares."""
    declared = [key for line in vars(kind).get("KEYS", ()) for key in line.each]
    return [name for key in declared for name in key.keys.split(",")]


def named(screen: Screen) -> Callable[[str], bool]:
    """Whether the help of a screen names a key."""
    lines = [*keys.lines(screen), *keys.lines(screen.app)]
    shown = {name for names, _ in lines for name in names.split(", ")}
    texts = " ".join(does for _, does in lines)

    def check(name: str) -> bool:
        without = name.removeprefix("Shift+")
        found = name in shown or (len(name) > 1 and name in texts)
        return found or (without != name and check(without))

    return check


def check(app: BigModelApp) -> None:
    """Every key of the screen, and of its widgets whether they have the focus or not, is in the
    help; what the help tells of a single key and can be done now, the palette offers."""
    screen = app.screen
    is_named = named(screen)
    for node in (app, screen, *screen.query("*")):
        if not isinstance(node, Prompt):  # says itself how it is left
            for kind in type(node).__mro__:
                for name in of(kind):
                    assert is_named(key_name(name)), (kind, name)
    offered = {f"{command.title} {command.help}" for command in app.get_system_commands(screen)}
    words = " ".join(offered)
    for active in screen.active_bindings.values():
        ours = type(active.node).__module__.startswith("tui.")
        if ours and active.binding.tooltip and active.binding.action != "command_palette":
            name, action = active.binding.description, active.binding.action
            if isinstance(screen, AppScreen):
                name = screen.offered(action, name)
            wanted = f"{name} {active.binding.tooltip}" if name else active.binding.tooltip
            assert (wanted in words) == bool(name), action


async def test_the_launch_screen(terminal_environment: None) -> None:
    app = BigModelApp(root=Path("runs"))
    async with app.run_test(size=(160, 48)) as pilot:
        await until_shown(pilot, "59,338 parameters")
        check(app)


@pytest.mark.parametrize("page", ["1", "2", "3", "4", "5", "6"])
async def test_the_dashboard(recorded: Callable[..., list[RunDir]], page: str) -> None:
    app = BigModelApp(root=Path("runs"), runs=recorded("adam", "sgd"))
    async with app.run_test(size=(160, 48)) as pilot:
        await until_shown(pilot, "100%")
        await pilot.press(page)
        check(app)


async def test_arranging_panels(recorded: Callable[..., list[RunDir]]) -> None:
    app = BigModelApp(root=Path("runs"), runs=recorded("adam"))
    async with app.run_test(size=(160, 48)) as pilot:
        await until_shown(pilot, "100%")
        await pilot.press("A")
        await until(pilot, lambda: isinstance(app.screen, ArrangeScreen))
        await pilot.pause()
        check(app)


async def test_races(terminal_environment: None) -> None:
    app = BigModelApp(root=Path("runs"))
    async with app.run_test(size=(160, 48)) as pilot:
        for screen in (RacesScreen(Path("runs")), RaceSetupScreen(), DescentScreen()):
            app.push_screen(screen)
            await until(pilot, lambda screen=screen: app.screen is screen)
            await pilot.pause()
            check(app)


async def test_the_list_of_runs(recorded: Callable[..., list[RunDir]]) -> None:
    app = BigModelApp(root=Path("runs"), runs=recorded("adam"))
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        await pilot.pause()
        check(app)


def test_a_line_joins_what_its_keys_do() -> None:
    left = Key("left,h", "go(-1)", "Left", "go left")
    line = keys.together(left, Key("right", "go(1)", "Right", "right"))
    assert (line.shown, line.does) == ("Left, h, Right", "go left; right")
    assert [binding.tooltip for binding in keys.bindings([line])] == ["Go left", "Right"]


def test_what_is_typed_stands_in_backquotes_in_the_manual_only() -> None:
    (binding,) = keys.bindings([Key("l", "lr", "Lr", "change it: `3e-4`")])
    assert binding.tooltip == "Change it: 3e-4"
    assert list(keys.lines(type("Thing", (), {"KEYS": [Key("l", "lr", does="`3e-4`")]}))) == [
        ("l", "`3e-4`")
    ]
