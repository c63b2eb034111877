"""Whoever starts, resumes or deletes runs may be killed between any two system calls: what is left
is listed as what it is, and can be started or deleted."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.race import directory
from engine.race.spec import build
from engine.runs import control, run_directory, start_process
from engine.runs.run_directory import RunDir
from support.forked import in_child, wait
from support.recorded import record, wait_for
from tui.runs import loading
from tui.runs.listing import trash
from tui.runs.listing.index import Index

EVENTS = {
    "open",
    "os.chmod",
    "os.link",
    "os.mkdir",
    "os.putenv",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.scandir",
    "os.truncate",
    "os.utime",
    "fcntl.flock",
    "subprocess.Popen",
}
"""What Python says before it asks the system to do it."""
Act = Callable[[Path], object]


def killed_at(number: int, what: Callable[[], object]) -> bool:
    """Do `what` in a child that is killed before its event of this number; whether it was."""

    def doomed() -> None:
        left = number

        def count(event: str, _: object) -> None:
            nonlocal left
            if event in EVENTS:
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        what()

    status = wait(in_child(doomed))
    assert status in (0, -signal.SIGKILL)
    return status != 0


@pytest.fixture
def acts(tmp_path: Path, tiny, monkeypatch: pytest.MonkeyPatch) -> dict[str, Act]:
    """What makes or changes runs, each for a folder of runs; with an engine that ends at once."""
    idle = tmp_path / "idle"
    idle.write_text("#!/bin/sh\nexit 0\n")
    idle.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(idle))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    config = tiny()
    race = build({"a": config, "b": tiny("sgd")})

    def start(root: Path) -> None:
        start_process.start([run_directory.create(root, config) for _ in range(2)]).wait()

    def resume(root: Path) -> None:
        start_process.start([RunDir(root / "stopped")], resume=True).wait()

    def start_race(root: Path) -> None:
        made = directory.create(root, race)
        start_process.start_process("engine.race", [made.process]).wait()

    return {
        "start": start,
        "resume": resume,
        "race": start_race,
        "delete": lambda root: trash.delete(RunDir(root / "stopped")),
        "command": lambda root: control.send(RunDir(root / "stopped"), "stop"),
    }


def before(root: Path) -> None:
    record(root, "done")
    record(root, "stopped", status="stopped")


def check(root: Path) -> None:
    """Nothing is a ghost."""
    indexed = {}
    for rows in Index(root).refresh():
        indexed = {row.id: row for row in rows}
    found = run_directory.list_runs(root)
    assert indexed.keys() == {run.id for run in found}
    for run in found:
        wait_for(lambda run=run: not run_directory.locked(run))
        status = loading.load(run).status
        if run.id in ("done", "stopped"):
            assert status == run.id
        else:
            assert status == "never started"
            assert run.config()
        assert run_directory.fault(run) == ""
    for run in found:  # each can be started, and deleted
        if run.id != "done":
            start_process.start([run], resume=True).wait()
        trash.delete(run)
    assert run_directory.list_runs(root) == []
    for race in directory.list_races(root):
        assert race.spec().lanes
        start_process.start_process("engine.race", [race.process]).wait()


@pytest.mark.parametrize("name", ["start", "resume", "race", "delete", "command"])
def test_killed_before_each_system_call(tmp_path: Path, acts: dict[str, Act], name: str) -> None:
    kills = 0
    while True:
        root = tmp_path / f"runs-{kills}"
        before(root)
        killed = killed_at(kills, lambda root=root: acts[name](root))
        check(root)
        if not killed:
            break
        kills += 1
    assert kills >= 3


@pytest.mark.slow
@pytest.mark.figure("kills while runs are made, started, deleted", asked="200 kills, no ghost")
def test_200_kills(tmp_path: Path, acts: dict[str, Act], measured) -> None:
    kills, lap = 0, 0
    while kills < 200:
        for name, act in acts.items():
            number = 0
            while True:
                root = tmp_path / f"runs-{lap}-{name}-{number}"
                before(root)
                if lap % 2:  # over what earlier kills left
                    killed_at(number // 2, lambda root=root: acts["start"](root))
                killed = killed_at(number, lambda root=root, act=act: act(root))
                check(root)
                if not killed:
                    break
                kills, number = kills + 1, number + 1
        lap += 1
    measured(f"{kills} kills, no ghost")


def test_drafts_of_the_killed_are_removed_in_time(tmp_path: Path, tiny) -> None:
    draft = tmp_path / ".new-0123"
    (draft / "control").mkdir(parents=True)
    first = run_directory.create(tmp_path, tiny())
    assert draft.is_dir()  # somebody may be at it
    os.utime(draft, (0, 0))
    second = run_directory.create(tmp_path, tiny())
    assert not draft.exists()
    assert set(run_directory.list_runs(tmp_path)) == {first, second}
