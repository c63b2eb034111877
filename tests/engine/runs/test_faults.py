"""Faults injected into real processes: kills, stops, full disks. Large numbers are slow tests."""

import mmap
import os
import resource
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from engine.runs import run_directory
from engine.runs.events import Gap, RunEnded, Scalars
from engine.runs.log_reader import LogReader, LogWriter, read_all
from support.forked import in_child, wait
from support.recorded import wait_for
from tui.runs.follower import Follower
from tui.runs.loading import load

ROOT = Path(__file__).parents[3]
FULL_DISK = "training goes on, gap visible, 0 damaged"


def write_forever(path, counter, life):
    """Append as fast as it goes; how many records were acknowledged stands in a shared file."""
    with counter.open("r+b") as file:
        shared = mmap.mmap(file.fileno(), 8)
    log = LogWriter(path)
    for step in range(1, 10**9):
        log.append(Scalars(step=[step], seconds=[1.0], values={"life": [life], "x": [step]}))
        struct.pack_into("q", shared, 0, log.written)
        if step % 50 == 0:
            log.flush()


def kill_writers(folder, kills):
    """Kill a writer so often; returns (acknowledged records lost, unreadable logs)."""
    random, lost, unreadable = Random(0), 0, 0
    path, counter = folder / "events.jsonl", folder / "acknowledged"
    for life in range(kills):
        if life % 5 == 0:
            path.unlink(missing_ok=True)
        counter.write_bytes(bytes(8))
        with counter.open("r+b") as file:
            shared = mmap.mmap(file.fileno(), 8)
        writer = in_child(lambda life=life: write_forever(path, counter, life))
        wait_for(lambda shared=shared: struct.unpack_from("q", shared)[0])
        time.sleep(random.random() / 30)  # the random point, nothing is waited for
        os.kill(writer, signal.SIGKILL)
        assert wait(writer) == -signal.SIGKILL
        (acknowledged,) = struct.unpack_from("q", shared)
        reader = LogReader(path)
        events = []
        while chunk := reader.read(2**23):
            events += chunk
        steps = [event.step[0] for event in events if event.values["life"] == [life]]
        lost += max(0, acknowledged - len(steps))
        unreadable += reader.damaged > 0 or steps != list(range(1, len(steps) + 1))
    return lost, unreadable


def test_kills_lose_nothing_that_was_acknowledged(tmp_path):
    assert kill_writers(tmp_path, 8) == (0, 0)


@pytest.mark.slow
@pytest.mark.figure("SIGKILL of a writer, 500 times", asked="0 acknowledged lost, 0 unreadable")
def test_500_kills(tmp_path, measured):
    lost, unreadable = kill_writers(tmp_path, 500)
    measured(f"{lost} acknowledged records lost, {unreadable} unreadable logs")
    assert (lost, unreadable) == (0, 0)


@pytest.fixture
def engine(tiny):
    """Starts an engine that never ends by itself; it is stopped after the test."""
    started = []

    def start(root, **limits):
        run = run_directory.create(root, tiny(epochs=10**8))
        parent = subprocess.Popen(
            [sys.executable, "-m", "engine", str(run.path)],
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            **limits,
        )
        started.append((run, parent))
        wait_for(lambda: load(run).step)
        return run

    yield start
    for run, parent in started:
        if child := run_directory.pid(run):
            os.kill(child, signal.SIGCONT)
            os.kill(child, signal.SIGTERM)
        assert parent.wait(60) in (0, 1)


def test_a_stopped_engine_is_stalled_until_it_goes_on(engine, tmp_path):
    run = engine(tmp_path)
    follower = Follower(run)

    def status():
        news = None
        while found := follower.poll():
            news = found
        return news

    wait_for(lambda: (news := status()) and news.status == "running")
    os.kill(run_directory.pid(run), signal.SIGSTOP)
    news = wait_for(lambda: (news := status()) and news.status == "stalled" and news)
    assert news.detail.startswith("its process is stopped (SIGSTOP), for ")
    os.kill(run_directory.pid(run), signal.SIGCONT)
    wait_for(lambda: (news := status()) and news.status == "running")
    before = load(run).step
    wait_for(lambda: load(run).step > before)


@pytest.mark.slow
@pytest.mark.figure("SIGSTOP of the engine, 5 times", asked="stalled within 5 s, recovers")
def test_stalled_is_seen_within_5_seconds(engine, tmp_path, measured):
    run = engine(tmp_path)
    slowest = 0.0
    for _ in range(5):
        os.kill(run_directory.pid(run), signal.SIGSTOP)
        began = time.monotonic()
        wait_for(lambda: load(run).status == "stalled")
        slowest = max(slowest, time.monotonic() - began)
        os.kill(run_directory.pid(run), signal.SIGCONT)
        wait_for(lambda: load(run).status == "running")
    measured(f"stalled after <= {slowest:.1f} s, recovered 5 times")
    assert slowest <= 5


def check_full_disk(run, fill, free, *, until):
    """Training goes on while the disk is full; the trouble shows; nothing earlier is damaged."""
    fill()
    wait_for(lambda: "its log cannot be written" in Follower(run).poll().detail)
    before = read_all(run.events_path)
    progress = wait_for(lambda: heartbeat_step(run))
    wait_for(lambda: heartbeat_step(run) > progress)
    wait_for(lambda: until(run), 300)
    free()
    wait_for(lambda: load(run).detail == "")
    os.kill(run_directory.pid(run), signal.SIGTERM)
    wait_for(lambda: not run_directory.locked(run))
    reader = LogReader(run.events_path)
    after = []
    while chunk := reader.read(2**23):
        after += chunk
    assert reader.damaged == 0
    assert after[: len(before)] == before
    assert isinstance(after[-1], RunEnded)
    assert after[-1].status == "stopped"
    steps = [step for event in after if isinstance(event, Scalars) for step in event.step]
    gaps = [event for event in after if isinstance(event, Gap)]
    missing = set(range(1, steps[-1] + 1)) - set(steps)
    told = {step for gap in gaps for step in range(gap.first_step, gap.last_step + 1)}
    assert missing <= told
    return sum(gap.records for gap in gaps), len(missing)


def heartbeat_step(run):
    from engine.runs.signs_of_life import heartbeat

    beat = heartbeat.read(run)
    return beat.step if beat else 0


def dropped(run):
    from engine.runs.signs_of_life import heartbeat

    return heartbeat.read(run).log_dropped


def limits(run):
    """Functions that forbid the engine's files to grow, and allow it again."""
    child = run_directory.pid(run)

    def set_limit(size):
        resource.prlimit(child, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    size = run.events_path.stat().st_size + 100  # in the middle of a record
    return lambda: set_limit(size), lambda: set_limit(resource.RLIM_INFINITY)


def test_a_file_that_may_not_grow_costs_nothing_at_first(engine, tmp_path):
    run = engine(tmp_path)
    assert check_full_disk(run, *limits(run), until=lambda run: True) == (0, 0)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.figure("disk full (RLIMIT_FSIZE)", asked=FULL_DISK)
def test_a_file_that_may_not_grow_for_long(engine, tmp_path, measured):
    run = engine(tmp_path)
    records, steps = check_full_disk(run, *limits(run), until=lambda run: dropped(run) > 50)
    assert records > 50
    measured(f"goes on; a gap of {records} records ({steps} steps) is told; 0 damaged")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.figure("disk full (4 MB tmpfs)", asked=FULL_DISK)
def test_a_full_tmpfs(engine, tmp_path, measured):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "none", str(disk)]
    made = subprocess.run(mount, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"needs a file system of its own: {made.stderr.strip()}")
    try:
        run = engine(disk)
        filler = disk / "filler"

        def fill():
            with filler.open("wb", buffering=0) as file:
                try:
                    while file.write(b"x" * 4096):
                        pass
                except OSError:
                    pass

        records, steps = check_full_disk(
            run, fill, filler.unlink, until=lambda run: heartbeat_step(run) > 5000
        )
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
    measured(f"goes on; {records} records ({steps} steps) lost and told; 0 damaged")
