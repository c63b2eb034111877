"""A run that was interrupted ten times equals a whole one in every field of `show --json`, apart
from what a clock says."""

from itertools import pairwise

import pytest
import pytorch_optimizer  # noqa: F401 (once here, and not in each forked process)

from engine.config import configure
from engine.runs.events import Evaluation, Restarted
from engine.runs.journal import Journal
from engine.runs.log_reader import LogWriter, read_all
from engine.training.recording.metric_buffer import MetricBuffer
from support.forked import of
from support.resuming import interrupt
from tui.runs import loading
from tui.runs.state import summary

CLOCKS = ("id", "path", "events_path", "seconds")
STEPS = 40
KILLED = (3, 4, 9, 11, 17, 20, 22, 29, 30, 37)
SETTINGS = {
    "dataset.samples": 96,
    "device": "cpu",
    "threads": 1,
    "batch_size": 32,
    "steps": STEPS,
    "seed": 2,
    "model.batch_norm": True,
    "model.dropout": 0.2,
    "checkpoint.every_steps": 3,
    "diagnostics.every": 1,
    "evaluate_every": 4,
    "schedule.type": "plateau",
    "schedule.patience": 2,
    "ema_decay": 0.9,
    "clip.mode": "zclip",
}
WAYS = {
    "plain": {},
    "probes now and then": {"diagnostics.every": 5, "clip.mode": "autoclip"},
    "a target": {"target": "val/loss <= 1.0", "evaluate_every": 3},
    "skipped steps": {"precision": "fp16", "on_non_finite": "skip-step"},
}


def shown(run):
    found = summary.summary(loading.load(run), pid=None)
    for key in CLOCKS:
        del found[key]
    del found["last"]["samples_per_second"]
    return found


CASES = {("adam", way): way != "skipped steps" for way in WAYS}
CASES |= {("schedule-free-sgd", way): way != "plain" for way in WAYS}
"""Whether it is a slow test: those that are not have every feature once."""


@pytest.mark.parametrize(
    ("optimizer", "way"),
    [pytest.param(*case, marks=[pytest.mark.slow] * slow) for case, slow in CASES.items()],
)
def test_ten_interruptions_are_not_seen(tmp_path, optimizer, way):
    config = configure.resolve(
        model="mlp", dataset="spirals", optimizer=optimizer, settings={**SETTINGS, **WAYS[way]}
    )
    whole = interrupt(tmp_path / "whole", config)
    last = shown(whole)["steps"]
    cut = interrupt(tmp_path / "cut", config, *(step for step in KILLED if step < last))
    assert shown(cut) == shown(whole)
    check_clocks(read_all(cut.events_path))


def check_clocks(events):
    """The clock of training never goes back, and counts no more than there was."""
    kept = []
    for event in events:
        if isinstance(event, Restarted):
            kept = [each for each in kept if each.step <= event.step]
        elif isinstance(event, Evaluation) and event.training_seconds is not None:
            kept.append(event)
    assert len(kept) >= 2
    for first, second in pairwise(kept):
        assert first.training_seconds <= second.training_seconds
        assert second.training_seconds - first.training_seconds <= (
            second.seconds - first.seconds + 0.01
        )
    assert of(Restarted, events)


def test_the_clock_of_training_goes_on_where_it_was(tmp_path):
    """A run that lasted 100 s, 7 of them on steps, has trained for 7 s when it goes on."""
    log = LogWriter(tmp_path / "events.jsonl")
    journal = Journal(log)
    journal.go_on_from(50, 100.0)
    import torch

    with MetricBuffer(torch.device("cpu"), journal) as metrics:
        metrics.load_state_dict({"training_seconds": 7.0, "finite": True})
        assert 7.0 <= metrics.training_seconds < 8.0
        with metrics.paused():
            before = metrics.training_seconds
            journal.go_on_from(50, 400.0)  # five minutes pass
        assert before <= 8.0
        assert metrics.state_dict()["training_seconds"] >= 7.0
    log.close()
