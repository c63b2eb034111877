"""What is not finite never reaches the weights."""

from functools import partial
from itertools import product

import pytest
import torch

from engine.config import configure
from engine.runs import control, run_directory
from engine.runs.checkpoint import listed
from engine.runs.events import (
    CheckpointSaved,
    CommandAnswered,
    Evaluation,
    NonFinite,
    Restarted,
    RunStarted,
    Scalars,
    StateChanged,
)
from engine.training import loop, session
from engine.training.batches import Batches
from engine.training.preparation.assemble import assemble
from engine.training.saving import snapshot
from engine.training.steering.commands import Steering
from engine.training.steering.non_finite import Guard
from engine.training.updates.clipping import gradient_norms
from support.forked import last_checkpoint, of
from support.resuming import check_equal, interrupt

BAD = 5
POLICIES = ("pause", "stop", "skip-step")


@pytest.fixture(params=[True, False], ids=["waits", "deferred"])
def waits(request, monkeypatch):
    """Both ways to guard; the one without waiting, which GPUs take, works on the CPU too."""
    monkeypatch.setattr(session, "Guard", partial(Guard, wait=request.param))
    return request.param


@pytest.fixture
def poison(monkeypatch):
    """Makes the batches of these steps NaN."""

    def at(*steps):
        original = Batches.at

        def spoiled(self, step):
            x, y = original(self, step)
            return (x * float("nan") if step in steps else x), y

        monkeypatch.setattr(Batches, "at", spoiled)

    return at


def runs(root):
    return run_directory.list_runs(root)


def column(events, name):
    return {
        step: value
        for event in of(Scalars, events)
        for step, value in zip(event.step, event.values[name], strict=True)
    }


def answer_pause(monkeypatch, *commands):
    """Send commands as soon as the run pauses; the weights are looked at just before."""
    seen = []
    original = Steering.pause

    def pause(self, step, reason):
        original(self, step, reason)
        for command in commands:
            control.send(self.run, *command)
        self._inbox._next_poll = 0.0
        seen.append((step, reason))

    monkeypatch.setattr(Steering, "pause", pause)
    return seen


def weights(root):
    (run,) = runs(root)
    return snapshot.load(last_checkpoint(run)).weights


def check_finite(tensors):
    assert tensors
    assert all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values())


KINDS = [(o, c) for o in ("adam", "adamw", "momentum", "sgd") for c in ("none", "norm", "value")]


@pytest.mark.usefixtures("waits")
@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_stop_before_the_bad_step(train, tiny, tmp_path, poison, kind):
    optimizer, clip = kind
    settings = {"clip__mode": clip, "model__batch_norm": True, "checkpoint__every_steps": 4}
    poison(BAD)
    events = train(tiny(optimizer, steps=9, on_non_finite="stop", **settings))
    (event,) = of(NonFinite, events)
    assert (event.step, event.quantity, event.value, event.policy) == (BAD, "loss", "nan", "stop")
    assert (event.layer, event.checkpoint) == ("1.weight", "step-00000004")
    ended = events[-1]
    assert (ended.status, ended.reason, ended.step) == ("stopped", "loss is nan at step 5", BAD)
    losses = column(events, "train/loss")
    assert list(losses) == [1, 2, 3, 4, 5]
    assert losses[BAD] == "nan"
    (run,) = runs(tmp_path)
    before, after = (snapshot.load(item) for item in listed(run)[-2:])
    assert (before.state.step, after.state.step) == (4, BAD)
    check_finite(after.weights)
    assert after.weights.keys() == before.weights.keys()
    for name, tensor in before.weights.items():  # buffers of batch norm too
        assert torch.equal(tensor, after.weights[name])
    moments = [run_state(taken) for taken in (before, after)]
    assert all(torch.equal(a, b) for a, b in zip(*moments, strict=True))


def run_state(taken):
    states = taken.tensors["optimizer"]["state"].values()
    return [value for state in states for value in state.values() if torch.is_tensor(value)]


@pytest.mark.usefixtures("waits")
def test_skip_step_goes_on(train, tiny, tmp_path, poison):
    poison(2, 3, 7)
    events = train(tiny(steps=9, on_non_finite="skip-step"))
    assert [e.step for e in of(NonFinite, events)] == [2, 7]  # one for each series
    losses = column(events, "train/loss")
    assert [step for step, loss in losses.items() if loss == "nan"] == [2, 3, 7]
    assert (events[-1].status, events[-1].step) == ("done", 9)
    assert [e.step for e in of(Evaluation, events) if e.split == "val"] == [3, 6, 9]
    check_finite(weights(tmp_path))


@pytest.mark.usefixtures("waits")
def test_pause_lets_a_person_decide(train, tiny, tmp_path, poison, monkeypatch):
    poison(BAD)
    commands = [("checkpoint",), ("set", control.Arguments(lr=1e-4)), ("resume",)]
    seen = answer_pause(monkeypatch, *commands)
    events = train(tiny(steps=9, on_non_finite="pause"))
    assert seen == [(BAD, "loss is nan at step 5")]
    states = [(e.state, e.step) for e in of(StateChanged, events)]
    assert states == [("paused", BAD), ("running", BAD)]
    applied = [(c.command, c.step) for c in of(CommandAnswered, events) if c.outcome == "applied"]
    assert applied == [("checkpoint", BAD), ("set", BAD), ("resume", BAD)]
    (saved, *_) = [e for e in of(CheckpointSaved, events) if e.reason == "command"]
    assert (saved.step, saved.finite) == (BAD, True)
    losses = column(events, "train/loss")
    assert list(losses) == list(range(1, 10))
    assert [step for step, loss in losses.items() if loss == "nan"] == [BAD]
    assert column(events, "lr")[6] == 1e-4
    assert events[-1].status == "done"
    check_finite(weights(tmp_path))


@pytest.mark.usefixtures("waits")
def test_pause_at_the_last_step_waits_too(train, tiny, poison, monkeypatch):
    poison(4)
    answer_pause(monkeypatch, ("stop",))
    events = train(tiny(steps=4, on_non_finite="pause"))
    assert (events[-1].status, events[-1].step) == ("stopped", 4)


@pytest.mark.usefixtures("waits")
def test_the_layer_is_the_first_from_the_input_on(train, tiny, monkeypatch):
    original = loop.gradient_norms

    def spoil(parameters):
        parameters[2].grad.fill_(float("inf"))  # a gradient alone; the loss is finite
        return original(parameters)

    monkeypatch.setattr(loop, "gradient_norms", spoil)
    config = tiny(steps=3, clip__mode="norm", on_non_finite="stop", model__batch_norm=False)
    events = train(config)
    (event,) = of(NonFinite, events)
    names = assemble(config, configure.plan(config), torch.device("cpu")).names
    assert (event.step, event.quantity, event.value) == (1, "grad_norm", "inf")
    assert event.layer == names[2]


@pytest.mark.usefixtures("waits")
def test_weights_that_overflow_are_not_the_last_good_ones(train, tiny, tmp_path):
    """A finite gradient times a huge rate: only the next loss tells."""
    settings = {"optimizer__lr": 1e38, "clip__mode": "none", "on_non_finite": "stop"}
    events = train(tiny("sgd", steps=6, checkpoint__every_steps=1, **settings))
    (event,) = of(NonFinite, events)
    assert event.step == 2
    saved = of(CheckpointSaved, events)
    good = [e.name for e in saved if e.finite]
    assert event.checkpoint == (good[-1] if good else "")


def test_nothing_is_restarted_for_it(train, tiny, poison):
    poison(2)
    assert not of(Restarted, train(tiny(steps=4)))


def test_a_skipped_step_is_part_of_an_exact_resume(tmp_path, tiny, poison):
    poison(3, 8)
    config = tiny(steps=12, on_non_finite="skip-step", checkpoint__every_steps=5)
    whole = interrupt(tmp_path / "whole", config)
    check_equal(interrupt(tmp_path / "cut", config, 7, 11), whole)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("policy", ["stop", "skip-step"])
def test_on_a_gpu_nothing_waits_for_the_guard(tiny, policy):
    device = torch.device("cuda", 0)
    config = tiny(on_non_finite=policy, model__batch_norm=True)
    training = assemble(config, configure.plan(config), device)
    guard = Guard(training, config, device)
    assert not guard.waits
    x, y = torch.randn(8, 2, device=device), torch.zeros(8, dtype=torch.long, device=device)
    bad = x * float("nan")
    torch.cuda.set_sync_debug_mode("error")
    try:
        for step in range(1, 5):
            training.step = step
            guard.before()
            loss = torch.nn.functional.cross_entropy(training.model(bad if step == 2 else x), y)
            training.optimizer.zero_grad()
            loss.backward()
            norms = gradient_norms(training.parameters)
            values = {"train/loss": loss.detach(), **training.clipper(norms)}
            if guard.allows(values, norms):
                training.optimizer.step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    check_finite(training.model.state_dict())


@pytest.fixture
def inject(monkeypatch, poison):
    """Makes the loss, or the gradient of the third parameter alone, NaN at one step; a run that
    pauses is stopped. Returns the steps and reasons of the pauses."""
    pauses = answer_pause(monkeypatch, ("stop",))

    def at(step, quantity):
        if quantity == "loss":
            poison(step)
            return pauses
        now = []
        original, norms = Batches.at, loop.gradient_norms
        monkeypatch.setattr(Batches, "at", lambda self, s: (now.append(s), original(self, s))[1])

        def spoil(parameters):
            if now[-1] == step:
                parameters[2].grad.fill_(float("nan"))
            return norms(parameters)

        monkeypatch.setattr(loop, "gradient_norms", spoil)
        return pauses

    return at


@pytest.mark.figure("NaN injected at step k", asked="paused before it is applied; weights finite")
@pytest.mark.usefixtures("waits")
@pytest.mark.parametrize("case", product((2, 5), ("loss", "grad_norm"), POLICIES))
def test_nan_at_a_step_is_never_applied(train, tiny, tmp_path, inject, case):
    k, quantity, policy = case
    pauses = inject(k, quantity)
    settings = {"checkpoint__every_steps": 1, "model__batch_norm": False, "on_non_finite": policy}
    events = train(tiny(steps=k if policy == "skip-step" else 9, **settings))
    (event,) = of(NonFinite, events)
    assert (event.step, event.quantity, event.value, event.policy) == (k, quantity, "nan", policy)
    parameters = of(RunStarted, events)[0].parameters
    assert event.layer == parameters[0 if quantity == "loss" else 2]
    # One that was due at the bad step itself has the weights from before it.
    assert event.checkpoint in (f"step-{k - 1:08d}", f"step-{k:08d}")
    assert pauses == ([(k, f"{quantity} is nan at step {k}")] if policy == "pause" else [])
    ended = events[-1]
    assert (ended.status, ended.step) == ("done" if policy == "skip-step" else "stopped", k)
    (run,) = runs(tmp_path)
    before, after = (snapshot.load(item) for item in listed(run)[-2:])
    assert (before.state.step, after.state.step) == (k - 1, k)
    check_finite(after.weights)
    assert all(torch.equal(before.weights[name], after.weights[name]) for name in after.weights)
