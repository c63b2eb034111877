"""The weights that are judged are those in the checkpoint, of every optimizer with two sets of
weights and of the moving average, with batch-norm statistics of their own."""

import dataclasses

import numpy as np
import pytest
import safetensors.torch
import torch

from engine import tasks
from engine.config import configure, registry
from engine.runs import checkpoint, fork, run_directory
from engine.runs.checkpoint import TRAINED, WEIGHTS
from engine.runs.events import Evaluation
from engine.runs.log_reader import read_all
from engine.training.precision import autocast
from engine.training.preparation.assemble import assemble
from engine.training.recording import weight_path
from engine.training.saving import checkpoint_writer, snapshot
from engine.training.saving.judged_weights import Judge
from engine.training.updates.evaluated_weights import evaluated_weights
from support.every_step import settings_of
from support.forked import last_checkpoint, of, told
from support.held import held
from support.optimizing import PRESETS, batch, build, model, step
from support.resuming import check_equal, interrupt

CPU = torch.device("cpu")
TWO_SETS = {
    "schedule-free-adamw": {"optimizer__lr": 0.02},
    "schedule-free-sgd": {},
    "asgd": {"optimizer__t0": 3.0, "optimizer__lr": 0.5},
}
"""The optimizers that evaluate other weights than they train, and settings with which they do."""
STEPS = 12


@pytest.mark.parametrize("name", PRESETS)
def test_no_optimizer_with_two_sets_of_weights_is_missing(name):
    options = {"t0": 1.0} if name == "asgd" else {}
    net = model(name)
    optimizer = build(net, name, **options)
    for _ in range(4):
        step(net, optimizer, *batch(name))
    with evaluated_weights(optimizer) as differ:
        assert differ == (name in TWO_SETS)


@pytest.fixture(params=[*TWO_SETS, "adam"])
def judged(request, train, tiny, tmp_path):
    """A finished run with two sets of weights and a moving average."""
    settings = {**settings_of(request.param, "norm"), **TWO_SETS.get(request.param, {})}
    settings |= {"ema_decay": 0.9, "keep_weights": True, "checkpoint__every_steps": 6, "seed": 4}
    train(tiny(request.param, steps=STEPS, **settings))
    (run,) = run_directory.list_runs(tmp_path)
    return run


def loss_of(run, weights):
    """The validation loss of a model with these weights and buffers, and nothing else."""
    config = run.config()
    info = configure.dataset_info(config)
    net = registry.build("model", config.model, info)
    net.load_state_dict(weights)
    val = registry.build("dataset", config.dataset).val
    x, y = torch.from_numpy(val.x), torch.from_numpy(val.y)
    return tasks.of(config, info).evaluate(net, held(x, y))["loss"]


def test_every_file_of_weights_is_what_the_manifest_says(judged):
    optimizer = judged.config().optimizer.name
    validations = {
        e.step: e.values for e in of(Evaluation, read_all(judged.events_path)) if e.split == "val"
    }
    checked = 0
    for item in checkpoint.listed(judged):
        if item.step not in validations:
            continue
        found = {}
        for name, sets in item.manifest.weights.items():
            weights = safetensors.torch.load_file(item.path / name)
            for one in sets:
                found[one] = loss_of(judged, weights)
        assert found["judged"] == pytest.approx(validations[item.step]["loss"], rel=1e-6)
        assert found["averaged"] == pytest.approx(validations[item.step]["ema_loss"], rel=1e-6)
        assert (TRAINED in item.manifest.files) == (optimizer in TWO_SETS)
        if optimizer in TWO_SETS:
            assert found["trained"] != pytest.approx(found["judged"], rel=1e-3)
        checked += 1
    assert checked


def test_the_weight_path_has_the_judged_weights(judged):
    kept = dict(weight_path.listed(judged))
    item = last_checkpoint(judged)
    weights = safetensors.torch.load_file(item.path / WEIGHTS)
    names = [name for name, _ in assembled(judged.config()).named]
    flat = np.concatenate([weights[name].numpy().ravel() for name in names])
    np.testing.assert_array_equal(np.load(kept[item.step]), flat)


def assembled(config):
    return assemble(config, configure.plan(config), CPU)


def judge(training, config):
    data = registry.build("dataset", config.dataset)
    x = torch.from_numpy(data.train.x)
    return Judge(training, CPU, samples=lambda: iter([x]), autocast=lambda: autocast("fp32", CPU))


@pytest.mark.parametrize("changed", [{}, {"averaging": 0.5}])
def test_a_fork_judges_the_same_weights_as_its_parent(judged, changed):
    """Also where a setting of its own would make others of the trained weights."""
    item = last_checkpoint(judged)
    settings = {"steps": 40}
    if changed and judged.config().optimizer.name == "schedule-free-sgd":
        settings["optimizer.momentum"] = 0.5
    if changed and judged.config().optimizer.name == "schedule-free-adamw":
        settings["optimizer.betas"] = [0.5, 0.999]
    config = fork.config(fork.settings_at(judged, item.name), settings=settings)
    training, taken = assembled(config), snapshot.load(item)
    snapshot.inherit(taken, training, CPU)
    with judge(training, config).judged():
        for name, parameter in training.named:
            torch.testing.assert_close(
                parameter.detach(), taken.weights[name], rtol=1e-4, atol=1e-6
            )
    for name, average in zip(training.names, training.ema.averages, strict=True):
        assert torch.equal(average, taken.averaged[name])


def test_a_fork_with_another_optimizer_begins_with_the_judged_weights(judged):
    item = last_checkpoint(judged)
    settings = {"steps": 40, "optimizer.lr": 0.1}
    at = fork.settings_at(judged, item.name)
    config = fork.config(at, optimizer="sgd", settings=settings)
    training, taken = assembled(config), snapshot.load(item)
    snapshot.inherit(taken, training, CPU)
    for name, value in training.model.state_dict().items():
        assert torch.equal(value, taken.weights[name])


@pytest.mark.parametrize("name", TWO_SETS)
def test_it_goes_on_bit_for_bit(tmp_path, tiny, name):
    settings = {**settings_of(name, "norm"), **TWO_SETS[name], "ema_decay": 0.9}
    config = tiny(name, steps=STEPS, checkpoint__every_steps=4, evaluate_every=3, **settings)
    whole = interrupt(tmp_path / "whole", config)
    check_equal(interrupt(tmp_path / "cut", config, 6, 9), whole)


@pytest.mark.parametrize("name", ["adam", "schedule-free-sgd"])
def test_a_checkpoint_of_an_older_version_opens(tmp_path, tiny, name):
    """It has the trained weights only, the averages in `tensors.pt`, and nothing of observers."""
    config = tiny(name, **settings_of(name, "zclip"), steps=9, ema_decay=0.9)
    whole = interrupt(tmp_path / "whole", config)
    run = interrupt(tmp_path / "cut", config, 9)
    item = last_checkpoint(run)
    taken = snapshot.load(item)
    trained = taken.trained or taken.weights
    averages = [taken.averaged[key] for key in assembled(config).names]
    tensors = {key: value for key, value in taken.tensors.items() if key != "observers"}
    old = dataclasses.replace(
        taken, weights=trained, trained=None, averaged=None, tensors={**tensors, "ema": averages}
    )
    checkpoint_writer.write(
        run, step=item.step, reason="interval", best=False, finite=True, fill=old.write
    )
    training = assembled(config)
    snapshot.restore(snapshot.load(checkpoint.listed(run)[-1]), training, CPU)
    assert all(map(torch.equal, training.ema.averages, averages))
    assert told(run) == told(whole)


def test_statistics_are_those_of_all_samples_with_dropout_off(tiny):
    """As torch.optim.swa_utils.update_bn has them of one batch with all samples."""
    config = tiny("adam", **settings_of("adam", "none"), ema_decay=0.5, steps=3)
    training = assembled(config)
    with torch.no_grad():
        for average in training.ema.averages:
            average.mul_(1.5)
    before = {key: value.clone() for key, value in training.model.state_dict().items()}
    data = registry.build("dataset", config.dataset)
    x = torch.from_numpy(data.train.x)
    with judge(training, config).averaged():
        ours = {key: value.clone() for key, value in training.model.state_dict().items()}
    for key, value in training.model.state_dict().items():
        assert torch.equal(value, before[key])
    reference = registry.build("model", config.model, configure.dataset_info(config))
    reference.load_state_dict(ours)
    for module in reference.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    torch.optim.swa_utils.update_bn([x], reference)
    for key, value in reference.state_dict().items():
        torch.testing.assert_close(ours[key], value, rtol=1e-4, atol=1e-6)
    assert any(not torch.equal(ours[k], before[k]) for k in ours if "running_var" in k)
