"""A running engine obeys each command once, in order, and answers it."""

import os
from collections import Counter
from itertools import pairwise
from types import SimpleNamespace

import msgspec
import pytest

from engine.runs import checkpoint, control, run_directory
from engine.runs.control import Arguments
from engine.runs.events import CheckpointSaved, CommandAnswered, RunEnded, Scalars, StateChanged
from engine.runs.log_reader import read_all
from engine.training.state import Training
from engine.training.steering.commands import Signals
from presets import UserError
from support.forked import in_child, of, told, train, wait
from support.recorded import wait_for

ENDLESS = 100_000_000


@pytest.fixture
def living(tmp_path, tiny):
    """Starts a run in a process of its own, and stops it in the end."""
    started = []

    def start(**settings):
        run = run_directory.create(
            tmp_path, tiny(**{"steps": ENDLESS, "batch_size": 32, **settings})
        )
        started.append((run, in_child(lambda: train(run))))
        wait_for(lambda: of(Scalars, read_all(run.events_path)))
        return run

    yield start
    for run, pid in started:
        control.send(run, "stop")
        assert wait(pid) == 0


def answers(run, command_id):
    found = of(CommandAnswered, read_all(run.events_path))
    return [answer for answer in found if answer.id == command_id]


def final(run, command, arguments=None):
    """Send a command and wait for the last word on it."""
    sent = control.send(run, command, arguments)

    def last():
        found = answers(run, sent)
        return found[-1] if found and found[-1].outcome != "accepted" else None

    answer = wait_for(last)
    outcomes = [item.outcome for item in answers(run, sent)]
    assert outcomes in (["accepted", "applied"], ["rejected"], ["accepted", "rejected"])
    return answer


def newest_step(run):
    return of(Scalars, read_all(run.events_path))[-1].step[-1]


def test_pause_and_resume(living):
    run = living()
    paused = final(run, "pause")
    assert (paused.outcome, paused.command) == ("applied", "pause")
    assert newest_step(run) == paused.step  # everything before the answer is in the log
    assert (final(run, "pause").outcome, final(run, "pause").reason) == (
        "rejected",
        "the run is paused already",
    )
    changed = final(run, "set", Arguments(lr=0.25))
    assert (changed.outcome, changed.reason) == ("applied", "lr 0.001 -> 0.25")
    assert changed.step == paused.step == newest_step(run)
    saved = final(run, "checkpoint")
    # A second one of this step, if the best state so far is of it and has the old learning rate.
    name = f"saved step-{paused.step:08d}"
    assert saved.reason in (name, f"{name}-2")
    found = checkpoint.newest_valid(run)
    assert found is not None
    assert (found.step, checkpoint.read_state(found).lr) == (paused.step, 0.25)
    assert final(run, "resume").outcome == "applied"
    wait_for(lambda: newest_step(run) > paused.step)
    states = of(StateChanged, read_all(run.events_path))
    assert [(e.state, e.step) for e in states] == [
        ("paused", paused.step),
        ("running", paused.step),
    ]
    assert told(run)["lr", paused.step + 1] == 0.25


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [
        ({"lr": 0.5}, "lr 0.001 -> 0.5"),
        ({"lr_factor": 10.0}, "lr 0.001 -> 0.01"),
        ({"clip_mode": "value", "clip_threshold": 0.5}, "clip norm 1 -> value 0.5"),
        ({"clip_threshold": 2.0}, "clip norm 1 -> norm 2"),
        ({"clip_mode": "none"}, "clip norm 1 -> none"),
        ({"lr": 0.1, "clip_mode": "value"}, "lr 0.001 -> 0.1, clip norm 1 -> value 1"),
    ],
)
def test_what_can_be_set(living, arguments, changes):
    run = living()
    answer = final(run, "set", Arguments(**arguments))
    assert (answer.outcome, answer.reason, answer.arguments) == ("applied", changes, arguments)
    wait_for(lambda: newest_step(run) > answer.step)
    facts = told(run)
    if "lr" in changes:
        assert facts["lr", answer.step] == 0.001
        assert facts["lr", answer.step + 1] == pytest.approx(float(changes.split()[3].strip(",")))
    if "clip_mode" in arguments:
        assert (("clip/fraction", answer.step + 1) in facts) == (arguments["clip_mode"] == "value")


REJECTED = [
    ("resume", {}, "the run is not paused"),
    ("set", {}, "nothing to set; expected a learning rate, clipping, epochs or steps"),
    ("set", {"lr": 1.0, "lr_factor": 2.0}, "lr and lr_factor exclude each other"),
    ("set", {"lr_factor": 5e-324, "steps": 10**6}, "lr: expected a finite number > 0, got 0"),
    ("set", {"steps": 1, "lr": 0.5}, "are done already, got 1"),
    ("set", {"epochs": 1, "clip_mode": "none"}, "are done already, got 1"),
    ("set", {"epochs": 9, "steps": 9}, "epochs and steps exclude each other"),
    ("set", {"after": "epoch"}, "set knows no after"),
    ("pause", {"lr": 0.1}, "pause knows no lr"),
    ("stop", {"steps": 3, "lr": 0.1}, "stop knows no lr or steps"),
    ("checkpoint", {"clip_threshold": 0.1}, "checkpoint knows no clip_threshold"),
]


def test_what_is_rejected_and_why(living):
    run = living()
    wait_for(lambda: newest_step(run) > 6)
    for command, arguments, reason in REJECTED:
        answer = final(run, command, Arguments(**arguments))
        assert answer.outcome == "rejected", answer
        assert answer.reason.endswith(reason)
    final(run, "pause")
    # Nothing of a rejected command was obeyed.
    changed = final(run, "set", Arguments(lr=100.0, clip_mode="value", steps=ENDLESS - 1))
    assert changed.reason == (
        f"lr 0.001 -> 100, clip norm 1 -> value 1, steps {ENDLESS} -> {ENDLESS - 1}"
    )
    answer = final(run, "set", Arguments(lr_factor=1e307))
    assert answer.reason == "lr: expected a finite number > 0, got inf"


@pytest.mark.parametrize(("step", "done"), [(26_459, "2645.9"), (26_450, "2645"), (11, "1.1")])
def test_epochs_that_are_done_are_a_plain_number(step, done):
    training = SimpleNamespace(step=step, steps_per_epoch=10)
    with pytest.raises(UserError, match=f"^epochs: {done} are done already, got 1$"):
        Training._new_steps(training, Arguments(epochs=1))


def test_a_threshold_needs_a_mode(living):
    answer = final(living(clip__mode="none"), "set", Arguments(clip_threshold=0.5))
    assert answer.reason == "clip_threshold: there is no clipping; give clip_mode norm or value"


def test_stop_after_the_epoch(living, tmp_path, tiny):
    run = living(batch_size=8)  # 12 steps an epoch
    sent = control.send(run, "stop", Arguments(after="epoch"))
    ended = wait_for(lambda: of(RunEnded, read_all(run.events_path)))[0]
    accepted, applied = answers(run, sent)
    assert accepted.reason == f"stops after step {ended.step}"
    assert (applied.outcome, applied.step) == ("applied", ended.step)
    assert accepted.step <= ended.step < accepted.step + 12
    assert ended.step % 12 == 0
    assert ended.reason == f"stop command after step {ended.step}"
    last = of(CheckpointSaved, read_all(run.events_path))[-1]
    assert (last.step, last.reason) == (ended.step, "stop")


def test_the_total_can_be_extended_and_cut(living):
    run = living(steps=50_000)
    answer = final(run, "set", Arguments(steps=ENDLESS))
    assert answer.reason == f"steps 50000 -> {ENDLESS}"
    paused = final(run, "pause")
    epochs = paused.step // 3 + 2
    cut = final(run, "set", Arguments(epochs=epochs))
    assert cut.reason == f"steps {ENDLESS} -> {3 * epochs} ({epochs} epochs)"
    final(run, "resume")
    ended = wait_for(lambda: of(RunEnded, read_all(run.events_path)))[0]
    assert (ended.status, ended.step) == ("done", 3 * epochs)
    assert ended.reason == f"all {3 * epochs} steps done"


def test_a_signal_ends_a_pause(tmp_path, tiny):
    run = run_directory.create(tmp_path, tiny(steps=ENDLESS))

    def work():
        signals = Signals()
        signals.install()
        train(run, signals)

    pid = in_child(work)
    wait_for(lambda: of(Scalars, read_all(run.events_path)))
    step = final(run, "pause").step
    os.kill(pid, 15)
    assert wait(pid) == 0
    ended = read_all(run.events_path)[-1]
    assert (ended.status, ended.reason) == ("stopped", f"SIGTERM after step {step}")


def applied_commands(run):
    return [c for c in of(CommandAnswered, read_all(run.events_path)) if c.outcome == "applied"]


def crowd(run, each=20):
    """Send commands from two processes at once; returns what was applied, in the log's order."""
    before = len(applied_commands(run))

    def send(sender):
        for number in range(each):
            control.send(run, "set", Arguments(lr=sender * 1e-3 + number * 1e-6))

    pids = [in_child(lambda sender=sender: send(sender)) for sender in (1, 2)]
    assert [wait(pid) for pid in pids] == [0, 0]
    applied = wait_for(lambda: (found := applied_commands(run)[before:])[2 * each - 1 :] and found)
    assert len(applied) == 2 * each
    for sender in (1, 2):
        own = [c.arguments["lr"] for c in applied if c.arguments["lr"] // 1e-3 == sender]
        assert len(own) == each
        assert own == sorted(own)
    for first, second in pairwise(applied):  # each found what the one before it had left
        assert first.reason.split()[3] == second.reason.split()[1]
    return applied


def test_commands_of_two_processes_are_applied_once_and_in_order(living):
    run = living()
    applied = crowd(run)
    everything = of(CommandAnswered, read_all(run.events_path))
    assert Counter(c.outcome for c in everything) == {"accepted": 40, "applied": 40}
    sent = [path.stem.partition("-")[2] for path in sorted(run.control_path.glob("*.taken"))]
    assert sent == [c.id for c in applied]


def test_a_command_that_comes_twice_is_obeyed_once(living):
    run = living()
    request = control.Command(id="same", name="set", arguments=Arguments(lr_factor=2.0))
    for name in ("1.json", "2.json"):
        (run.control_path / name).write_bytes(msgspec.json.encode(request))
    wait_for(lambda: len(list(run.control_path.glob("*.taken"))) == 2)
    final(run, "pause")
    assert [c.outcome for c in answers(run, "same")] == ["accepted", "applied"]


@pytest.mark.slow
@pytest.mark.figure(
    "two processes x 20 concurrent commands, 50 times", asked="each applied once, in order"
)
def test_many_rounds_of_two_processes(living, measured):
    run = living()
    applied = [command for _ in range(50) for command in crowd(run)]
    assert set(Counter(c.id for c in applied_commands(run)).values()) == {1}
    measured(f"{len(applied)} applied, once each, in order")
    assert len(applied) == 2000
