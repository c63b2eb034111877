"""The lock of a run on a file system that has no flock, such as NFS whose lock service is off."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from msgspec import structs

from engine.runs import locking, run_directory, start_process
from engine.runs.run_directory import Lock
from engine.runs.signs_of_life import identity
from presets import UserError
from support.recorded import wait_for
from tui.runs.listing import trash

ROOT = Path(__file__).parents[3]
NO_FLOCK = ["ENOLCK", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]
# A process on such a file system: what the test does to its own `fcntl.flock`, in a child.
WITHOUT = """
import errno, fcntl, sys
def refuse(*_):
    raise OSError(errno.ENOLCK, "No locks available")
fcntl.flock = refuse
"""


@pytest.fixture
def run(tmp_path, tiny):
    return run_directory.create(tmp_path / "runs", tiny())


@pytest.fixture(params=NO_FLOCK)
def without(request, monkeypatch):
    """A file system without flock; in each way to say so."""
    number = getattr(errno, request.param)

    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)


def child(code, run, **options):
    command = [sys.executable, "-c", WITHOUT + code, str(run.path)]
    return subprocess.Popen(command, cwd=ROOT, **options)


HOLD = """
from pathlib import Path
from engine.runs.run_directory import Lock, RunDir
lock = Lock(RunDir(Path(sys.argv[1])))
print("locked", flush=True)
sys.stdin.read()
lock.release()
"""


def test_a_lock_is_taken_seen_and_given_back(run, without):
    assert not run_directory.locked(run)
    lock = Lock(run)
    assert run_directory.locked(run)
    assert run_directory.pid(run) == os.getpid()
    with pytest.raises(UserError, match="an engine is at work"):
        trash.delete(run)
    lock.release()
    assert not run_directory.locked(run)
    assert not (run.path / locking.HELD).exists()
    assert not (trash.delete(run) / locking.HELD).exists()


def test_a_lock_keeps_others_off_and_dies_with_its_process(run, without):
    with child(HOLD, run, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"locked\n"
        assert run_directory.locked(run)
        with pytest.raises(UserError, match="another engine is at work"):
            run_directory.take(run)
        holder.kill()
    assert not run_directory.locked(run)
    Lock(run).release()


def test_a_forked_worker_does_not_give_the_lock_back(run, without):
    lock = Lock(run)
    worker = os.fork()
    if worker == 0:
        lock.release()
        os._exit(0)
    os.waitpid(worker, 0)
    assert run_directory.locked(run)
    lock.release()


def test_the_holder_on_another_machine_is_believed_while_its_file_is_fresh(run, without):
    lock = Lock(run)
    held = run.path / locking.HELD
    far = structs.replace(identity.own(), host="elsewhere", boot="another")
    held.write_bytes(identity.encode(far))
    assert run_directory.locked(run)
    long_ago = time.time() - 2 * locking.STALE_SECONDS
    os.utime(held, (long_ago, long_ago))
    assert not run_directory.locked(run)
    run.heartbeat_path.touch()  # its engine writes this one every second
    assert run_directory.locked(run)
    run.heartbeat_path.unlink()
    lock.release()
    Lock(run).release()


@pytest.mark.parametrize("text", [b"", b"[]", b"\x00"])
def test_a_file_whose_maker_was_killed_before_it_signed_is_void_soon(run, without, text):
    held = run.path / locking.HELD
    held.write_bytes(text)
    with pytest.raises(UserError, match="another engine"):
        run_directory.take(run)
    before = time.time() - 2 * locking.UNSIGNED_SECONDS
    os.utime(held, (before, before))
    Lock(run).release()


def test_of_many_that_take_a_void_lock_one_has_it(run):
    dead = structs.replace(identity.own(), began=1)
    (run.path / locking.HELD).write_bytes(identity.encode(dead))
    code = """
from pathlib import Path
from engine.runs.run_directory import Lock, RunDir
from presets import UserError
sys.stdin.readline()
try:
    lock = Lock(RunDir(Path(sys.argv[1])))
    print("got it", flush=True)
except UserError:
    print("refused", flush=True)
sys.stdin.read()
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    takers = [child(code, run, **pipes) for _ in range(4)]
    for taker in takers:
        taker.stdin.write(b"\n")
        taker.stdin.flush()
    said = [taker.stdout.readline() for taker in takers]
    for taker in takers:
        taker.communicate()
    assert sorted(said) == [b"got it\n", *[b"refused\n"] * 3]


ENGINE = """
from engine import __main__
sys.exit(__main__.main())
"""


def test_an_engine_trains_a_queue_there(tmp_path, tiny):
    first, second = (run_directory.create(tmp_path / "runs", tiny()) for _ in range(2))
    command = [sys.executable, "-c", WITHOUT + ENGINE, str(first.path), str(second.path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for run in (first, second):
        assert not run_directory.locked(run)
        assert b'"status":"done"' in run.events_path.read_bytes()
        assert not (run.path / locking.HELD).exists()


def test_whoever_starts_an_engine_hands_the_lock_over(run, without, monkeypatch, tmp_path):
    idle = tmp_path / "idle"
    idle.write_text("#!/bin/sh\nexec sleep 600\n")
    idle.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(idle))
    engine = start_process.start([run])
    assert run_directory.locked(run)
    os.kill(engine.pid, signal.SIGKILL)
    engine.wait()
    wait_for(lambda: not run_directory.locked(run))


def test_where_no_lock_can_be_had_nothing_is_left_behind(run, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(UserError) as caught:
        start_process.start([run])
    assert str(caught.value) == f"{run.path}: cannot be locked (Input/output error)"
    assert list(run.path.parent.iterdir()) == []
