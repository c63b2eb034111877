"""Every key of every screen is in its help, and every action in the command palette."""

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.screen import Screen

from engine.runs.run_directory import RunDir
from support.seen import until, until_shown
from tui.app import BigModelApp
from tui.panels.prompt import Prompt
from tui.screens.help import EVERYWHERE
from tui.screens.race.all_races import RacesScreen
from tui.screens.race.setup import RaceSetupScreen
from tui.screens.race.surface_descent import DescentScreen
from tui.screens.runs import RunsScreen

MOVING = {
    "move",
    "move_row",
    "move_to",
    "turn",
    "scroll_by",
    "scroll_lines",
    "scroll_to",
    "cursor_down",
    "cursor_up",
}
"""Actions that move a cursor: in the help, and no commands."""
# Keys that Textual's own widgets bind, or that are aliases which the help of a screen names once.
NAMES = {
    "question_mark": "?",
    "exclamation_mark": "!",
    "slash": "/",
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "backspace": "Backspace",
    "shift+enter": "Backspace",
    "tab": "Tab",
    "shift+tab": "Shift+Tab",
    "shift+left": "Left",
    "shift+right": "Right",
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
    "pageup": "Page Up",
    "pagedown": "Page Down",
    "home": "Home",
    "end": "End",
    "plus": "+",
    "minus": "-",
    "equals_sign": "+",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "comma": "<",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "full_stop": ">",
    "f1": "F1",
}


def ours(screen: Screen) -> list[tuple[str, str, str]]:
    """Key, action and tooltip of what our own classes bind for the screen, and for all of its
    widgets whether they have the focus or not."""
    found = []
    for node in (screen.app, screen, *screen.query("*")):
        if isinstance(node, Prompt):  # says itself how it is left
            continue
        for kind in type(node).__mro__:
            if kind.__module__.startswith("tui."):
                for binding in kind.__dict__.get("BINDINGS", ()):
                    keys = getattr(binding, "key", binding[0] if isinstance(binding, tuple) else "")
                    action = getattr(binding, "action", None) or binding[1]
                    tooltip = getattr(binding, "tooltip", "")
                    found += [(key.strip(), action, tooltip) for key in keys.split(",")]
    return found


def told(screen: Screen) -> set[str]:
    """The keys that the help names."""
    lines = (*getattr(screen, "KEYS", ()), *EVERYWHERE)
    words = {word for keys, _ in lines for word in keys.replace(", ", "\n").split("\n")}
    texts = " ".join(text for _, text in lines)
    for name in ("Page Up", "Page Down", "Home", "End", "Ctrl+Q", "F1"):
        if name in texts:
            words.add(name)
    return words


def check(app: BigModelApp) -> None:
    screen = app.screen
    shown = told(screen)
    commands = " ".join(
        f"{command.title} {command.help}" for command in app.get_system_commands(screen)
    )
    for key, action, tooltip in ours(screen):
        name = NAMES.get(key, key.replace("ctrl+", "Ctrl+"))
        name = name[:-1] + name[-1].upper() if name.startswith("Ctrl+") else name
        assert name in shown, f"{key} ({action}) is not in the help of {type(screen).__name__}"
        verb = action.rpartition(".")[2].partition("(")[0]
        if verb in MOVING or key.startswith("page") or verb.startswith("focus_"):
            continue
        assert tooltip or verb in ("help", "quit", "command_palette"), (key, action)
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.action == "command_palette":
            continue
        if type(active.node).__module__.startswith("tui.") and binding.tooltip:
            assert binding.tooltip in commands, binding


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
