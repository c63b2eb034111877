"""Whoever watches a run changes nothing: with them and without them its steps are equal, bit by
bit, for every optimizer and every way to clip."""

import pytest
import pytorch_optimizer  # noqa: F401 (its import draws on nothing that is compared)
import torch
from torch import nn

from engine.runs import control, run_directory
from engine.runs.events import Confusion, Layers, Profiled, Scalars, StateChanged
from engine.training.recording.without_trace import untouched
from engine.training.saving import snapshot
from engine.training.steering.commands import Steering
from support.every_step import PAIRS, is_quick, settings_of
from support.forked import add_steps, last_checkpoint, of
from support.resuming import same

STEPS = 12  # sophia's 11th estimates curvature anew
NOBODY = {"diagnostics__every": "off", "predictions": 0, "evaluate_every": 1000}
OBSERVERS = {
    "probes": {"diagnostics__every": 1},
    "evaluations": {"evaluate_every": 1},
    "pictures": {"evaluate_every": 3, "predictions": 16},
    "averaged weights": {"evaluate_every": 2, "ema_decay": 0.9},
    "weight path": {"evaluate_every": 2, "keep_weights": True},
    "checkpoints": {"checkpoint__every_steps": 1},
    "pause": {},
    "profiler": {},
}
COMMANDS = {"pause": {5: ("pause", "resume")}, "profiler": {2: ("profile",)}}
ALL = {key: value for settings in OBSERVERS.values() for key, value in settings.items()}
ALL |= {"evaluate_every": 4, "checkpoint__every_steps": 4}


@pytest.fixture
def steps_of(train, tiny, tmp_path, monkeypatch):
    """Train, and return what was recorded of each step, the trained weights and all events."""

    def run_it(optimizer, commands, **settings):
        waiting, pending = Steering.waiting, dict(commands)

        def send(self, step):
            for command in pending.pop(step, ()):
                control.send(self.run, command)
                self._inbox._next_look = 0.0
            return waiting(self, step)

        known = {run.id for run in run_directory.list_runs(tmp_path)}
        with monkeypatch.context() as patched:
            patched.setattr(Steering, "waiting", send)
            events = train(tiny(optimizer, steps=STEPS, **settings))
        assert events[-1].status == "done", events[-1].reason
        (run,) = [run for run in run_directory.list_runs(tmp_path) if run.id not in known]
        facts = {}
        for event in of(Scalars, events):
            add_steps(facts, event)
        taken = snapshot.load(last_checkpoint(run))
        return facts, taken.trained or taken.weights, events

    return run_it


@pytest.fixture
def few_letters(tmp_path):
    """A text that is evaluated in no time."""
    path = tmp_path / "text.txt"
    path.write_text("the quick brown fox jumps over the lazy dog. " * 60)
    return {"dataset": "text", "dataset__path": str(path), "dataset__context_length": 16}


def with_profiler(optimizer, name):
    """Whether an observer is among all of them: the profiler, which takes seconds, with two
    optimizers only (and by itself with each of them)."""
    return name != "profiler" or optimizer in ("adam", "sophia")


def check(steps_of, few_letters, optimizer, clip, chosen):
    settings = {**NOBODY, **settings_of(optimizer, clip)}
    settings |= few_letters if optimizer == "sparse-adam" else {}
    alone, weights, events = steps_of(optimizer, {}, **settings)
    assert not of(Layers, events)
    for observers in chosen:
        watched = {} if observers else ALL
        commands = {}
        names = observers or [name for name in OBSERVERS if with_profiler(optimizer, name)]
        for name in names:
            watched = {**watched, **(OBSERVERS[name] if observers else {})}
            commands |= COMMANDS.get(name, {})
        found, theirs, events = steps_of(optimizer, commands, **{**settings, **watched})
        assert bool(of(Profiled, events)) == ("profiler" in names)
        assert found == alone, observers or "all of them"
        assert same(theirs, weights), observers or "all of them"
        if not observers:
            for kind in (Layers, StateChanged):
                assert of(kind, events), kind


@pytest.mark.parametrize(("optimizer", "clip"), [*(p for p in PAIRS if is_quick(*p))][1::2])
def test_all_observers_at_once_change_nothing(steps_of, few_letters, optimizer, clip):
    """With every second optimizer, sophia among them; the slow test below has all pairs."""
    check(steps_of, few_letters, optimizer, clip, [()])


@pytest.mark.slow
@pytest.mark.figure("steps with and without observers", asked="bit-identical")
@pytest.mark.parametrize(("optimizer", "clip"), PAIRS)
def test_no_observer_changes_anything(steps_of, few_letters, optimizer, clip):
    check(steps_of, few_letters, optimizer, clip, [(), *((name,) for name in OBSERVERS)])


def test_pictures_are_among_the_observers(steps_of):
    *_, events = steps_of("adam", {}, **settings_of("adam", "none"), **ALL)
    assert of(Confusion, events)


class Restless(nn.Module):
    """A module that changes whatever it can."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self.norm = nn.BatchNorm1d(3)
        self.frozen = nn.Dropout().eval()
        self.register_buffer("count", torch.zeros(()))
        self.norm.register_buffer("shared", self.count)

    def forward(self, x):
        self.count.add_(1)
        return self.frozen(self.norm(x)) * self.weight * torch.rand(())


def test_inside_the_guard_everything_may_be_touched():
    torch.manual_seed(0)
    model, x = Restless(), torch.randn(8, 3)
    loss = model(x).square().sum()
    (gradient,) = torch.autograd.grad(loss, [model.weight], create_graph=True)
    model.weight.grad = gradient
    buffers = [(buffer, buffer.clone(), buffer._version) for buffer in model.buffers()]
    modes = [module.training for module in model.modules()]
    stream = torch.get_rng_state()

    def touch():
        assert model.count is model.norm.shared  # as outside
        model.zero_grad()
        model.eval().norm.train()
        model.norm.reset_running_stats()
        model(x).sum().backward()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), untouched(model, torch.device("cpu")):
        touch()
    assert model.weight.grad is gradient
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), stream)
    for buffer, (same_one, value, version) in zip(model.buffers(), buffers, strict=True):
        assert buffer is same_one
        assert torch.equal(buffer, value)
        assert buffer._version == version  # a graph that needs it is content
    gradient.sum().backward()
