"""What an import brings along: the screen never waits for torch, the start for neither."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.recorded import record
from support.terminal import Terminal

HEAVY = {"torch", "numpy", "textual", "plotext", "tsdownsample", "psutil", "matplotlib"}
SCREEN = """
import importlib, pkgutil
import tui
for module in pkgutil.walk_packages(tui.__path__, "tui."):
    importlib.import_module(module.name)
import engine.config.configure
from engine.config import registry
for kind in ("model", "dataset", "optimizer"):
    for name in registry.names(kind):
        registry.module(kind, name)
"""


PAINTED = """
import json, sys
from pathlib import Path
from tui.cli import main
from tui.terminal.frugal_app import FrugalApp

painted = FrugalApp._painted

def note(self):
    if not Path("modules").exists():
        Path("modules").write_text(json.dumps(sorted(sys.modules)))
    painted(self)

FrugalApp._painted = note
main()
"""
"""The app, which notes what is loaded when its first picture was sent."""


def loaded_by(code: str) -> set[str]:
    """The heavy packages that a fresh interpreter holds after `code`."""
    report = f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", report], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    modules = set(json.loads(done.stdout))
    assert "tui" in modules or "engine" in modules
    return modules & HEAVY


def test_the_rules_of_games_load_nothing() -> None:
    code = "from engine.games import games_by_name, gnugo, match, planes, players, sgf"
    assert loaded_by(code) == set()


def test_the_whole_screen_and_every_component_load_no_torch() -> None:
    loaded = loaded_by(SCREEN)
    assert not loaded & {"torch", "matplotlib"}
    assert {"textual", "numpy"} <= loaded  # so the code above did import the screen


@pytest.mark.parametrize(
    "module", ["tui", "tui.cli", "engine.runs.run_directory", "engine.runs.log_reader"]
)
def test_the_start_of_every_command_is_light(module: str) -> None:
    assert loaded_by(f"import {module}") == set()


def test_a_configuration_is_checked_and_sized_without_torch() -> None:
    loaded = loaded_by("from engine.config import configure as c; c.plan(c.resolve())")
    assert "torch" not in loaded
    assert "textual" not in loaded


def test_headless_training_needs_no_screen() -> None:
    assert not loaded_by("import tui.commands.headless") & {"torch", "textual", "plotext"}


def test_the_dashboard_draws_without_plotext() -> None:
    assert "plotext" not in loaded_by(
        "import tui.app, tui.screens.dashboard.screen, tui.screens.launch.screen"
    )


def test_the_first_picture_waits_for_nothing_heavy(tmp_path: Path) -> None:
    """Nor for commands that nobody named, nor screens that nobody opened."""
    command = (sys.executable, "-P", "-c", PAINTED)
    with Terminal("--runs-dir", "runs", cwd=tmp_path, command=command) as terminal:
        terminal.wait_for("Optimizer")
        modules = set(json.loads((tmp_path / "modules").read_text()))
    assert "tui.screens.launch.screen" in modules
    assert modules & HEAVY == {"textual"}
    named_by_nobody = {"tui.commands.race", "tui.commands.steer", "tui.screens.launch.save"}
    assert not modules & named_by_nobody


def test_the_first_picture_of_a_run_waits_for_nothing_that_it_does_not_show(tmp_path: Path) -> None:
    """Nor for other commands, screens behind keys, or what prepares and trains another run."""
    run = record(tmp_path / "runs", "20261128-010000-mlp-digits-adam-0001")
    command = (sys.executable, "-P", "-c", PAINTED)
    with Terminal("watch", str(run.path), cwd=tmp_path, command=command) as terminal:
        terminal.wait_for("100%")
        modules = set(json.loads((tmp_path / "modules").read_text()))
    assert "tui.screens.dashboard.screen" in modules
    assert not modules & {"torch", "plotext", "matplotlib", "psutil"}
    needed_later = (
        "engine.config.",
        "engine.race.spec",
        "tui.commands.race",
        "tui.commands.steer",
        "tui.machine.",
        "tui.screens.dashboard.alert_list",
        "tui.screens.dashboard.arrange",
        "tui.screens.dashboard.step_profile",
        "tui.screens.launch.",
        "tui.screens.race.",
        "tui.screens.runs",
    )
    names_alone = {"engine.config.task_rule_table"}  # of tasks and their units
    assert sorted(name for name in modules - names_alone if name.startswith(needed_later)) == []
