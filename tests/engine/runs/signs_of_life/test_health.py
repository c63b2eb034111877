"""A run's status is derived from what its engine left, and says why."""

import os
import signal
import socket
import subprocess
import sys
import time

import msgspec
import pytest
from msgspec import structs

from engine.runs import run_directory
from engine.runs.events import RunStarted
from engine.runs.log_writer import Trouble
from engine.runs.signs_of_life import health, heartbeat, identity
from engine.runs.signs_of_life.health import Exit
from engine.runs.signs_of_life.heartbeat import Beat
from support.recorded import wait_for

STARTED = RunStarted(
    config={}, device="cpu", num_parameters=1, planned_steps=1, steps_per_epoch=1, samples={}
)


@pytest.fixture
def run(tmp_path, tiny):
    return run_directory.create(tmp_path, tiny())


@pytest.fixture
def lock(run):
    lock = run_directory.Lock(run)
    yield lock
    lock.release()


def beat(run, silent=0.0, idle=0.0, **changes):
    """Write a sign of life that is `silent` seconds old, of an engine `idle` seconds longer."""
    now = Beat(
        host=socket.gethostname(),
        boot=identity.boot_id(),
        time=time.time() - silent,
        clock=time.monotonic() - silent,
        step=7,
        progress=time.monotonic() - silent - idle,
        step_seconds=0.01,
        resting="",
        log_trouble="",
        log_waiting=0,
        log_dropped=0,
    )
    run.heartbeat_path.write_bytes(heartbeat.encode(structs.replace(now, **changes)))


def examine(run, started=STARTED, **facts):
    alive = run_directory.locked(run)
    return health.examine(run, alive=alive, started=started, ended=None, **facts)


def test_a_heart_beats_and_tells(run, lock):
    trouble = Trouble("No space left on device", 12, 3)
    steps = []
    heart = heartbeat.Heartbeat(run, trouble=lambda: trouble, on_step=steps.append)
    heart.progress(5)
    assert steps == [5]
    first = heartbeat.read(run)
    assert run.heartbeat_path.stat().st_mode & 0o777 == 0o600
    later = wait_for(lambda: (found := heartbeat.read(run)) and found.step == 5 and found)
    assert later.clock > first.clock
    said = "its log cannot be written: No space left on device; 12 records wait, 3 lost"
    assert examine(run) == health.Health("running", said, said)
    heart.unsaved("checkpoint of step 4 not written")
    said += "; checkpoint of step 4 not written"
    assert wait_for(lambda: (now := examine(run)).unsaved == said and now).detail == said
    assert heart.rest("evaluating") == ""
    heart.close()
    assert heartbeat.read(run).resting == "evaluating"


def test_damaged_heartbeats_are_none(run):
    for data in (b"", b"x", b"{} 00000000", b"\xff" * 2000):
        run.heartbeat_path.write_bytes(data)
        assert heartbeat.read(run) is None
    run.heartbeat_path.unlink()
    os.mkfifo(run.heartbeat_path)
    assert heartbeat.read(run) is None


def test_alive(run, lock):
    beat(run)
    assert examine(run) == health.Health("running")
    assert examine(run, paused=True) == health.Health("paused")
    beat(run, resting="evaluating", idle=1e4)
    assert examine(run) == health.Health("running", "evaluating")


@pytest.mark.parametrize(
    ("silent", "changes", "detail"),
    [
        (0, {"idle": 31.2}, "alive, no progress for 31 s"),
        (0, {"idle": 190, "step_seconds": 10.0}, ""),
        (0, {"idle": 210, "step_seconds": 10.0}, "alive, no progress for 210 s"),
        (0, {"idle": 250, "step": 0, "step_seconds": 0.0}, ""),
        (0, {"idle": 310, "step": 0, "step_seconds": 0.0}, "alive, no progress for 310 s"),
        (4, {}, ""),
        (11, {}, "its process is frozen, for 11 s"),
    ],
)
def test_stalled(run, lock, silent, changes, detail):
    beat(run, silent + 0.1, **changes)
    assert examine(run) == health.Health("stalled" if detail else "running", detail)


def test_a_paused_run_does_not_stall_but_freezes(run, lock):
    beat(run, idle=1e5, resting="paused")
    assert examine(run, paused=True) == health.Health("paused")
    beat(run, silent=60.1)
    assert examine(run, paused=True) == health.Health("stalled", "its process is frozen, for 60 s")


def test_a_stopped_process_is_known_sooner(run):
    code = (
        "import sys, pathlib; from engine.runs.run_directory import Lock, RunDir\n"
        "lock = Lock(RunDir(pathlib.Path(sys.argv[1]))); print('locked', flush=True)\n"
        "sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(run.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as engine:
        assert engine.stdout.readline() == b"locked\n"
        beat(run, silent=4.1)
        assert examine(run).status == "running"
        engine.send_signal(signal.SIGSTOP)
        wait_for(lambda: examine(run).status == "stalled")
        assert examine(run).detail == "its process is stopped (SIGSTOP), for 4 s"
        engine.send_signal(signal.SIGCONT)
        wait_for(lambda: examine(run).status == "running")
        engine.kill()


def test_crashed_and_why(run, lock):
    lock.release()
    beat(run)
    assert examine(run) == health.Health("crashed", "nobody saw how its engine ended")
    who = run_directory.holder(run)
    seen = Exit(pid=who.pid, began=who.began, time=0.0, signal=9, out_of_memory=True)
    for changes, detail in (
        ({}, "killed by signal 9; out of memory likely"),
        ({"out_of_memory": False}, "killed by signal 9"),
        ({"signal": None, "code": 3}, "ended without a word, with exit status 3"),
        ({"pid": who.pid + 1}, "nobody saw how its engine ended"),  # of an earlier process
    ):
        run.exit_path.write_bytes(msgspec.json.encode(structs.replace(seen, **changes)))
        assert examine(run) == health.Health("crashed", detail)


def test_a_run_of_a_queue_waits_while_somebody_will_take_it_up(run, lock):
    """Its engine died with an earlier run; the engine's parent, here this process, lives."""
    lock.release()
    assert examine(run, started=None) == health.Health("queued")
    assert examine(run).status == "crashed"
    gone = structs.replace(run_directory.holder(run), began=1)
    run.lock_path.write_bytes(identity.encode(gone))
    assert examine(run, started=None).status == "crashed"


def test_an_end_that_the_log_could_not_take(run, lock):
    lock.release()
    beat(run, ended="done", reason="all 5 steps done", log_trouble="No space left on device")
    missing = "the end of its log is missing (No space left on device)"
    said = f"all 5 steps done; {missing}"
    assert examine(run) == health.Health("done, not saved", said, missing)


def test_an_engine_on_another_machine(run, lock):
    lock.release()
    far = structs.replace(run_directory.holder(run), host="box2", boot="another")
    run.lock_path.write_bytes(identity.encode(far))
    beat(run, host="box2", boot="another")
    assert examine(run) == health.Health("running", "on box2")
    assert examine(run, paused=True).status == "paused"
    beat(run, silent=40.2, host="box2", boot="another")
    assert examine(run) == health.Health("unreachable", "on box2, silent for 40 s")
    run.heartbeat_path.unlink()
    assert examine(run) == health.Health("unreachable", "on box2")
    assert run_directory.pid(run) is None


def test_a_machine_that_was_restarted(run, lock):
    lock.release()
    before = structs.replace(run_directory.holder(run), boot="before")
    run.lock_path.write_bytes(identity.encode(before))
    beat(run, silent=40, boot="before")
    assert examine(run) == health.Health("crashed", "the machine was restarted")
