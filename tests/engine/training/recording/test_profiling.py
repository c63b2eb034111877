"""Profiles of some steps of a training."""

import errno
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from engine.runs.events import LogLine, Profiled
from engine.runs.journal import Journal
from engine.runs.log_reader import LogWriter, read_all
from engine.runs.run_directory import RunDir
from engine.training.recording import profiling
from engine.training.recording.profiling import Profiler, top_operations
from presets import UserError

CPU = torch.device("cpu")


class Trained:
    """A small training with a profiler of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.run = RunDir(folder)
        self.log = LogWriter(self.run.events_path)
        self.profiler = Profiler(self.run, Journal(self.log), CPU)
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 2))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-2)
        self.step = 0
        self.losses: list[float] = []

    def train(self, steps: int) -> None:
        for _ in range(steps):
            self.step += 1
            loss = self.model(torch.randn(4, 8)).square().mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.losses.append(loss.item())
            if self.profiler.active:
                self.profiler.step(self.step)

    def events(self, kind):
        self.log.flush()
        return [event for event in read_all(self.run.events_path) if isinstance(event, kind)]


@pytest.fixture
def trained(tmp_path):
    trained = Trained(tmp_path / "run")
    yield trained
    trained.log.close()


def test_a_profile_of_some_steps(trained):
    trained.train(2)
    trained.profiler.begin(trained.step, steps=3)
    assert trained.profiler.active
    trained.train(3)
    assert not trained.profiler.active
    trained.train(1)
    (profiled,) = trained.events(Profiled)
    assert (profiled.first_step, profiled.last_step) == (3, 5)
    operations = {operation.name: operation for operation in profiled.operations}
    # Two layers: forward, and as a product backward, each three times.
    assert operations["aten::addmm"].calls == 6
    assert 0 < len(operations) <= profiling.TOP
    seconds = [operation.seconds for operation in profiled.operations]
    assert seconds == sorted(seconds, reverse=True)
    assert min(seconds) > 0
    assert 0.5 < sum(operation.share for operation in profiled.operations) <= 1 + 1e-9


def test_the_trace_is_private_and_complete(trained):
    os.umask(0o022)
    trained.profiler.begin(0, steps=2)
    trained.train(2)
    (profiled,) = trained.events(Profiled)
    assert profiled.trace == "profiles/step-00000001.json.gz"
    path = trained.run.path / profiled.trace
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]
    with gzip.open(path) as file:
        names = {entry.get("name") for entry in json.load(file)["traceEvents"]}
    assert "aten::addmm" in names
    trained.profiler.begin(0, steps=1)  # the same step again, after a restart
    trained.train(1)
    assert list(path.parent.iterdir()) == [path]


def test_profiling_changes_no_number(tmp_path):
    losses = []
    for profiled in (False, True):
        trained = Trained(tmp_path / str(profiled))
        trained.train(3)
        if profiled:
            trained.profiler.begin(trained.step, steps=4)
        trained.train(9)
        losses.append(trained.losses)
        assert len(trained.events(Profiled)) == profiled
        trained.log.close()
    assert losses[0] == losses[1]


def test_one_profile_at_a_time(trained):
    trained.profiler.begin(0)
    with pytest.raises(UserError, match="steps 1 to 20 are being profiled"):
        trained.profiler.begin(0)
    trained.train(1)
    trained.profiler.close(trained.step)


def test_the_run_ends_meanwhile(trained):
    trained.profiler.begin(0)
    trained.train(2)
    trained.profiler.close(trained.step)
    (profiled,) = trained.events(Profiled)
    assert (profiled.first_step, profiled.last_step) == (1, 2)
    trained.profiler.close(trained.step)
    trained.profiler.begin(2)
    trained.profiler.close(2)  # before a step was taken
    assert not trained.profiler.active
    assert len(trained.events(Profiled)) == 1


def test_a_tracer_that_cannot_start_is_told(trained, monkeypatch):
    def start(self):
        raise RuntimeError("another tool traces this device\nand a stack")

    monkeypatch.setattr(torch.profiler.profile, "start", start)
    with pytest.raises(UserError, match=r"^torch cannot profile here: another tool .* device$"):
        trained.profiler.begin(0)
    assert not trained.profiler.active


def no_space(path):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


@pytest.mark.parametrize("failing", ["folder", "tracer", "torn", "file"])
def test_a_disk_that_fails_costs_a_line(trained, monkeypatch, failing):
    export = torch.profiler.profile.export_chrome_trace

    def torn(self, path):
        export(self, path)
        Path(path).write_bytes(Path(path).read_bytes()[:1000])

    if failing == "folder":
        (trained.run.path / "profiles").write_text("in the way")
    elif failing == "file":
        monkeypatch.setattr(profiling, "replacing", no_space)
    else:
        broken = torn if failing == "torn" else lambda self, path: None
        monkeypatch.setattr(torch.profiler.profile, "export_chrome_trace", broken)
    trained.profiler.begin(0, steps=1)
    trained.train(3)
    assert not trained.profiler.active
    assert trained.events(Profiled) == []
    (line,) = trained.events(LogLine)
    assert line.level == "error"
    assert line.message.startswith("profile of steps 1 to 1 not written: ")
    assert "\n" not in line.message
    left = trained.run.path / "profiles"
    assert not left.is_dir() or list(left.iterdir()) == []


def trace(*entries: dict) -> bytes:
    # What Chrome's format has besides, and does not matter here.
    others = [{"ph": "M", "name": "process_name", "args": {"name": "python"}, "pid": 1, "ts": 0}]
    return json.dumps({"schemaVersion": 1, "traceEvents": [*others, *entries]}).encode()


def operation(name, ts, dur, tid=1, number=-1):
    entry = {"ph": "X", "cat": "cpu_op", "name": name, "ts": ts, "dur": dur, "tid": tid, "pid": 1}
    return {**entry, "args": {"External id": number}}


def kernel(name, dur, number=None, cat="kernel"):
    args = {} if number is None else {"External id": number}
    return {"cat": cat, "name": name, "ts": 0, "dur": dur, "tid": "stream 7", "args": args}


def test_time_of_operations_inside_counts_once():
    found = top_operations(
        trace(
            operation("outer", 0, 10),
            operation("inner", 1, 3),
            operation("innermost", 2, 1),
            operation("inner", 5, 2),
            operation("outer", 10, 4),
            operation("elsewhere", 0, 100, tid=2),
            kernel("annotation", 50, cat="user_annotation"),
        )
    )
    times = {one.name: (one.calls, round(1e6 * one.seconds, 6)) for one in found}
    assert times == {
        "elsewhere": (1, 100),
        "outer": (2, 9),
        "inner": (2, 4),
        "innermost": (1, 1),
    }
    assert [one.name for one in found] == ["elsewhere", "outer", "inner", "innermost"]
    assert found[1].share == pytest.approx(9 / 114)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=1, max_size=20))
def test_own_times_cover_each_moment_once(spans):
    """Spans cut to nest: together, their own times are the length of their union."""
    nested = []
    for start, length in sorted(spans, key=lambda span: (span[0], -span[1])):
        ends = [begin + long for begin, long in nested if begin <= start < begin + long]
        nested.append((start, min([length, *(end - start for end in ends)])))
    found = top_operations(
        trace(*(operation(str(i), ts, dur) for i, (ts, dur) in enumerate(nested))), count=99
    )
    covered = np.zeros(101, bool)
    for start, length in nested:
        covered[start : start + length] = True
    assert sum(one.seconds for one in found) == pytest.approx(1e-6 * covered.sum())
    assert all(one.seconds > -1e-12 for one in found)


def test_on_a_device_the_time_of_kernels_counts():
    found = top_operations(
        trace(
            operation("mm", 0, 10, number=1),
            operation("add", 10, 90, number=2),
            kernel("gemm", 70, 1),
            kernel("fill", 5, 1),
            kernel("vector_add", 20, 2),
            kernel("Memcpy DtoH", 5, cat="gpu_memcpy"),
        )
    )
    assert [(one.name, one.calls, one.share) for one in found] == [
        ("mm", 1, 0.75),
        ("add", 1, 0.2),
        ("Memcpy DtoH", 1, 0.05),
    ]


def test_only_the_most_expensive():
    found = top_operations(trace(*(operation(str(i), 100 * i, i) for i in range(1, 40))))
    assert [one.name for one in found] == [str(i) for i in range(39, 19, -1)]
