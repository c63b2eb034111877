"""Anything may lie where a run's file should be: that run says so, and all others are listed."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.runs import checkpoint, control, log_reader, run_directory
from engine.runs.log_writer import LogWriter
from engine.runs.run_directory import RunDir
from presets import UserError
from support.forked import in_child, wait
from support.recorded import record
from tui.cli import cli
from tui.runs.listing.index import Index

FILES = ["events.jsonl", "config.yaml", "meta.json", "lock", "engine.log"]
FIVE_GB = 5 * 10**9
LIMIT = 100 * 10**6
"""The memory that a strange file may cost, in bytes."""


def pipe(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir()


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def large(path: Path) -> None:
    path.touch()
    os.truncate(path, FIVE_GB)


KINDS: dict[str, Callable[[Path], None]] = {"pipe": pipe, "folder": folder, "device": device}


@pytest.fixture
def root(runs_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    record(runs_root, "a-good")
    return runs_root


def strange(root: Path, name: str, make: Callable[[Path], None]) -> RunDir:
    run = RunDir(root / f"x-{name}")
    shutil.copytree(root / "a-good", run.path)
    path = run.path / name
    path.unlink(missing_ok=True)
    make(path)
    return run


def listed() -> dict[str, dict[str, object]]:
    result = CliRunner().invoke(cli, ["ls", "--json"])
    assert result.exit_code == 0, result.stderr
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    return {row["id"]: row for row in rows}


@pytest.mark.parametrize("kind", KINDS)
def test_each_file_of_a_run_may_be_something_else(root: Path, kind: str) -> None:
    for name in FILES:
        strange(root, name, KINDS[kind])
    rows = listed()
    assert rows["a-good"]["fault"] == ""
    indexed = {}
    for found in Index(root).refresh():
        indexed = {row.id: row for row in found}
    for name in FILES:
        said = f"{name}: a {kind}, not a regular file"
        assert rows[f"x-{name}"]["fault"] == said
        assert indexed[f"x-{name}"].note == f"! {said}"
        status = "unreadable" if name == "events.jsonl" else "done"
        assert rows[f"x-{name}"]["status"] == indexed[f"x-{name}"].status == status
    assert len(rows) == len(indexed) == 1 + len(FILES)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FILES)
def test_such_a_run_is_not_resumed_and_nothing_waits(root: Path, kind: str, name: str) -> None:
    run = strange(root, name, KINDS[kind])
    result = CliRunner().invoke(cli, ["run", "--resume", run.id, "--detach"])
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert f"{name}: a {kind}, not a regular file" in result.stderr
    assert not run.resume_path.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_writers_refuse_what_is_no_file(root: Path, kind: str) -> None:
    with pytest.raises(OSError, match=r"regular file|directory|symbolic links"):
        LogWriter(strange(root, "events.jsonl", KINDS[kind]).events_path)
    with pytest.raises(UserError, match="cannot be opened"):
        run_directory.take(strange(root, "lock", KINDS[kind]))


@pytest.mark.parametrize("kind", KINDS)
def test_checkpoints_and_commands_may_be_something_else(root: Path, kind: str) -> None:
    run = RunDir(root / "a-good")
    saved = run.checkpoints_path / "step-00000001"
    saved.mkdir(parents=True)
    KINDS[kind](saved / checkpoint.MANIFEST)
    KINDS[kind](run.checkpoints_path / "step-00000002")
    warnings: list[str] = []
    assert checkpoint.newest_valid(run, warnings.append) is None
    assert len(warnings) == 2
    run.control_path.mkdir(exist_ok=True)
    KINDS[kind](run.control_path / "1-a.json")
    (refused,) = control.Inbox(run).take()
    assert isinstance(refused, control.Refused)


@pytest.mark.parametrize("name", FILES)
def test_without_permission(name: str) -> None:
    if os.geteuid() == 0:  # who may read everything: another user finds out
        with tempfile.TemporaryDirectory() as place:
            os.chown(place, 12345, 12345)
            assert wait(in_child(lambda: as_another(Path(place), name))) == 0
    else:
        with tempfile.TemporaryDirectory() as place:
            secret(Path(place), name)


def as_another(place: Path, name: str) -> None:
    os.setgid(12345)
    os.setuid(12345)
    secret(place, name)


def secret(place: Path, name: str) -> None:
    os.environ |= {"XDG_CACHE_HOME": str(place / "cache"), "BIGMODEL_RUNS_DIR": str(place / "runs")}
    (place / "runs").mkdir()
    record(place / "runs", "a-good")
    run = strange(place / "runs", name, lambda path: path.touch(mode=0o000))
    rows = listed()
    assert rows["a-good"]["fault"] == ""
    assert rows[run.id]["fault"] == f"{name}: Permission denied"
    run.path.chmod(0)
    assert listed()[run.id]["status"] == "unreadable"
    run.path.chmod(0o700)


def test_a_line_without_end_costs_little_memory(root: Path) -> None:
    """Zeros, as a file system leaves them after a crash; in a process whose memory is counted."""
    run = strange(root, "events.jsonl", large)
    os.truncate(run.events_path, 300 * 10**6)
    with run.events_path.open("r+b") as file:
        file.write((root / "a-good/events.jsonl").read_bytes())
    code = """
import resource, sys
from pathlib import Path
from engine.runs import log_reader
from tui.runs import loading
from engine.runs.run_directory import RunDir
run = RunDir(Path(sys.argv[1]))
loading.load_or_say(RunDir(Path(sys.argv[2])))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert len(log_reader.lifecycle(run.events_path)) == 2
assert loading.load_or_say(run).status == "done"
assert log_reader.tail(run.events_path) == []
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""
    command = [sys.executable, "-c", code, str(run.path), str(root / "a-good")]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[4], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < LIMIT
    assert (
        LogWriter(run.events_path).cut_bytes
        == 300 * 10**6 - (root / "a-good/events.jsonl").stat().st_size
    )


@pytest.mark.parametrize("name", ["config.yaml", "meta.json", "lock", "engine.log"])
def test_five_gigabytes(root: Path, name: str) -> None:
    strange(root, name, large)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(listed()) == 2
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < LIMIT


def test_a_reader_goes_on_behind_a_line_that_is_too_long(root: Path) -> None:
    path = root / "a-good/events.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b"x" * (2 * log_reader.MAX_LINE_BYTES) + b"\n" + whole)
    reader = log_reader.LogReader(path)
    events = []
    while chunk := reader.read():
        events += chunk
    assert len(events) == 2 * len(whole.splitlines())
    assert reader.damaged == 1
    assert len(log_reader.lifecycle(path)) == 4
