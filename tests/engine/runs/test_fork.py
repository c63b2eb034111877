"""A fork begins with a checkpoint of its parent, and goes on as its own configuration says."""

import pytest
import torch
from msgspec import structs

from engine.config import configure
from engine.runs import checkpoint, fork, run_directory
from engine.runs.control import Arguments
from engine.runs.events import RunEnded, RunStarted
from engine.runs.log_reader import read_all
from engine.training.saving import snapshot
from presets import UserError
from support.forked import in_child, last_checkpoint, of, told, train, train_and_die, wait
from support.resuming import forget_times, same, steer_at


@pytest.fixture
def parent(tmp_path, tiny):
    made = run_directory.create(tmp_path, tiny(steps=9, seed=4, checkpoint__every_steps=6))
    train(made)
    return made


def forked(parent, *, checkpoint_name=None, **choices):
    return fork.config(fork.settings_at(parent, checkpoint_name), **choices)


def start(parent, **choices):
    config = forked(parent, **choices)
    child = run_directory.create(parent.path.parent, config)
    train(child)
    return child


def of_kind(run, kind):
    return of(kind, read_all(run.events_path))


@pytest.fixture
def names(parent):
    return {item.step: item.name for item in checkpoint.listed(parent)}


def test_a_fork_without_changes_is_its_parent_again(parent, names):
    child = start(parent, checkpoint_name=names[6])
    (begun,) = of_kind(child, RunStarted)
    assert begun.parent is not None
    assert (begun.parent.run, begun.parent.checkpoint, begun.parent.step) == (
        parent.id,
        names[6],
        6,
    )
    assert begun.planned_steps == 9
    rest = {key: value for key, value in told(parent).items() if key[1] > 6}
    assert told(child) == rest
    first, second = (snapshot.load(last_checkpoint(run)) for run in (parent, child))
    forget_times(first)
    forget_times(second)
    assert same(first.weights, second.weights)
    assert same(first.tensors, second.tensors)


def test_another_optimizer_starts_from_the_same_weights(parent, names):
    settings = {"optimizer.lr": 0.05, "steps": 12}
    child = start(parent, checkpoint_name=names[6], optimizer="sgd", settings=settings)
    config = child.config()
    assert (config.optimizer.name, config.parent) == ("sgd", f"{parent.id}/{names[6]}")
    facts = told(child)
    assert {key[1] for key in facts} == set(range(7, 13))
    assert facts["train/loss", 7] == told(parent)["train/loss", 7]
    assert facts["train/loss", 8] != told(parent)["train/loss", 8]
    assert facts["lr", 7] == 0.05


def test_it_has_what_was_steered(tmp_path, tiny):
    run = run_directory.create(tmp_path, tiny(steps=9, checkpoint__every_steps=6))
    arguments = Arguments(lr=0.02, clip_mode="value", clip_threshold=0.5, steps=8)
    steer_at(run, {3: ("set", arguments)})
    config = forked(run, settings={"steps": 20})
    assert config.optimizer.options["lr"] == 0.02
    assert (config.clip.mode, config.clip.threshold) == ("value", 0.5)
    assert forked(run, checkpoint_name="step-00000006").steps == 8
    other = forked(run, optimizer="momentum", settings={"epochs": 7})
    assert other.optimizer.options["lr"] == 0.3  # its own preset's
    assert (other.epochs, other.steps) == (7, None)


def test_what_was_changed_after_the_checkpoint_is_offered(tmp_path, tiny):
    run = run_directory.create(
        tmp_path,
        tiny(epochs=3, checkpoint__every_steps=2, schedule__type="cosine", clip__mode="norm"),
    )
    plan = configure.plan(run.config())
    assert (plan.steps_per_epoch, plan.steps) == (3, 9)
    first = Arguments(lr_factor=2.0, clip_threshold=0.5)
    second = Arguments(lr=0.02, clip_mode="value", epochs=4)
    steer_at(run, {1: ("set", first), 5: ("set", second)})
    at = fork.settings_at(run, "step-00000003")
    assert at.config == fork.config(at, settings={})
    assert (at.config.clip.mode, at.config.clip.threshold, at.config.epochs) == ("norm", 0.5, 3)
    assert at.changed.keys() == {"optimizer.lr", "clip.mode", "epochs"}
    assert [(c.old, c.new) for c in at.changes[1:]] == [("norm", "value"), (3, 4)]
    last = fork.settings_at(run)  # by the engine itself
    assert (last.checkpoint.step, last.changes) == (12, ())
    (lr, *_) = at.changes
    assert lr.old == at.config.optimizer.options["lr"]
    assert lr.new == pytest.approx(last.config.optimizer.options["lr"])
    taken = fork.config(at, with_changes=True)
    assert (taken.clip, taken.epochs) == (last.config.clip, 4)
    own = fork.config(at, with_changes=True, settings={"optimizer.lr": 0.5, "steps": 50})
    assert (own.optimizer.options["lr"], own.epochs, own.steps) == (0.5, None, 50)
    other = fork.config(at, with_changes=True, optimizer="momentum")
    assert other.optimizer.options["lr"] == 0.3  # its own preset's


def test_finite_weights_are_preferred(parent, names):
    path = checkpoint.named(parent, names[9]).path / checkpoint.MANIFEST
    newest = structs.replace(checkpoint.read(path.parent).manifest, finite=False)
    path.write_bytes(checkpoint.sealed(newest))
    assert fork.settings_at(parent).checkpoint.name == names[6]
    assert fork.settings_at(parent, names[9]).checkpoint.name == names[9]


def test_a_fork_is_resumed_from_its_own_checkpoints(parent, names):
    choices = {"checkpoint_name": names[6], "settings": {"steps": 15}}
    whole = start(parent, **choices)
    cut = run_directory.create(parent.path.parent, forked(parent, **choices))
    train_and_die(cut, 8)  # before it has a checkpoint
    train_and_die(cut, 14)
    assert wait(in_child(lambda: train(cut))) == 0
    assert told(cut) == told(whole)
    first, second = (snapshot.load(last_checkpoint(run)).weights for run in (whole, cut))
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({}, "steps: 9 are done at step-00000009, and the total is 9; set a larger one, such as"),
        ({"checkpoint_name": "step-7"}, "no checkpoint 'step-7'; there are: step-0000000"),
        ({"checkpoint_name": "../.."}, "no checkpoint '../..'; there are: "),
        ({"optimizer": "adm"}, "unknown optimizer 'adm': did you mean adam or "),
        ({"settings": {"speed": 3}}, "speed: unknown key; allowed: "),
        ({"optimizer": "sgd", "settings": {"optimizer.lr": -1}}, "optimizer.lr: expected a number"),
    ],
)
def test_what_cannot_be_forked(parent, choices, message):
    with pytest.raises(UserError) as error:
        forked(parent, **choices)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"model.hidden": [5, 5]}, "the checkpoint is of another model: "),
        ({"parent": "nosuch/step-00000006"}, "nosuch: no checkpoint 'step-00000006'; there are"),
        ({"parent": "../../x/y"}, "parent: expected RUN_ID/CHECKPOINT, got '../../x/y'"),
        ({"parent": "x"}, "x: no checkpoint ''; there are: none"),
    ],
)
def test_a_parent_that_does_not_fit_fails_in_one_line(parent, tiny, settings, reason):
    changed = {key.replace(".", "__"): value for key, value in settings.items()}
    config = tiny(steps=20, **{"parent": f"{parent.id}/step-00000006", **changed})
    child = run_directory.create(parent.path.parent, config)
    train(child)
    (ended,) = of_kind(child, RunEnded)
    assert (ended.status, ended.step) == ("failed", 0)
    assert reason in ended.reason
