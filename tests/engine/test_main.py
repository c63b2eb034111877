"""The engine's process: a queue of runs, its locks, its exit status."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.runs import control, run_directory
from engine.runs.events import RunEnded, RunStarted, Scalars
from engine.runs.log_reader import read_all

ROOT = Path(__file__).parents[2]


def engine(*arguments):
    command = [sys.executable, "-m", "engine", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def status(run):
    alive = run_directory.locked(run)
    events = read_all(run.events_path)
    started = next((e for e in events if isinstance(e, RunStarted)), None)
    ended = next((e for e in events if isinstance(e, RunEnded)), None)
    return run_directory.status(run, alive=alive, started=started, ended=ended)


def losses(run):
    scalars = [event for event in read_all(run.events_path) if isinstance(event, Scalars)]
    return [loss for event in scalars for loss in event.values["train/loss"]]


def test_a_queue_of_runs(tmp_path, tiny):
    first = run_directory.create(tmp_path, tiny(seed=1))
    absent = run_directory.create(tmp_path, tiny(device="cuda:99"))
    broken = run_directory.create(tmp_path, tiny())
    broken.config_path.write_text("model: 3\n")
    waiting = run_directory.create(tmp_path, tiny())
    control.send(waiting, "stop")
    again = run_directory.create(tmp_path, tiny(seed=1))
    queue = [first, absent, broken, waiting, again]
    result = engine(*(run.path for run in queue))
    assert (result.returncode, result.stdout, result.stderr) == (1, "", "")
    assert [status(run) for run in queue] == ["done", "failed", "failed", "stopped", "done"]
    for run in (absent, broken):
        ended = read_all(run.events_path)[-1]
        assert ended.reason
        assert ended.reason in run.engine_log_path.read_text()
    assert len(losses(first)) == 6
    assert losses(first) == losses(again)
    assert not any(run_directory.locked(run) for run in queue)
    assert (first.engine_log_path.stat().st_mode & 0o777) == 0o600
    assert (first.events_path.stat().st_mode & 0o777) == 0o600
    assert "epoch 2/2" in first.engine_log_path.read_text()

    refused = engine(first.path)
    assert refused.returncode == 2
    assert "already been started" in refused.stderr


def test_sigterm_stops_the_run_and_the_queue(tmp_path, tiny):
    first, second = (run_directory.create(tmp_path, tiny(epochs=1_000_000)) for _ in range(2))
    process = subprocess.Popen(
        [sys.executable, "-m", "engine", str(first.path), str(second.path)], cwd=ROOT
    )
    try:
        while not losses(first):
            assert process.poll() is None
        assert status(first) == "running"
        assert status(second) == "queued"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    assert (status(first), status(second)) == ("stopped", "stopped")
    ended = read_all(first.events_path)[-1]
    assert ended.reason == f"SIGTERM after step {ended.step}"
    assert len(losses(first)) == ended.step > 0
    assert read_all(second.events_path)[-1].reason == "stopped before it started"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["/nowhere/at/all"]])
def test_bad_usage_is_one_line(arguments):
    result = engine(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert "usage" in result.stderr or "not a run directory" in result.stderr


def test_a_locked_run_is_refused(tmp_path, tiny):
    run = run_directory.create(tmp_path, tiny())
    lock = run_directory.Lock(run)
    result = engine(run.path)
    lock.release()
    assert result.returncode == 2
    assert "another engine is at work" in result.stderr
