"""Autocast and the scaling of losses."""

import pytest
import torch

from engine.training.precision import LossScaler, autocast, set_precision
from presets import UserError

CPU = torch.device("cpu")


def weights():
    torch.manual_seed(0)
    return [torch.nn.Parameter(torch.randn(3, 2)), torch.nn.Parameter(torch.randn(2))]


def test_the_scale_is_that_of_torch():
    """Growth, backoff and the count of finite steps, on the same series of gradients."""
    parameters = weights()
    ours = LossScaler(parameters, CPU, interval=4)
    theirs = torch.amp.GradScaler("cpu", growth_interval=4)
    optimizer = torch.optim.SGD(parameters, lr=0.0)
    theirs.scale(torch.zeros(()))  # makes it ready
    skipped = 0
    for step in range(30):
        overflow = step in (0, 1, 7, 12, 13, 29)
        skipped += overflow
        size = float("inf") if overflow else 1.0
        for parameter in parameters:
            parameter.grad = torch.full_like(parameter, size) * theirs.get_scale()
        expected = ours.scale.item()
        assert expected == theirs.get_scale()
        theirs.step(optimizer)
        theirs.update()
        for parameter in parameters:
            parameter.grad = torch.full_like(parameter, size) * expected
        ours.unscale()
        assert overflow or torch.equal(parameters[0].grad, torch.ones(3, 2))
        said = ours.update(torch.stack([p.grad.norm() for p in parameters]).norm())
        assert said["scaler/scale"].item() == expected
        assert said["scaler/overflow"].item() == overflow
        assert said["scaler/skipped"].item() == skipped


def test_a_scaler_goes_on_from_its_state():
    first = LossScaler(weights(), CPU, interval=3)
    for norm in (1.0, float("inf"), 1.0, 1.0):
        first.update(torch.tensor(norm))
    second = LossScaler(weights(), CPU, interval=3)
    second.load_state_dict(first.state_dict())
    for norm in (1.0, 1.0, 1.0, float("nan"), 1.0):
        said = [scaler.update(torch.tensor(norm)) for scaler in (first, second)]
        assert said[0] == said[1]


@pytest.mark.parametrize(("precision", "dtype"), [("bf16", torch.bfloat16), ("fp16", torch.half)])
def test_products_are_computed_in_reduced_precision(precision, dtype):
    a = torch.ones(2, 2)
    with autocast(precision, CPU):
        assert (a @ a).dtype == dtype
    with autocast("fp32", CPU):
        assert (a @ a).dtype == torch.float32


def test_what_a_cpu_cannot_do():
    with pytest.raises(UserError, match="precision: tf32 needs a CUDA device"):
        set_precision("tf32", CPU)
