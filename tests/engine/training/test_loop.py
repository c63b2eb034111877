"""Whole runs, in this process: what they log, how they end."""

import errno
import os

import pytest

from engine.config import configure
from engine.runs import control
from engine.runs.events import CommandAnswered, Evaluation, LogLine, RunEnded, RunStarted, Scalars
from engine.runs.log_reader import LogWriter
from engine.training.steering.commands import Signals

KEYS = {
    "clip/layer",
    "clip/norm_after",
    "train/loss",
    "train/accuracy",
    "grad_norm",
    "clipped",
    "lr",
    "samples_per_second",
}


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def column(events, name):
    return [value for event in of(Scalars, events) for value in event.values[name]]


def steps(events):
    return [step for event in of(Scalars, events) for step in event.step]


def facts(events):
    """All that must be equal in two runs of one configuration."""
    names = KEYS - {"samples_per_second"}
    evaluations = [(e.split, e.step, e.epoch, e.values) for e in of(Evaluation, events)]
    (ended,) = of(RunEnded, events)
    return (
        {name: column(events, name) for name in names},
        evaluations,
        [line.message for line in of(LogLine, events)],
        (ended.status, ended.reason, ended.step),
    )


def test_a_run_from_start_to_end(train, tiny):
    events = train(tiny(batch_size=32, epochs=3))
    started, ended = events[0], events[-1]
    assert isinstance(started, RunStarted)
    assert (started.planned_steps, started.steps_per_epoch) == (9, 3)
    assert started.samples == {"train": 96, "val": 30, "test": 30}
    assert started.device == "cpu"
    assert {"torch", "python"} <= set(started.versions)
    assert steps(events) == list(range(1, 10))
    assert all(set(event.values) == KEYS for event in of(Scalars, events))
    assert [(e.split, e.step, e.epoch) for e in of(Evaluation, events)] == [
        ("val", 3, 1.0),
        ("val", 6, 2.0),
        ("val", 9, 3.0),
        ("test", 9, 3.0),
    ]
    assert isinstance(ended, RunEnded)
    assert (ended.status, ended.step) == ("done", 9)
    assert any(line.message.startswith("epoch 3/3: val loss") for line in of(LogLine, events))


def test_a_run_in_steps_is_evaluated_at_its_end_too(train, tiny):
    events = train(tiny(steps=4, clip__mode="value", clip__threshold=1e-3))
    assert steps(events) == [1, 2, 3, 4]
    assert [(e.split, e.step) for e in of(Evaluation, events)] == [
        ("val", 3),
        ("val", 4),
        ("test", 4),
    ]
    assert all(set(event.values) == KEYS | {"clip/fraction"} for event in of(Scalars, events))
    assert set(column(events, "clipped")) == {1.0}


def test_the_same_seed_gives_the_same_run(train, tiny):
    for extra in ({}, {"dataset__fresh": True}):
        first, second = (facts(train(tiny(seed=5, **extra))) for _ in range(2))
        assert first == second
        assert first[0]["train/loss"] != facts(train(tiny(seed=6, **extra)))[0]["train/loss"]


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adamw"])
def test_optimizers_start_from_the_same_state_and_see_the_same_batch(train, tiny, optimizer):
    first = column(train(tiny("adam", seed=1)), "train/loss")[0]
    assert column(train(tiny(optimizer, seed=1)), "train/loss")[0] == first


def test_full_batch_learns(train, tiny):
    events = train(tiny("gd", steps=60, model__dropout=0.0))
    losses = column(events, "train/loss")
    assert len(losses) == 60
    assert losses[-1] < losses[0] / 3
    lines = [line for line in of(LogLine, events) if " val " in line.message]
    assert len(lines) == 30  # not one for each of the 60 epochs


def test_mse_is_trained_too(train, tiny):
    events = train(tiny(loss="mse"))
    assert all(0 < loss < 1 for loss in column(events, "train/loss"))


def test_target_ends_the_run(train, tiny):
    events = train(tiny(target="val/accuracy >= 0.01", epochs=50))
    ended = events[-1]
    assert (ended.status, ended.step) == ("done", 3)
    assert ended.reason.startswith("val/accuracy 0.")
    assert ended.reason.endswith(" >= 0.01 reached at step 3")
    assert [e.split for e in of(Evaluation, events)] == ["val", "test"]


def test_unreached_target_does_not_end_the_run(train, tiny):
    assert train(tiny(target="val/loss <= 0.000001"))[-1].step == 6


def test_stop_command_ends_the_run_between_two_steps(train, tiny, monkeypatch):
    sent = []
    monkeypatch.setattr("engine.runs.control.Inbox.take", take_after(3, sent))
    events = train(tiny(epochs=50), prepare=lambda run: sent.append(control.send(run, "stop")))
    assert [(c.id, c.outcome, c.step) for c in of(CommandAnswered, events)] == [
        (sent[0], "accepted", 3),
        (sent[0], "applied", 3),
    ]
    assert steps(events) == [1, 2, 3]
    assert (events[-1].status, events[-1].step) == ("stopped", 3)
    assert events[-1].reason == "stop command after step 3"
    assert [(e.split, e.step) for e in of(Evaluation, events)] == [("val", 3), ("test", 3)]


def take_after(calls, sent):
    """An inbox that shows its commands only before step `calls` + 1."""
    original, asked = control.Inbox.take, []

    def take(self, *, at_once=False):
        asked.append(1)
        # The first question comes before torch is there, then one before each step.
        return original(self, at_once=True) if len(asked) == calls + 2 else []

    return take


def test_stop_before_the_start(train, tiny):
    events = train(tiny(), prepare=lambda run: control.send(run, "stop"))
    assert [c.outcome for c in of(CommandAnswered, events)] == ["accepted", "applied"]
    assert not of(RunStarted, events)
    assert (events[-1].status, events[-1].reason) == ("stopped", "stopped before it started")


def test_a_signal_stops_the_run(train, tiny):
    signals = Signals()
    signals.received = "SIGTERM"
    assert train(tiny(), signals=signals)[-1].status == "stopped"


def test_commands_that_come_too_late_are_answered(train, tiny, monkeypatch):
    monkeypatch.setattr("engine.training.steering.commands.Steering.stop_reason", lambda *_: None)
    monkeypatch.setattr("engine.training.steering.commands.Steering.waiting", lambda *_: False)
    events = train(tiny(), prepare=lambda run: control.send(run, "stop"))
    (answer,) = of(CommandAnswered, events)
    assert (answer.outcome, answer.reason) == ("rejected", "the run has ended")


def test_garbage_commands_are_rejected_and_do_no_harm(train, tiny):
    garbage = [b"", b"\xff\xfe", b"[]", b'{"id":"1","command":"explode"}', b"{" * 5000]

    def prepare(run):
        for i, data in enumerate(garbage):
            (run.control_path / f"{i}.json").write_bytes(data)
        (run.control_path / "9.json").mkdir()

    events = train(tiny(), prepare=prepare)
    answers = of(CommandAnswered, events)
    assert [answer.outcome for answer in answers] == ["rejected"] * 6
    assert all(answer.reason for answer in answers)
    assert events[-1].status == "done"


def test_divergence_is_shown_and_survived(train, tiny):
    extra = {"clip__mode": "none", "on_non_finite": "skip-step"}
    config = tiny("sgd", optimizer__lr=1e30, epochs=4, **extra)
    events = train(config)
    assert {"nan", "inf"} & set(column(events, "train/loss"))
    assert len(steps(events)) == 12
    assert [line.level for line in of(LogLine, events)].count("warning") == 1
    assert events[-1].status == "done"


def test_an_absent_device_fails_in_one_line(train, tiny, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    ended = train(tiny(device="cuda:3"))[-1]
    assert (ended.status, ended.step) == ("failed", 0)
    assert ended.reason.startswith("device: cuda:3 is not available here")


def test_an_error_in_training_is_one_line_and_loses_no_step(train, tiny, monkeypatch):
    from engine.training import loop

    original, calls = loop.gradient_norms, []

    def norms(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise ValueError("gradient trouble\nand a second line")
        return original(*arguments)

    monkeypatch.setattr(loop, "gradient_norms", norms)
    events = train(tiny())
    ended = events[-1]
    assert (ended.status, ended.reason) == ("failed", "ValueError: gradient trouble")
    assert ended.step == 2
    assert steps(events) == [1, 2]


def test_a_full_disk_is_not_hidden(train, tiny, monkeypatch, capsys):
    original = LogWriter.append

    def append(self, event):
        if isinstance(event, Scalars):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(self, event)

    monkeypatch.setattr(LogWriter, "append", append)
    ended = train(tiny())[-1]
    assert ended.status == "failed"
    assert "No space left on device" in ended.reason
    assert "No space left on device" in capsys.readouterr().err


@pytest.mark.parametrize("model", ["logistic", "mlp", "cnn-small"])
def test_every_model_trains_on_digits(train, model):
    config = configure.resolve(model=model, settings={"steps": 3, "device": "cpu"})
    assert train(config)[-1].status == "done"
