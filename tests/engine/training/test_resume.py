"""Interrupted and resumed equals uninterrupted, bit for bit."""

import time
from typing import get_args

import pytest

from engine.runs import control, run_directory
from engine.runs.control import Arguments
from engine.runs.events import CommandAnswered, Restarted, RunEnded, RunStarted
from engine.runs.log_queue import Pen
from engine.runs.log_reader import read_all
from presets.schema import ScheduleType
from support.forked import in_child, of, told, train, train_and_die, wait
from support.resuming import check_equal, final, interrupt, same, steer_at


@pytest.mark.parametrize("kind", sorted(set(get_args(ScheduleType)) - {"range-test"}))
def test_every_schedule(tmp_path, tiny, kind):
    """Plateau falls at once, since nothing is learned at this rate."""
    schedule = {"schedule__type": kind, "schedule__warmup_steps": 2, "schedule__patience": 1}
    settings = {"optimizer__lr": 1e-9, "epochs": 4, "checkpoint__every_steps": 5, **schedule}
    config = tiny("sgd", **settings)
    whole = interrupt(tmp_path / "whole", config)
    rates = [value for (name, _), value in told(whole).items() if name == "lr"]
    assert len(set(rates)) > 1
    check_equal(interrupt(tmp_path / "cut", config, 7, 11), whole)


@pytest.mark.parametrize(
    "settings",
    [
        {"clip__mode": "zclip", "clip__z_score": 0.5, "epochs": 12},  # past its warm-up
        {"ema_decay": 0.8},
        {"accumulate": 4, "model__dropout": 0.3},
        {"precision": "bf16"},
        {"precision": "fp16"},
        {"data_on": "host"},
        {"evaluate_every": 2, "diagnostics__every": 2},
        {"label_smoothing": 0.1, "groups__lr_scale": {"*.bias": 0.5}},
    ],
    ids=lambda settings: next(iter(settings)) + "-" + str(next(iter(settings.values()))),
)
def test_every_way_to_take_a_step(tmp_path, tiny, settings):
    config = tiny(**{"epochs": 4, "checkpoint__every_steps": 4, **settings})
    whole = interrupt(tmp_path / "whole", config)
    last = 3 * config.epochs
    check_equal(interrupt(tmp_path / "cut", config, 7, last - 1), whole)


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("mlp", {"dataset__fresh": True}),  # new points every epoch
        ("mlp", {"batch_size": "full", "steps": 9, "checkpoint__every_steps": 2}),
        ("mlp", {"batch_size": 95, "steps": 9}),  # a last batch of one is left out
        ("logistic", {"loss": "mse"}),
    ],
)
def test_several_kills_in_all_kinds_of_runs(tmp_path, tiny, model, settings):
    config = tiny(model=model, **{"steps": 9, "checkpoint__every_steps": 2, **settings})
    whole = interrupt(tmp_path / "whole", config)
    check_equal(interrupt(tmp_path / "cut", config, 1, 4, 5, 8), whole)


def test_convolutions_with_batch_norm(tmp_path):
    from engine.config import configure

    settings = {"steps": 5, "checkpoint.every_steps": 2, "device": "cpu", "threads": 1}
    config = configure.resolve(model="cnn-small", settings=settings)
    whole = interrupt(tmp_path / "whole", config)
    check_equal(interrupt(tmp_path / "cut", config, 4), whole)


def test_a_kill_before_the_first_checkpoint_begins_anew(tmp_path, tiny):
    config = tiny(steps=6)
    run = interrupt(tmp_path / "cut", config, 4)
    (restarted,) = of(Restarted, read_all(run.events_path))
    assert (restarted.step, restarted.checkpoint) == (0, "")
    check_equal(run, interrupt(tmp_path / "whole", config))


def test_a_run_that_was_stopped_goes_on(tmp_path, tiny):
    config = tiny(steps=9)
    run = run_directory.create(tmp_path / "cut", config)
    steer_at(run, {5: ("stop", Arguments())})
    events = read_all(run.events_path)
    assert (events[-1].status, events[-1].step) == ("stopped", 5)
    assert wait(in_child(lambda: train(run))) == 0
    events = read_all(run.events_path)
    assert [end.status for end in of(RunEnded, events)] == ["stopped", "done"]
    assert len(of(RunStarted, events)) == 1
    (restarted,) = of(Restarted, events)
    assert restarted.step == 5
    whole = interrupt(tmp_path / "whole", config)
    assert told(run).items() >= {k: v for k, v in told(whole).items() if k[0] != "test"}.items()
    assert same(final(run), final(whole))


STEERED = {
    3: ("set", Arguments(lr=0.02)),
    5: ("set", Arguments(clip_mode="norm", clip_threshold=0.1)),
    7: ("set", Arguments(lr_factor=0.5, epochs=5)),
}


@pytest.fixture
def slow_disk(monkeypatch):
    """Each record takes a while to reach the kernel, as on a busy machine."""
    write = Pen.write

    def slowly(self, line):
        time.sleep(0.02)
        return write(self, line)

    monkeypatch.setattr(Pen, "write", slowly)


@pytest.mark.usefixtures("slow_disk")
@pytest.mark.parametrize("die", [8, 9, 11])
def test_what_was_steered_stays_steered(tmp_path, tiny, die):
    """The newest checkpoint, at step 6, has two of the commands; the third is in the log."""
    config = tiny(seed=2, epochs=3, clip__mode="none", checkpoint__every_steps=6)
    whole, cut = (run_directory.create(tmp_path / name, config) for name in ("whole", "cut"))
    steer_at(whole, dict(STEERED))
    steer_at(cut, dict(STEERED), die=die)
    assert wait(in_child(lambda: train(cut))) == 0
    assert max(step for _, step in told(whole)) == 15
    check_equal(cut, whole)
    applied = [c for c in of(CommandAnswered, read_all(cut.events_path)) if c.outcome == "applied"]
    assert [(c.step, c.reason) for c in applied[:3]] == [
        (3, "lr 0.001 -> 0.02"),
        (5, "clip none -> norm 0.1"),
        (7, "lr 0.02 -> 0.01, steps 9 -> 15 (5 epochs)"),
    ]
    # The third is void by the restart at step 6, and stands there again under the same id.
    assert [(c.id, c.step) for c in applied[3:]] == [(applied[2].id, 7)]


def test_a_command_that_a_dying_engine_took_is_obeyed_by_the_next(tmp_path, tiny):
    run = run_directory.create(tmp_path, tiny(steps=6))
    command = control.send(run, "set", Arguments(lr=0.5))

    def take_and_die():
        control.Inbox(run).take()

    assert wait(in_child(take_and_die)) == 0
    train_and_die(run, 3)
    assert wait(in_child(lambda: train(run))) == 0
    answers = of(CommandAnswered, read_all(run.events_path))
    assert [(c.id, c.outcome, c.step) for c in answers] == [
        (command, "accepted", 0),
        (command, "applied", 0),
    ]
    assert all(lr == 0.5 for (name, _), lr in told(run).items() if name == "lr")
