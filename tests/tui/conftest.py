"""What screen tests share: one terminal for all machines, and runs that an engine recorded."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.race import directory
from engine.race.directory import RaceDir
from engine.runs import start_process
from engine.runs.run_directory import RunDir
from support.racing import CURVES, TARGET, tiny, write_race
from support.recorded import FIXTURES, IDS


@pytest.fixture
def terminal_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A colour terminal with UTF-8, in UTC, in an empty folder."""
    for name in ("LC_ALL", "LC_CTYPE", "NO_COLOR", "COLUMNS", "LINES", "BIGMODEL_RUNS_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.chdir(tmp_path)
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def recorded(terminal_environment: None) -> Callable[..., list[RunDir]]:
    """Copies runs that were recorded with the real engine to ./runs, as if they ended there."""

    def copy(*names: str) -> list[RunDir]:
        runs = []
        for name in names:
            run = RunDir(Path("runs") / IDS[name])
            shutil.copytree(FIXTURES / name, run.path)
            run.control_path.mkdir()
            run.lock_path.touch()
            runs.append(run)
        return runs

    return copy


class FakeEngine:
    """An engine process that never begins."""

    def poll(self) -> int | None:
        return None


@pytest.fixture
def begun(terminal_environment: None, monkeypatch: pytest.MonkeyPatch) -> list[list[RunDir]]:
    """What was given to `launch`, instead of an engine: one list of runs a start."""
    starts: list[list[RunDir]] = []

    def start(runs: list[RunDir]) -> FakeEngine:
        starts.append(runs)
        return FakeEngine()

    monkeypatch.setattr(start_process, "start", start)
    return starts


@pytest.fixture
def race(runs_root: Path) -> RaceDir:
    """A finished race of three seeds and two lanes."""
    made = tiny("adam", "sgd", seeds=3, target=TARGET)
    chosen = directory.create(runs_root, made)
    write_race(chosen, made, CURVES)
    return chosen
