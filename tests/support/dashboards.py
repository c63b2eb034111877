"""The dashboard in a test: opened, read, and the commands that it left."""

import json
from pathlib import Path

from engine.runs.run_directory import RunDir
from tui.app import BigModelApp
from tui.panels.panel import Panel
from tui.screens.dashboard.screen import DashboardScreen

SIZE = (160, 48)


def dashboard(*runs: RunDir) -> BigModelApp:
    return BigModelApp(root=Path("runs"), runs=list(runs))


def running(app: BigModelApp, size: tuple[int, int] = SIZE):
    return app.run_test(size=size, notifications=True)


def screen(app: BigModelApp) -> DashboardScreen:
    assert isinstance(app.screen, DashboardScreen)
    return app.screen


def commands(run: RunDir) -> list[str]:
    """The commands that wait for the engine."""
    return [json.loads(path.read_text())["command"] for path in run.control_path.glob("*.json")]


def table(app: BigModelApp) -> list[str]:
    """The lines of the list of runs under its title, without empty ones."""
    lines = [strip.text for strip in app.screen.query_one("#runs", Panel)._strips[1:]]
    return [line for line in lines if line.strip()]


def selected(app: BigModelApp) -> str:
    """The row of the list of runs that is marked."""
    (row,) = [line for line in table(app) if line.startswith(">")]
    return row
