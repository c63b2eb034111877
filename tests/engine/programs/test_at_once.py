"""An engine that is told twice to stop is gone within two seconds, whatever it is at."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.programs import supervise
from engine.runs import checkpoint, control, run_directory
from engine.runs.control import Arguments
from engine.runs.events import LogLine, RunEnded, Scalars
from engine.runs.log_reader import read_all
from engine.runs.run_directory import RunDir
from support.recorded import wait_for

ROOT = Path(__file__).parents[3]
AT_ONCE = 2.0
"""Seconds, without the time that a busy machine needs to run our own processes."""
# Stays for ever in one of the engine's functions: argument 1 names it, after argument 2 calls.
STUCK = """
import importlib, sys, time
from engine import __main__
place, calls = sys.argv.pop(1), int(sys.argv.pop(1))
module, _, name = place.rpartition(":")
*owner, name = name.split(".")
def stuck(*given, **named):
    global calls
    calls -= 1
    if calls >= 0:
        return before(*given, **named)
    print("stuck", flush=True)
    while True:
        time.sleep(1000)
fork = __main__.work
def work(*given):
    global before
    holder = importlib.import_module(module)
    for part in owner:
        holder = getattr(holder, part)
    before = getattr(holder, name)
    setattr(holder, name, stuck)
    return fork(*given)
__main__.work = work
sys.exit(__main__.main())
"""
STATES = {
    "reading its history": ("engine.__main__:_restart", 0),
    "loading data": ("engine.training.session:batches_of", 0),
    "inside a step": ("engine.runs.journal:Journal.progress", 5),
    "evaluating": ("engine.training.loop:_evaluate_and_save", 0),
    "saving": ("engine.training.saving.checkpoint_writer:_settle", 4),
}


def send_twice(process: subprocess.Popen[bytes], run: RunDir) -> None:
    process.send_signal(signal.SIGTERM)
    time.sleep(0.1)  # two of a kind that come together are one
    process.send_signal(signal.SIGTERM)


def stop_twice(process: subprocess.Popen[bytes], run: RunDir) -> None:
    control.send(run, "stop")
    control.send(run, "stop")


def stop_now(process: subprocess.Popen[bytes], run: RunDir) -> None:
    control.send(run, "stop", Arguments(now=True))


WAYS: dict[str, Callable[[subprocess.Popen[bytes], RunDir], None]] = {
    "SIGTERM twice": send_twice,
    "a second stop command": stop_twice,
    "stop --now": stop_now,
}


def start(place: str, calls: int, *runs: RunDir) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", STUCK, place, str(calls), *(str(run.path) for run in runs)]
    return subprocess.Popen(command, cwd=ROOT)


def is_stuck(run: RunDir) -> bool:
    return run.engine_log_path.exists() and "stuck" in run.engine_log_path.read_text()


CASES = [
    ("reading its history", "stop --now"),
    ("inside a step", "SIGTERM twice"),
    ("saving", "a second stop command"),
]
"""Each way once; `test_how_soon` has every state with every way."""


def check_gone(root, tiny, state, way):
    """An engine in this state ends, and says so; returns after how many seconds."""
    config = tiny(epochs=1_000_000, checkpoint__every_steps=4)
    run = run_directory.create(root, config)
    engine = start(*STATES[state], run)
    try:
        wait_for(lambda: is_stuck(run))
        child = run_directory.pid(run)
        began = time.monotonic()
        WAYS[way](engine, run)
        assert engine.wait(60) == 0
        took = time.monotonic() - began
    finally:
        engine.kill()
        engine.wait()
    assert not Path(f"/proc/{child}").exists()  # and its memory is free
    *_, said, ended = read_all(run.events_path)
    assert isinstance(ended, RunEnded)
    assert ended.status == "stopped"
    assert ended.reason.startswith(f"killed at once: {way}; ")
    assert isinstance(said, LogLine)
    assert said.message == f"stopped: {ended.reason}"
    assert ended.reason in run.engine_log_path.read_text()
    found = checkpoint.listed(run)
    kept = f"the newest checkpoint is {found[-1].name}" if found else "there is no checkpoint"
    assert ended.reason.endswith(kept)
    assert bool(found) == (state in ("inside a step", "saving"))
    assert not run_directory.locked(run)
    return took


@pytest.mark.parametrize(("state", "way"), CASES)
def test_from_any_state(tmp_path, tiny, state, way):
    took = check_gone(tmp_path, tiny, state, way)
    assert supervise.GRACE_SECONDS + supervise.POLL_SECONDS < AT_ONCE
    assert took < 30  # the rest is the machine's: `figure` below measures it


@pytest.mark.parametrize("way", ["SIGTERM twice", "stop --now"])
def test_signals_are_for_the_whole_queue_and_a_command_for_one_run(tmp_path, tiny, way):
    first = run_directory.create(tmp_path, tiny(epochs=1_000_000))
    second = run_directory.create(tmp_path, tiny())
    engine = start(*STATES["inside a step"], first, second)
    try:
        wait_for(lambda: is_stuck(first))
        WAYS[way](engine, first)
        if way == "stop --now":  # the second run gets stuck too
            wait_for(lambda: is_stuck(second))
            stop_now(engine, second)
        assert engine.wait(60) == 0
    finally:
        engine.kill()
        engine.wait()
    ended = read_all(second.events_path)[-1]
    assert ended.status == "stopped"
    if way == "stop --now":
        assert ended.reason.startswith("killed at once: stop --now; ")
    else:
        assert ended.reason == "stopped before it started"


def test_an_engine_that_can_stop_does_so_by_itself(tmp_path, tiny):
    run = run_directory.create(tmp_path, tiny(epochs=1_000_000))
    engine = subprocess.Popen([sys.executable, "-m", "engine", str(run.path)], cwd=ROOT)
    try:
        wait_for(lambda: any(isinstance(e, Scalars) for e in read_all(run.events_path)))
        stop_now(engine, run)
        assert engine.wait(60) == 0
    finally:
        engine.kill()
        engine.wait()
    ended = read_all(run.events_path)[-1]
    assert (ended.status, ended.reason.split(" after")[0]) == ("stopped", "stop command")


@pytest.mark.slow
@pytest.mark.figure("told twice to stop, from any state", asked="gone <= 2 s")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("state", STATES)
def test_how_soon(tmp_path, tiny, state, way, measured):
    took = check_gone(tmp_path, tiny, state, way)
    measured(f"{took:.2f} s: {state}, {way}")
    assert took < AT_ONCE


def test_a_lack_of_memory_says_what_was_wanted(tmp_path, tiny, monkeypatch):
    """The kernel's count of such kills grows; the kill itself is ours."""
    run = run_directory.create(tmp_path, tiny())
    counts = iter([0, 1])
    monkeypatch.setattr(supervise, "_memory_kills", lambda: next(counts))

    def work(claims, whereabouts, received, died):
        del received, died
        for claimed, file in claims:
            run_directory.Lock(claimed, file)
        whereabouts.at_step(3)
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        status = supervise.Supervisor([(run, run_directory.take(run))], work).run()
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)
    assert status == 1
    (said,) = run.engine_log_path.read_text().splitlines()
    assert said.startswith("the engine was killed by signal 9; out of memory likely (it held ")
    assert "GB, its need was estimated at 0." in said
    assert said.endswith(" GB) after step 3")
