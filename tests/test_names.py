"""Ours are used where a training repository has an `engine.py`, `tui/` and `presets.py` too."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(sys.executable).with_name("bigmodel-tui")
FOREIGN = 'raise SystemExit("a foreign module was imported")\n'


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder whose modules end any program that imports them."""
    (tmp_path / "tui").mkdir()
    for name in ("engine.py", "presets.py", "tui/__init__.py", "tui/cli.py"):
        (tmp_path / name).write_text(FOREIGN)
    return tmp_path


def command(cwd: Path, *arguments: str) -> str:
    """Standard output of our console script in `cwd`, which must succeed."""
    environment = {key: value for key, value in os.environ.items() if key != "BIGMODEL_RUNS_DIR"}
    done = subprocess.run(
        [str(SCRIPT), *arguments],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_foreign_modules_would_be_noticed(foreign: Path) -> None:
    for module in ("engine", "presets", "tui.cli"):
        done = subprocess.run(
            [sys.executable, "-c", f"import {module}"], cwd=foreign, capture_output=True, text=True
        )
        assert "a foreign module was imported" in done.stderr


def test_commands_and_the_engine_use_ours(foreign: Path) -> None:
    lines = [
        json.loads(line) for line in command(foreign, "run", "--steps", "3", "--json").splitlines()
    ]
    assert [line["event"] for line in lines] == ["started", "evaluation", "evaluation", "ended"]
    assert lines[-1]["status"] == "done"

    (listed,) = (json.loads(line) for line in command(foreign, "ls", "--json").splitlines())
    assert (listed["id"], listed["step"]) == (lines[0]["id"], 3)
    shown = json.loads(command(foreign, "show", listed["id"], "--json"))
    assert Path(shown["events_path"]).parent.parent == foreign / "runs"
    assert "foreign" not in (Path(shown["path"]) / "engine.log").read_text()
    assert "quickstart" in command(foreign, "presets")
    assert len(command(foreign, "export", listed["id"], "--format", "csv").splitlines()) == 4
