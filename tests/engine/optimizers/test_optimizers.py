"""Optimizers equal their formulas, written out in NumPy, from the first step on; all learn."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import presets
from engine.config import configure, registry
from presets import ConfigError
from support.optimizing import PRESETS, batch, build, model, step

STEPS = 6


def gd(w, g, t, s, *, lr):
    return w - lr * g


def sgd(w, g, t, s, *, lr, weight_decay):
    return w - lr * (g + weight_decay * w)


def momentum(w, g, t, s, *, lr, beta):
    s["v"] = beta * s.get("v", 0.0) + (1 - beta) * g
    return w - lr * s["v"]


def classic(w, g, t, s, *, lr, momentum, weight_decay=0.0):
    s["v"] = momentum * s.get("v", 0.0) + g + weight_decay * w
    return w - lr * s["v"]


def nesterov(w, g, t, s, *, lr, momentum):
    s["v"] = momentum * s.get("v", 0.0) + g
    return w - lr * (g + momentum * s["v"])


def adagrad(w, g, t, s, *, lr, lr_decay, eps):
    s["sum"] = s.get("sum", 0.0) + g**2
    return w - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(s["sum"]) + eps)


def adadelta(w, g, t, s, *, lr, rho, eps):
    s["g2"] = rho * s.get("g2", 0.0) + (1 - rho) * g**2
    update = np.sqrt(s.get("u2", 0.0) + eps) / np.sqrt(s["g2"] + eps) * g
    s["u2"] = rho * s.get("u2", 0.0) + (1 - rho) * update**2
    return w - lr * update


def rmsprop(w, g, t, s, *, lr, alpha, eps, momentum=0.0, centered=False):
    s["g2"] = alpha * s.get("g2", 0.0) + (1 - alpha) * g**2
    s["g"] = alpha * s.get("g", 0.0) + (1 - alpha) * g
    variance = s["g2"] - s["g"] ** 2 if centered else s["g2"]
    s["v"] = momentum * s.get("v", 0.0) + g / (np.sqrt(variance) + eps)
    return w - lr * s["v"]


def adam(w, g, t, s, *, lr, betas, eps, weight_decay=0.0):
    s["m"] = betas[0] * s.get("m", 0.0) + (1 - betas[0]) * g
    s["v"] = betas[1] * s.get("v", 0.0) + (1 - betas[1]) * g**2
    m, v = s["m"] / (1 - betas[0] ** t), s["v"] / (1 - betas[1] ** t)
    return w - lr * weight_decay * w - lr * m / (np.sqrt(v) + eps)


def adamax(w, g, t, s, *, lr, betas, eps):
    s["m"] = betas[0] * s.get("m", 0.0) + (1 - betas[0]) * g
    s["u"] = np.maximum(betas[1] * s.get("u", 0.0), np.abs(g) + eps)
    return w - lr / (1 - betas[0] ** t) * s["m"] / s["u"]


def lion(w, g, t, s, *, lr, betas, weight_decay):
    m = s.get("m", 0.0)
    s["m"] = betas[1] * m + (1 - betas[1]) * g
    return w - lr * weight_decay * w - lr * np.sign(betas[0] * m + (1 - betas[0]) * g)


ADAM = {"lr": 1e-2, "betas": [0.9, 0.999], "eps": 1e-8}
CASES = [
    ("gd", gd, {"lr": 0.5}),
    ("sgd", sgd, {"lr": 0.1, "weight_decay": 0.0}),
    ("sgd", sgd, {"lr": 0.1, "weight_decay": 0.05}),
    ("momentum", momentum, {"lr": 0.1, "beta": 0.9}),
    ("momentum", momentum, {"lr": 0.1, "beta": 0.0}),
    ("momentum-classic", classic, {"lr": 0.1, "momentum": 0.9}),
    ("momentum-classic", classic, {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.1}),
    ("nesterov", nesterov, {"lr": 0.1, "momentum": 0.9}),
    ("adagrad", adagrad, {"lr": 0.1, "lr_decay": 0.1, "eps": 1e-10}),
    ("adadelta", adadelta, {"lr": 1.0, "rho": 0.9, "eps": 1e-6}),
    ("rmsprop", rmsprop, {"lr": 0.01, "alpha": 0.99, "eps": 1e-8}),
    ("rmsprop", rmsprop, {"lr": 0.01, "alpha": 0.9, "eps": 1e-3, "momentum": 0.9}),
    ("rmsprop", rmsprop, {"lr": 0.01, "alpha": 0.9, "eps": 1e-2, "centered": True}),
    ("adam", adam, ADAM),
    ("adamw", adam, {**ADAM, "weight_decay": 0.1}),
    ("adamax", adamax, ADAM),
    ("lion", lion, {"lr": 0.01, "betas": [0.9, 0.99], "weight_decay": 0.1}),
]

# Rates with which each overfits in 150 steps; the presets' own are for longer runs.
OVERFIT = {
    "adafactor": 0.1,
    "adam": 0.02,
    "adamw": 0.02,
    "adagrad": 0.1,
    "adamax": 0.02,
    "asgd": 1.0,
    "lamb": 0.03,
    "lion": 3e-3,
    "momentum-classic": 0.1,
    "nesterov": 0.1,
    "radam": 0.03,
    "schedule-free-adamw": 0.02,
    "schedule-free-sgd": 3.0,
    "sgd": 1.0,
    "soap": 0.01,
    "sophia": 1.0,
    "sparse-adam": 0.02,
}


@pytest.mark.parametrize(("name", "formula", "options"), CASES)
def test_equals_its_formula(name, formula, options):
    random = np.random.default_rng(0)
    shapes = [(3, 2), (4, 1)]
    expected = [random.normal(size=shape) for shape in shapes]
    weights = [torch.nn.Parameter(torch.tensor(w, dtype=torch.float32)) for w in expected]
    optimizer = build(torch.nn.ParameterList(weights), name, **options)
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
            np.testing.assert_allclose(weight.detach().numpy(), value, rtol=1e-5, atol=2e-6)


def test_every_class_of_torch_has_a_component():
    used = set()
    for name in PRESETS:
        optimizer = build(model(name), name)
        for part in getattr(optimizer, "parts", [optimizer]):
            used |= {cls.__name__ for cls in type(part).__mro__ if "torch.optim" in cls.__module__}
    offered = {
        name
        for name, cls in vars(torch.optim).items()
        if isinstance(cls, type) and issubclass(cls, torch.optim.Optimizer)
    }
    assert len(offered) > 12
    assert offered <= used


def test_every_component_has_a_preset_with_all_its_options():
    by_type = {presets.load("optimizers", name).type: name for name in PRESETS}
    assert set(by_type) == set(registry.names("optimizer"))
    for kind, name in by_type.items():
        given = presets.load("optimizers", name).options
        config = registry.module("optimizer", kind).Config
        assert set(given) == set(config.__struct_fields__) >= {"lr"}


@pytest.mark.parametrize("name", PRESETS)
def test_learns_a_batch_by_heart(name):
    net = model(name)
    x, y = batch(name)
    faster = {"lr": OVERFIT[name]} if name in OVERFIT else {}
    faster |= {"muon": {"adamw_lr": 0.02}, "shampoo": {"preconditioning_compute_steps": 1}}.get(
        name, {}
    )
    optimizer = build(net, name, **faster)
    first = step(net, optimizer, x, y)
    for _ in range(150):
        last = step(net, optimizer, x, y)
    assert last < 0.1 * first
    assert all(torch.isfinite(weight).all() for weight in net.parameters())


def test_gd_takes_full_batches_only():
    with pytest.raises(ConfigError, match=r"expected 'full', got 32 \(sgd uses mini-batches\)"):
        configure.resolve(optimizer="gd", settings={"batch_size": 32})


@pytest.mark.parametrize("name", ["lbfgs", "prodigy"])
def test_optimizers_with_one_rate_refuse_others(name):
    settings = {"groups.lr_scale": {"0.*": 0.1}}
    with pytest.raises(ConfigError, match=r"^groups.lr_scale: .* expected \{\}$"):
        configure.resolve(optimizer=name, settings=settings)


@pytest.mark.parametrize(
    ("key", "value"), [("compile", True), ("precision", "fp16"), ("activation_checkpointing", True)]
)
def test_sophia_says_what_has_no_second_derivatives(key, value):
    with pytest.raises(ConfigError, match=rf"^{key}.*second derivatives"):
        configure.resolve(optimizer="sophia", settings={key: value})


def test_sparse_adam_says_which_models_it_is_for():
    with pytest.raises(ConfigError, match=r"^optimizer: sparse-adam .*mlp lacks") as caught:
        configure.resolve(optimizer="sparse-adam")
    assert len(str(caught.value).splitlines()) == 1


def test_muon_takes_hidden_matrices_and_adamw_the_rest():
    net = model()
    optimizer = build(net, "muon")
    muon, adamw = optimizer.parts
    names = [name for group in muon.param_groups for name in group["names"]]
    assert names == ["0.weight", "2.weight"]
    rest = {name for group in adamw.param_groups for name in group["names"]}
    assert rest == {"0.bias", "2.bias", "4.weight", "4.bias"}
    for group in optimizer.param_groups:
        assert group["lr"] == pytest.approx(0.02 * group["lr_scale"])
    assert adamw.param_groups[0]["lr"] == pytest.approx(3e-4)


def test_muon_refuses_a_model_without_hidden_matrices():
    with pytest.raises(ConfigError, match=r"^optimizer: muon .* has none"):
        build(torch.nn.Sequential(torch.nn.Linear(16, 4)), "muon")


def test_sparse_adam_leaves_unused_rows_alone():
    net = model("sparse-adam")
    optimizer = build(net, "sparse-adam")
    before = net[0].weight.detach().clone()
    step(net, optimizer, torch.tensor([[0, 1, 2, 3]]), torch.tensor([1]))
    changed = (net[0].weight != before).any(1).tolist()
    assert changed == [True] * 4 + [False] * 5
    assert [type(part).__name__ for part in optimizer.parts] == ["SparseAdam", "Adam"]


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "sparse-adam"])
def test_the_others_say_that_they_take_no_sparse_gradients(name):
    with pytest.raises(ConfigError, match=rf"^optimizer: {name} takes no sparse gradients; "):
        build(model("sparse-adam"), name)


def test_shampoo_refuses_matrices_that_would_not_fit():
    net = torch.nn.Embedding(9000, 2)
    with pytest.raises(ConfigError, match=r"weight has shape \(9000, 2\)"):
        build(net, "shampoo")


def test_sophia_estimates_the_diagonal_of_the_hessian():
    """Of sum(c w^2) / 2 it is c, whatever the random numbers; gradients were clipped before."""
    c = torch.tensor([[1.0, 4.0], [0.5, 2.0]])
    net = torch.nn.ParameterList([torch.nn.Parameter(torch.ones(2, 2))])
    (weight,) = net
    optimizer = build(net, "sophia")
    estimates = []
    for _ in range(400):
        assert optimizer.needs_graph
        optimizer.zero_grad()
        (c * weight**2 / 2).sum().backward(create_graph=True)
        torch.nn.utils.clip_grad_norm_([weight], 0.1)
        estimates.append(optimizer._hessian([weight])[0])
        optimizer.param_groups[0]["step"] = optimizer.param_groups[0].get("step", 0) + 10
    np.testing.assert_allclose(torch.stack(estimates).mean(0), c, rtol=0.3)
    optimizer.zero_grad()
    (c * weight**2 / 2).sum().backward(create_graph=True)
    optimizer.step()
    assert weight.grad.grad_fn is None
    assert not optimizer.needs_graph


def test_sophia_draws_no_random_numbers_from_the_training():
    net = model()
    optimizer = build(net, "sophia")
    torch.manual_seed(5)
    step(net, optimizer, *batch())
    drawn = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(1))


def test_lbfgs_sees_one_function_through_dropout():
    net = torch.nn.Sequential(torch.nn.Linear(16, 16), torch.nn.Dropout(0.5), model()[4])
    optimizer, (x, y) = build(net, "lbfgs", max_iter=4), batch()
    values = []

    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), y)
        values.append((float(loss.detach()), torch.rand(1).item()))
        loss.backward()
        return loss

    optimizer.step(closure)
    assert len(values) > 2
    assert len({drawn for _, drawn in values}) == 1
    assert values[-1][0] < values[0][0]
    optimizer.step(closure)
    assert len({drawn for _, drawn in values}) == 2


def test_building_and_stepping_does_not_import_the_compiler():
    code = (
        "import sys, torch; torch.set_num_threads(1)\n"
        "from support.optimizing import PRESETS, batch, build, model, step\n"
        "from engine.config import registry\n"
        "for name in PRESETS:\n"
        "    net = model(name)\n"
        "    optimizer = build(net, name)\n"
        "    before = [w.detach().clone() for w in net.parameters()]\n"
        "    for _ in range(2): step(net, optimizer, *batch(name))\n"
        "    changed = any((w != b).any() for w, b in zip(net.parameters(), before))\n"
        "    assert changed != (name == 'shampoo'), name  # that one waits for its first roots\n"
        "    assert all(not w.grad_fn and w.is_leaf for w in net.parameters())\n"
        "    optimizer.load_state_dict(optimizer.state_dict())\n"
        "    assert 'torch._dynamo' not in sys.modules, name\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
