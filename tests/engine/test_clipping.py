"""Clipping equals NumPy, and says exactly what it did."""

import numpy as np
import pytest
import torch

from engine.clipping import clip
from presets.schema import Clip

GRADIENTS = [np.array([[3.0, -0.5], [0.25, 0.0]]), np.array([-4.0, 0.5, 1.0])]
NORM = np.sqrt(sum((gradient**2).sum() for gradient in GRADIENTS))


def parameters(gradients=GRADIENTS):
    weights = [torch.nn.Parameter(torch.zeros(g.shape)) for g in gradients]
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = torch.tensor(gradient, dtype=torch.float32)
    return [torch.nn.Parameter(torch.zeros(3)), *weights]  # the first has no gradient


def check(weights, expected):
    for weight, gradient in zip(weights[1:], expected, strict=True):
        np.testing.assert_allclose(weight.grad.numpy(), gradient, rtol=1e-6, atol=1e-6)


def values(recorded):
    assert all(value.shape == () and not value.requires_grad for value in recorded.values())
    return {name: value.item() for name, value in recorded.items()}


@pytest.mark.parametrize("threshold", [0.1, 1.0, 5.0, 5.2, 100.0])
def test_by_norm(threshold):
    weights = parameters()
    recorded = values(clip(weights, Clip(mode="norm", threshold=threshold)))
    assert recorded == {
        "grad_norm": pytest.approx(NORM, rel=1e-6),
        "clipped": float(threshold < NORM),
    }
    scale = min(1.0, threshold / (NORM + 1e-6))
    check(weights, [gradient * scale for gradient in GRADIENTS])


@pytest.mark.parametrize(("threshold", "outside"), [(0.1, 6), (0.5, 3), (1.0, 2), (4.0, 0)])
def test_by_value(threshold, outside):
    weights = parameters()
    recorded = values(clip(weights, Clip(mode="value", threshold=threshold)))
    assert recorded == {
        "grad_norm": pytest.approx(NORM, rel=1e-6),
        "clipped": float(outside > 0),
        "clip/fraction": pytest.approx(outside / 7, rel=1e-6),
    }
    check(weights, [np.clip(gradient, -threshold, threshold) for gradient in GRADIENTS])


def test_none_leaves_gradients_alone():
    weights = parameters()
    recorded = values(clip(weights, Clip(mode="none", threshold=1e-3)))
    assert recorded == {"grad_norm": pytest.approx(NORM, rel=1e-6), "clipped": 0.0}
    check(weights, GRADIENTS)


def test_infinity_and_nan_stay_visible():
    for mode in ("none", "norm"):
        assert values(clip(parameters([np.array([np.inf, 1.0])]), Clip(mode=mode)))[
            "grad_norm"
        ] == float("inf")
    weights = parameters([np.array([np.inf, -np.inf, np.nan, 0.5])])
    recorded = values(clip(weights, Clip(mode="value", threshold=1.0)))
    assert np.isnan(recorded["grad_norm"])
    assert recorded["clip/fraction"] == 0.5
    np.testing.assert_array_equal(weights[1].grad.numpy(), np.float32([1, -1, np.nan, 0.5]))
    weights = parameters([np.array([np.nan, 1.0])])
    recorded = values(clip(weights, Clip(mode="norm")))
    assert np.isnan(recorded["grad_norm"])
    assert recorded["clipped"] == 0.0


@pytest.mark.parametrize("mode", ["none", "norm", "value"])
def test_no_gradients_at_all(mode):
    recorded = values(clip([torch.nn.Parameter(torch.zeros(2))], Clip(mode=mode)))
    assert set(recorded.values()) == {0.0}
