"""What optimizers remember is saved, restored, inherited and refused as it should be."""

import io
from types import SimpleNamespace

import pytest
import torch
from torch import nn

import presets
from engine.config import registry
from engine.training.saving import snapshot
from engine.training.updates import build_optimizer
from engine.training.updates.evaluated_weights import evaluated_weights
from presets import UserError
from presets.schema import ParameterGroups
from support.optimizing import PRESETS, batch, build, component, groups, model, step

BEFORE = 12
"""Steps before saving: SOAP's basis and Sophia's estimate were computed anew in between."""


def training(optimizer, name):
    kind = presets.load("optimizers", name).type
    return SimpleNamespace(optimizer=optimizer, optimizer_type=kind)


def through_a_file(state):
    """As a checkpoint holds it: host memory, no code in it."""
    file = io.BytesIO()
    torch.save(snapshot._copied(state), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def trained(name, **options):
    """A model after some steps, its optimizer and the saved state."""
    net, (x, y) = model(name), batch(name)
    optimizer = build(net, name, **options)
    for _ in range(BEFORE):
        step(net, optimizer, x, y)
    return net, optimizer, through_a_file(optimizer.state_dict())


def go_on(net, optimizer, name, steps=5):
    for _ in range(steps):
        step(net, optimizer, *batch(name))
    return [weight.detach().clone() for weight in net.parameters()]


def equal(ours, theirs):
    return all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("name", PRESETS)
def test_goes_on_bit_for_bit(name):
    options = {"preconditioning_compute_steps": 5} if name == "shampoo" else {}
    net, optimizer, state = trained(name, **options)
    other = model(name, seed=3)
    other.load_state_dict(net.state_dict())
    copy = build(other, name, **options)
    snapshot._restore_optimizer(state, training(copy, name))
    torch.manual_seed(8)
    expected = go_on(net, optimizer, name)
    torch.manual_seed(8)
    assert equal(go_on(other, copy, name), expected)
    assert not equal(expected, list(model(name).parameters()))


@pytest.mark.parametrize("name", PRESETS)
def test_a_fork_inherits_the_memory_and_keeps_its_own_settings(name):
    options = {"preconditioning_compute_steps": 5} if name == "shampoo" else {}
    net, optimizer, state = trained(name, **options)
    other = model(name, seed=3)
    other.load_state_dict(net.state_dict())
    rate = 0.5 * optimizer.param_groups[0]["lr"]
    # Muon's other rate follows the first by their ratio.
    rates = {"lr": rate} | ({"adamw_lr": 1.5e-4} if name == "muon" else {})
    copy = build(other, name, **options, **rates)
    snapshot._restore_optimizer(state, training(copy, name), inherited=True)
    assert copy.param_groups[0]["lr"] == rate
    for group in optimizer.param_groups:
        group["lr"] *= 0.5
    torch.manual_seed(8)
    expected = go_on(net, optimizer, name)
    torch.manual_seed(8)
    ours = go_on(other, copy, name)
    for a, b in zip(ours, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-7)


def test_a_fork_with_other_groups_matches_parameters_by_name():
    net, _, state = trained("adam")
    config = component("adam")
    settings = ParameterGroups(lr_scale={"0.*": 0.1, "*.bias": 2.0})
    copy = build_optimizer.build_optimizer(config, groups(net, config, settings))
    assert len(copy.param_groups) == 3
    snapshot._restore_optimizer(state, training(copy, "adam"), inherited=True)
    for number, (name, weight) in enumerate(net.named_parameters()):
        moments = copy.state[weight]["exp_avg"]
        assert torch.equal(moments, state["state"][number]["exp_avg"]), name
    assert [group["lr"] for group in copy.param_groups] == pytest.approx([1e-3, 1e-4, 2e-3])


def test_a_checkpoint_from_before_groups_had_names_is_taken():
    net, optimizer, state = trained("adam")
    for group in state["param_groups"]:
        for key in ("names", "kinds", "decay", "lr_scale"):
            del group[key]
    for inherited in (False, True):
        copy = build(net, "adam")
        snapshot._restore_optimizer(state, training(copy, "adam"), inherited=inherited)
        assert copy.param_groups[0]["names"] == optimizer.param_groups[0]["names"]
        weight = next(net.parameters())
        assert torch.equal(copy.state[weight]["exp_avg"], optimizer.state[weight]["exp_avg"])


def test_groups_of_other_parameters_are_refused():
    net, _, state = trained("adam")
    state["param_groups"][0]["names"].reverse()
    with pytest.raises(UserError, match="does not fit: its groups are of other parameters"):
        snapshot._restore_optimizer(state, training(build(net, "adam"), "adam"))


def tensors(value, at=()):
    """All tensors of a state with more than one number, each with its way there."""
    if isinstance(value, torch.Tensor):
        return [at] if value.dim() else []
    if not isinstance(value, dict | list):
        return []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [way for key, item in items for way in tensors(item, (*at, key))]


@pytest.mark.parametrize("name", PRESETS)
def test_a_tensor_of_a_wrong_shape_is_refused(name):
    net, _, state = trained(name)
    ways = tensors(state["state"])
    for *start, last in ways[:: max(1, len(ways) // 8)]:
        place = state["state"]
        for key in start:
            place = place[key]
        whole = place[last]
        for wrong in (torch.zeros(3), torch.zeros(*whole.shape, 2), whole.flatten()[:-1]):
            place[last] = wrong
            with pytest.raises(UserError, match="does not fit: it has other shapes"):
                snapshot._restore_optimizer(state, training(build(net, name), name))
        place[last] = whole
    snapshot._restore_optimizer(state, training(build(net, name), name))
    assert bool(ways) == (name not in ("gd", "sgd"))


@pytest.mark.parametrize("name", PRESETS)
def test_says_how_much_it_keeps(name):
    """`STATE_TENSORS` for each number of a matrix; for two optimizers it is the most."""
    _, optimizer, state = trained(name)
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    matrices = {number for number, weight in enumerate(weights) if weight.dim() == 2}
    ways = [way for way in tensors(state["state"]) if way[0] in matrices]
    kept = sum(entry(state["state"], way).numel() for way in ways)
    share = kept / sum(weights[number].numel() for number in matrices)
    said = registry.module("optimizer", presets.load("optimizers", name).type).STATE_TENSORS
    assert share < said + 0.6
    assert share > said - 0.6 or name in ("lbfgs", "muon")


def entry(value, way):
    for key in way:
        value = value[key]
    return value


@pytest.mark.parametrize("name", ["schedule-free-adamw", "schedule-free-sgd", "asgd"])
def test_evaluating_other_weights_leaves_the_training_as_it_was(name):
    options = {"t0": 3.0, "lr": 0.5} if name == "asgd" else {}
    net, optimizer, _ = trained(name, **options)
    before = [weight.detach().clone() for weight in net.parameters()]
    with evaluated_weights(optimizer) as differ:
        averaged = [weight.detach().clone() for weight in net.parameters()]
    assert differ
    assert not equal(averaged, before)
    assert equal(net.parameters(), before)
    with pytest.raises(ZeroDivisionError), evaluated_weights(optimizer):
        raise ZeroDivisionError
    assert equal(net.parameters(), before)
    step(net, optimizer, *batch(name))


def test_schedule_free_sgd_evaluates_the_average_of_its_fast_sequence():
    """x is the mean of z; gradients are taken at y = (1 - beta) z + beta x (equations 2 to 4)."""
    net = torch.nn.ParameterList([torch.nn.Parameter(torch.tensor([[1.0, -2.0]]))])
    optimizer = build(net, "schedule-free-sgd", lr=0.3)
    z = x = net[0].detach().clone().double()
    for t in range(1, 8):
        y = 0.1 * z + 0.9 * x
        torch.testing.assert_close(net[0].detach().double(), y, rtol=1e-5, atol=1e-6)
        optimizer.zero_grad()
        (net[0] ** 2).sum().backward()
        z = z - 0.3 * 2 * y
        x = (1 - 1 / t) * x + z / t
        optimizer.step()
    optimizer.eval()
    torch.testing.assert_close(net[0].detach().double(), x, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["adam", "sgd", "muon", "radam", "lion"])
def test_steps_under_a_gradient_scaler(name):
    net, (x, y) = model(), batch()
    optimizer, scaler = build(net, name), torch.amp.GradScaler("cpu", init_scale=256.0)
    plain = model()
    expected = build(plain, name)
    for _ in range(3):
        step(plain, expected, x, y)
        optimizer.zero_grad()
        scaler.scale(nn.functional.cross_entropy(net(x), y)).backward()
        scaler.step(optimizer)
        scaler.update()
    for ours, theirs in zip(net.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
    skipped = [weight.detach().clone() for weight in net.parameters()]
    for weight in net.parameters():
        weight.grad = torch.full_like(weight, torch.inf)
    scaler.step(optimizer)
    assert equal(net.parameters(), skipped)


@pytest.mark.parametrize("name", ["adam", "adagrad", "muon", "lbfgs", "lion"])
def test_hooks_around_a_step_are_called(name):
    net, (x, y) = model(), batch()
    torch.optim.LBFGS(model().parameters())  # of which torch then wraps the step
    optimizer, seen = build(net, name), []
    optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
    optimizer.register_step_post_hook(lambda *_: seen.append("after"))
    step(net, optimizer, x, y)
    assert seen == ["before", "after"]


@pytest.mark.parametrize("name", ["adam", "soap"])
def test_a_profile_names_the_step(name):
    net, (x, y) = model(), batch()
    optimizer = build(net, name)
    step(net, optimizer, x, y)
    with torch.profiler.profile() as profile:
        step(net, optimizer, x, y)
    assert any(event.key.startswith("Optimizer.step#") for event in profile.key_averages())


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_trains_a_compiled_model(name):
    plain, net = model(), model()
    compiled = torch.compile(net, backend="eager")
    ours, theirs = build(net, name), build(plain, name)
    for _ in range(3):
        step(compiled, ours, *batch())
        step(plain, theirs, *batch())
    assert equal(net.parameters(), plain.parameters())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", PRESETS)
def test_goes_on_bit_for_bit_on_cuda(name):
    x, y = (part.cuda() for part in batch(name))
    net = model(name).cuda()
    optimizer = build(net, name)
    for _ in range(BEFORE):
        step(net, optimizer, x, y)
    state = through_a_file(optimizer.state_dict())
    other = model(name, seed=3).cuda()
    other.load_state_dict(net.state_dict())
    copy = build(other, name)
    snapshot._restore_optimizer(state, training(copy, name))
    for _ in range(5):
        step(net, optimizer, x, y)
        step(other, copy, x, y)
    assert equal(net.parameters(), other.parameters())
