"""Run directories: found by name, and honest about their status."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from msgspec import structs

from engine.runs import control, run_directory
from engine.runs.events import RunEnded, RunStarted
from engine.runs.run_directory import RunDir
from engine.runs.signs_of_life import identity
from presets import ConfigError, UserError
from support.recorded import wait_for

STARTED = RunStarted(
    config={}, device="cpu", num_parameters=1, planned_steps=1, steps_per_epoch=1, samples={}
)


@pytest.fixture
def run(tmp_path, tiny):
    return run_directory.create(tmp_path, tiny())


def make(root, name):
    path = root / name
    path.mkdir(parents=True)
    (path / "config.yaml").touch()
    return RunDir(path)


def test_a_new_run_holds_its_configuration(run, tiny):
    assert run.config() == tiny()
    assert (run.path.stat().st_mode & 0o777, run.config_path.stat().st_mode & 0o777) == (
        0o700,
        0o600,
    )
    assert run_directory.list_runs(run.path.parent) == [run]


def test_find(tmp_path):
    one, two = make(tmp_path, "20260101-aa"), make(tmp_path, "20260101-aab")
    assert run_directory.find(tmp_path, "20260101-aab") == two
    assert run_directory.find(tmp_path, "20260101-aa") == one  # exact wins over a beginning
    assert run_directory.find(Path("/elsewhere"), str(one.path)) == one
    with pytest.raises(UserError, match="ambiguous"):
        run_directory.find(tmp_path, "2026")
    for unknown in ("x", "", "20260101-aabb"):
        with pytest.raises(UserError, match="no run"):
            run_directory.find(tmp_path, unknown)
    with pytest.raises(UserError, match="not a run directory"):
        run_directory.find(tmp_path, "/nowhere/at/all")


def test_list_runs(tmp_path):
    assert run_directory.list_runs(tmp_path / "absent") == []
    make(tmp_path, "b"), make(tmp_path, "a")
    (tmp_path / "no-run").mkdir()
    assert [run.id for run in run_directory.list_runs(tmp_path)] == ["a", "b"]


def test_a_root_that_cannot_be_written(tmp_path, tiny):
    (tmp_path / "file").touch()
    for root in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="cannot be written"):
            run_directory.create(root, tiny())
    with pytest.raises(UserError, match="cannot be read"):
        run_directory.list_runs(tmp_path / "file")


def test_a_configuration_that_cannot_be_read(run):
    run.config_path.write_text("model: [")
    with pytest.raises(ConfigError, match=r"config\.yaml"):
        run.config()
    run.config_path.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        run.config()


def status(run, started=None, ended=None):
    return run_directory.status(run, alive=run_directory.locked(run), started=started, ended=ended)


@pytest.mark.parametrize("how", ["done", "stopped", "failed"])
def test_status_of_an_ended_run(run, how):
    ended = RunEnded(status=how, reason="", step=1, seconds=1.0)
    assert status(run, STARTED, ended) == how


def test_status_while_an_engine_lives_and_after_it_was_killed(run):
    assert status(run) == "never started"
    code = (
        "import sys, pathlib; from engine.runs.run_directory import Lock, RunDir\n"
        "lock = Lock(RunDir(pathlib.Path(sys.argv[1]))); print('locked', flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(run.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    ) as engine:
        assert engine.stdout.readline() == b"locked\n"
        assert run_directory.pid(run) == engine.pid
        assert status(run) == "queued"
        run.engine_log_path.touch()
        assert status(run) == "starting"
        assert status(run, STARTED) == "running"
        with pytest.raises(UserError, match="another engine"):
            run_directory.Lock(run)
        engine.kill()
    assert status(run, STARTED) == status(run) == "crashed"
    run_directory.Lock(run).release()


def test_pid_of_a_damaged_lock(run):
    assert run_directory.pid(run) is None
    for text in ("", "[]", "{}", '{"pid": null}', "\x00"):
        run.lock_path.write_text(text)
        assert run_directory.pid(run) is None


def test_a_number_that_another_process_was_given(run):
    lock = run_directory.Lock(run)
    assert run_directory.pid(run) == os.getpid()
    ours = run_directory.holder(run)
    for other in ({"began": ours.began + 1}, {"boot": "another"}, {"host": "another"}, {"pid": 1}):
        run.lock_path.write_bytes(identity.encode(structs.replace(ours, **other)))
        assert run_directory.pid(run) is None
    lock.release()


def test_the_lock_ends_with_its_process_though_a_worker_lives_on(run):
    lock = run_directory.Lock(run)
    worker = os.fork()
    if worker == 0:
        signal.pause()
    try:
        lock.release()
        wait_for(lambda: not run_directory.locked(run))
    finally:
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)


def test_a_root_that_is_not_ours_alone(tmp_path, tiny):
    run = run_directory.create(tmp_path / "runs", tiny())
    root = run.path.parent
    assert root.stat().st_mode & 0o777 == 0o700
    for mode in (0o770, 0o777, 0o1777, 0o702):
        root.chmod(mode)
        for use in (run_directory.list_runs, lambda root: run_directory.create(root, tiny())):
            with pytest.raises(UserError, match="refused, others can write to it"):
                use(root)
    root.chmod(0o755)
    assert run_directory.list_runs(root) == [run]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_what_belongs_to_another_user(tmp_path, tiny):
    run = run_directory.create(tmp_path / "runs", tiny())
    os.chown(run.path, 12345, 12345)
    assert run_directory.find(tmp_path, str(run.path)).config() == tiny()
    for change in (lambda: control.send(run, "stop"), lambda: run_directory.Lock(run)):
        with pytest.raises(UserError, match="read-only, this run belongs to user 12345"):
            change()
    assert list(run.control_path.iterdir()) == []
    os.chown(run.path.parent, 12345, 12345)
    with pytest.raises(UserError, match="refused, it belongs to user 12345"):
        run_directory.list_runs(run.path.parent)


def test_only_plain_files_are_commands(run, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b'{"id":"x","command":"stop"}')
    os.mkfifo(run.control_path / "1-fifo.json")
    (run.control_path / "2-link.json").symlink_to(secret)
    (run.control_path / "3-folder.json").mkdir()
    (run.control_path / "4-large.json").write_bytes(b" " * 70_000)
    answers = control.Inbox(run).take()
    assert [type(answer) for answer in answers] == [control.Refused] * 4
    assert [answer.reason.partition(": ")[2] for answer in answers] == [
        "a pipe, not a regular file",
        "Too many levels of symbolic links",
        "Is a directory",
        "longer than 65536 bytes",
    ]


def test_commands_are_taken_once_and_in_order(run):
    sent = [control.send(run, "stop") for _ in range(3)]
    inbox = control.Inbox(run)
    assert [request.id for request in inbox.take()] == sent
    assert inbox.take(at_once=True) == []


def test_the_inbox_looks_seldom(run, monkeypatch):
    now = time.monotonic()
    monkeypatch.setattr("engine.runs.control.time.monotonic", lambda: now)
    inbox = control.Inbox(run, interval=0.05)
    assert inbox.take() == []
    control.send(run, "stop")
    assert inbox.take() == []
    now += 0.051
    assert len(inbox.take()) == 1


def test_a_missing_control_folder_is_no_harm(run):
    run.control_path.rmdir()
    assert control.Inbox(run).take() == []
    assert control.send(run, "stop")
    assert len(control.Inbox(run).take()) == 1


def test_a_command_that_cannot_be_sent(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        control.send(RunDir(tmp_path / "file"), "stop")
