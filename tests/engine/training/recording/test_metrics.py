"""The metric buffer loses no step, and keeps what is not finite."""

import time
from typing import get_args

import pytest
import torch

from engine.runs.events import LogLine, Scalars
from engine.runs.journal import Journal
from engine.runs.log_reader import LogWriter, read_all
from engine.training.recording.metric_buffer import MetricBuffer
from engine.training.updates.clipping import Clipper, gradient_norms
from presets.schema import Clip, ClipMode

CPU = torch.device("cpu")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.jsonl"


@pytest.fixture
def journal(path):
    return Journal(LogWriter(path))


def written(journal, path):
    assert journal.sync()
    return read_all(path)


def test_full_blocks_are_sent_and_the_rest_at_the_end(journal, path):
    weight = torch.tensor(1.0)
    with MetricBuffer(CPU, journal, rows=4, interval=1e9) as metrics:
        for step in range(1, 11):
            metrics.record(step, 32, {"train/loss": weight * step, "lr": step / 10})
        sent = written(journal, path)
        assert [event.step for event in sent] == [[1, 2, 3, 4], [5, 6, 7, 8]]
    events = written(journal, path)
    assert [step for event in events for step in event.step] == list(range(1, 11))
    assert [v for event in events for v in event.values["train/loss"]] == list(range(1, 11))
    assert events[2].values["lr"] == [0.9, 1.0]
    assert set(events[0].values) == {"train/loss", "lr", "samples_per_second"}
    for event in events:
        assert all(len(column) == len(event.step) for column in event.values.values())
        assert event.seconds == sorted(event.seconds)
    assert journal.step == 10


def test_a_block_is_sent_when_it_is_old(journal, path):
    metrics = MetricBuffer(CPU, journal, interval=0.0)
    metrics.record(1, 1, {"train/loss": torch.tensor(0.5)})
    assert written(journal, path)[0].step == [1]


def test_not_finite_is_kept_and_told_once(journal, path):
    with MetricBuffer(CPU, journal, rows=2, interval=1e9) as metrics:
        for step, loss in enumerate([1.0, float("inf"), float("nan"), -float("inf")], start=1):
            metrics.record(step, 1, {"train/loss": torch.tensor(loss)})
    events = written(journal, path)
    scalars = [event for event in events if isinstance(event, Scalars)]
    lines = [event for event in events if isinstance(event, LogLine)]
    assert [v for event in scalars for v in event.values["train/loss"]] == [
        1.0,
        "inf",
        "nan",
        "-inf",
    ]
    assert [(line.level, line.message) for line in lines] == [
        ("warning", "step 2: the training loss is inf")
    ]


def test_an_exception_loses_no_step_and_is_not_replaced(journal, path, monkeypatch):
    def fail():
        with MetricBuffer(CPU, journal, interval=1e9) as metrics:
            metrics.record(1, 1, {"train/loss": torch.tensor(0.5)})
            raise RuntimeError("the first error")

    with pytest.raises(RuntimeError, match="the first error"):
        fail()
    assert written(journal, path)[0].step == [1]
    monkeypatch.setattr(LogWriter, "append", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(RuntimeError, match="the first error"):
        fail()


def test_throughput_leaves_out_what_is_paused(journal, path, monkeypatch):
    now = begun = time.perf_counter()
    monkeypatch.setattr("engine.training.recording.metric_buffer.time.perf_counter", lambda: now)
    metrics = MetricBuffer(CPU, journal, interval=1e9)
    metrics.record(1, 30, {"train/loss": torch.tensor(0.5)})
    with metrics.paused():
        now = begun + 100.0
    metrics.record(2, 20, {"train/loss": torch.tensor(0.5)})
    now = begun + 110.0
    metrics.drain()
    assert written(journal, path)[0].values["samples_per_second"] == [5.0, 5.0]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("mode", get_args(ClipMode))
def test_on_a_gpu_nothing_waits_for_the_device(journal, path, mode):
    device = torch.device("cuda", 0)
    weight = torch.nn.Parameter(torch.ones(1000, device=device))
    metrics = MetricBuffer(device, journal, rows=4)
    clipper = Clipper([("weight", weight)], Clip(mode=mode), device)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for step in range(1, 11):
            weight.grad = torch.full_like(weight, step / 4)
            recorded = clipper(gradient_norms([weight]))
            metrics.record(
                step, 1, {"train/loss": (weight * step).mean().detach(), "lr": 0.1, **recorded}
            )
    finally:
        torch.cuda.set_sync_debug_mode("default")
    metrics.drain()
    events = written(journal, path)
    assert [v for event in events for v in event.values["train/loss"]] == list(range(1, 11))
