"""Optimizers equal their formulas, written out in NumPy, from the first step on."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from engine import configure, startup
from presets import ConfigError
from presets.schema import Component

STEPS = 6


def gd(w, g, t, s, *, lr):
    return w - lr * g


def sgd(w, g, t, s, *, lr, weight_decay):
    return w - lr * (g + weight_decay * w)


def momentum(w, g, t, s, *, lr, beta):
    s["v"] = beta * s.get("v", 0.0) + (1 - beta) * g
    return w - lr * s["v"]


def adam(w, g, t, s, *, lr, betas, eps, weight_decay=0.0):
    s["m"] = betas[0] * s.get("m", 0.0) + (1 - betas[0]) * g
    s["v"] = betas[1] * s.get("v", 0.0) + (1 - betas[1]) * g**2
    m, v = s["m"] / (1 - betas[0] ** t), s["v"] / (1 - betas[1] ** t)
    return w - lr * weight_decay * w - lr * m / (np.sqrt(v) + eps)


ADAM = {"lr": 1e-2, "betas": [0.9, 0.999], "eps": 1e-8}
CASES = [
    ("gd", gd, {"lr": 0.5}),
    ("sgd", sgd, {"lr": 0.1, "weight_decay": 0.0}),
    ("sgd", sgd, {"lr": 0.1, "weight_decay": 0.05}),
    ("momentum", momentum, {"lr": 0.1, "beta": 0.9}),
    ("momentum", momentum, {"lr": 0.1, "beta": 0.0}),
    ("adam", adam, ADAM),
    ("adamw", adam, {**ADAM, "weight_decay": 0.1}),
]


@pytest.mark.parametrize(("name", "formula", "options"), CASES)
def test_equals_its_formula(name, formula, options):
    random = np.random.default_rng(0)
    shapes = [(3, 2), (4,)]
    expected = [random.normal(size=shape) for shape in shapes]
    weights = [torch.nn.Parameter(torch.tensor(w, dtype=torch.float32)) for w in expected]
    component = Component(name=name, type=name, options=options)
    optimizer = startup.build_optimizer(component, weights)
    states = [{} for _ in shapes]
    for t in range(1, STEPS + 1):
        gradients = [random.normal(size=shape) for shape in shapes]
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = torch.tensor(gradient, dtype=torch.float32)
        optimizer.step()
        expected = [
            formula(w, g, t, s, **options)
            for w, g, s in zip(expected, gradients, states, strict=True)
        ]
        for weight, value in zip(weights, expected, strict=True):
            np.testing.assert_allclose(weight.detach().numpy(), value, rtol=1e-6, atol=1e-6)


def test_every_optimizer_has_a_case():
    from engine import registry

    assert set(registry.names("optimizer")) == {name for name, _, _ in CASES}


def test_gd_takes_full_batches_only():
    with pytest.raises(ConfigError, match=r"expected 'full', got 32 \(sgd takes mini-batches\)"):
        configure.resolve(optimizer="gd", settings={"batch_size": 32})


def test_building_and_stepping_does_not_import_the_compiler():
    code = (
        "import sys, torch; from engine import startup; from presets.schema import Component\n"
        "w = torch.nn.Parameter(torch.ones(2)); w.grad = torch.ones(2)\n"
        "o = startup.build_optimizer(Component(name='adam', type='adam'), [w])\n"
        "o.step(); o.zero_grad()\n"
        "assert 'torch._dynamo' not in sys.modules\n"
        "assert w.grad is None and (w < 1).all() and not w.grad_fn"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
