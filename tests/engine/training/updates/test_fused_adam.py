"""Steps that gather their tensors once are the steps of torch.optim, bit for bit."""

import copy

import pytest
import torch
from torch import optim

from engine.training.updates.fused_adam import gather_once

KINDS = [(optim.Adam, {}), (optim.AdamW, {"weight_decay": 0.1, "betas": (0.8, 0.95)})]


def weights():
    generator = torch.Generator().manual_seed(0)
    shapes = [(3, 4), (4,), (5,), (2, 2, 3)]
    return [torch.nn.Parameter(torch.randn(s, generator=generator)) for s in shapes]


def optimizers(kind, options):
    """One as torch has it, and one that gathers once; each with two groups."""
    made = []
    for changed in (False, True):
        first, *others = weights()
        groups = [{"params": [first], "lr": 0.1}, {"params": others}]
        optimizer = kind(groups, lr=0.01, fused=True, **options)
        if changed:
            gather_once(optimizer)
        made.append(optimizer)
    return made


def parameters(optimizer):
    return [weight for group in optimizer.param_groups for weight in group["params"]]


def step(optimizer, seed, *, without=None, divisor=None):
    generator = torch.Generator().manual_seed(seed)
    for position, weight in enumerate(parameters(optimizer)):
        gradient = torch.randn(weight.shape, generator=generator)
        weight.grad = None if position == without else gradient
    optimizer.grad_scale = None if divisor is None else torch.tensor(divisor)
    optimizer.step()


def assert_equal(ours, theirs):
    for mine, other in zip(parameters(ours), parameters(theirs), strict=True):
        assert torch.equal(mine, other)
        for name, value in theirs.state[other].items():
            assert torch.equal(ours.state[mine][name], value), name


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_steps_are_those_of_torch(kind, options):
    theirs, ours = optimizers(kind, options)
    for seed in range(12):
        for optimizer in (theirs, ours):
            if seed == 5:
                optimizer.param_groups[1]["lr"] = 0.05
            if seed == 8:
                optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
            divisor = 3.7 if seed in (0, 3, 6, 8, 10) else None  # as clipping asks for
            step(optimizer, seed, without=2 if seed in (0, 6) else None, divisor=divisor)
        assert_equal(ours, theirs)


def test_a_gathered_step_does_not_ask_torch_optim(monkeypatch):
    _, ours = optimizers(*KINDS[0])
    step(ours, 0)
    monkeypatch.setattr(optim.Adam, "_init_group", None)
    step(ours, 1)
    assert all(state["step"] == 2 for state in ours.state.values())


def test_others_stay_as_they_are():
    for options in ({"fused": False}, {"fused": True, "amsgrad": True}):
        optimizer = optim.Adam(weights(), **options)
        gather_once(optimizer)
        assert "step" not in vars(optimizer)
