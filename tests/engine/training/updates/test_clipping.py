"""Clipping equals NumPy, and says exactly what it did."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.config import configure, registry
from engine.runs.events import Scalars
from engine.training.batches import Batches
from engine.training.preparation.assemble import assemble
from engine.training.updates import build_optimizer
from engine.training.updates.clip_limits import AUTOCLIP_NORMS, ZCLIP_WARMUP
from engine.training.updates.clipping import Clipper, gradient_norms
from presets.schema import Clip
from support import optimizing
from support.forked import of

GRADIENTS = [np.array([[3.0, -0.5], [0.25, 0.0]]), np.array([-4.0, 0.5, 1.0])]
NORMS = [np.sqrt((gradient**2).sum()) for gradient in GRADIENTS]
NORM = np.sqrt(sum(norm**2 for norm in NORMS))
CPU = torch.device("cpu")
ADAPTIVE = ("autoclip", "zclip")


def parameters(gradients=GRADIENTS):
    weights = [torch.nn.Parameter(torch.zeros(g.shape)) for g in gradients]
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = torch.tensor(gradient, dtype=torch.float32)
    return [torch.nn.Parameter(torch.zeros(3)), *weights]  # the first has no gradient


def clip(weights, settings):
    named = [(f"layer{index}.weight", weight) for index, weight in enumerate(weights)]
    return values(Clipper(named, settings, CPU)(gradient_norms(weights)))


def check(weights, expected):
    for weight, gradient in zip(weights[1:], expected, strict=True):
        np.testing.assert_allclose(weight.grad.numpy(), gradient, rtol=1e-6, atol=1e-6)


def after(expected):
    """The norm of these gradients."""
    return pytest.approx(np.sqrt(sum((g**2).sum() for g in expected)), rel=1e-5)


def values(recorded):
    tensors = [value for value in recorded.values() if not isinstance(value, float)]
    assert all(value.shape == () and not value.requires_grad for value in tensors)
    assert all(value.dtype == torch.float32 for value in tensors)
    return {name: float(value) for name, value in recorded.items()}


def told(expected, clipped, **rest):
    """What is recorded of `GRADIENTS` that become `expected`: the last one has the largest norm."""
    return {
        "grad_norm": pytest.approx(NORM, rel=1e-6),
        "clip/layer": 2.0,
        "clip/norm_after": after(expected),
        "clipped": float(clipped),
        **{f"clip/{name}": pytest.approx(value, rel=1e-5) for name, value in rest.items()},
    }


@pytest.mark.parametrize("threshold", [0.1, 1.0, 5.0, 5.2, 100.0])
def test_by_norm(threshold):
    weights = parameters()
    recorded = clip(weights, Clip(mode="norm", threshold=threshold))
    expected = [g * min(1.0, threshold / (NORM + 1e-6)) for g in GRADIENTS]
    check(weights, expected)
    assert recorded == told(expected, threshold < NORM)


@pytest.mark.parametrize("threshold", [0.3, 1.0, 30.0])
def test_by_norm_is_that_of_torch(threshold):
    ours, theirs = parameters(), parameters()
    recorded = clip(ours, Clip(mode="norm", threshold=threshold))
    norm = torch.nn.utils.clip_grad_norm_(theirs, threshold)
    assert recorded["grad_norm"] == norm.item()
    assert all(torch.equal(a.grad, b.grad) for a, b in zip(ours[1:], theirs[1:], strict=True))


@pytest.mark.parametrize(("threshold", "outside"), [(0.1, 6), (0.5, 3), (1.0, 2), (4.0, 0)])
def test_by_value(threshold, outside):
    weights = parameters()
    recorded = clip(weights, Clip(mode="value", threshold=threshold))
    expected = [np.clip(g, -threshold, threshold) for g in GRADIENTS]
    check(weights, expected)
    assert recorded == told(expected, outside > 0, fraction=outside / 7)


@pytest.mark.parametrize(("threshold", "fired"), [(0.5, 2), (3.5, 1), (10.0, 0)])
def test_each_parameter_by_its_own_norm(threshold, fired):
    weights = parameters()
    recorded = clip(weights, Clip(mode="parameter", threshold=threshold))
    expected = [
        g * min(1.0, threshold / (norm + 1e-6)) for g, norm in zip(GRADIENTS, NORMS, strict=True)
    ]
    check(weights, expected)
    assert recorded == told(expected, fired > 0, fraction=fired / 2)


def test_none_leaves_gradients_alone():
    weights = parameters()
    recorded = clip(weights, Clip(mode="none", threshold=1e-3))
    check(weights, GRADIENTS)
    assert recorded == told(GRADIENTS, False)


def test_adaptive_clipping_by_units():
    """Rows of a matrix, channels of a convolution, whole vectors; not the output layer."""
    random = np.random.default_rng(0)
    shapes = {"conv.weight": (4, 2, 3, 3), "conv.bias": (4,), "dense.weight": (5, 6)}
    shapes |= {"head.weight": (3, 5), "head.bias": (3,)}
    weights = {name: random.normal(size=shape) * 0.1 for name, shape in shapes.items()}
    weights["dense.weight"][1] = 0.0  # its norm counts as 1e-3
    gradients = {name: random.normal(size=shape) for name, shape in shapes.items()}
    gradients["dense.weight"][2] *= 1e-6  # is not clipped
    expected, fired = {}, []
    for name, gradient in gradients.items():
        if name.startswith("head"):
            expected[name] = gradient
            continue
        axes = tuple(range(1, gradient.ndim)) if gradient.ndim > 1 else None
        norm = np.sqrt((gradient**2).sum(axes, keepdims=True))
        limit = 0.02 * np.maximum(np.sqrt((weights[name] ** 2).sum(axes, keepdims=True)), 1e-3)
        expected[name] = np.where(norm > limit, gradient * limit / norm, gradient)
        fired += (norm > limit).ravel().tolist()
    named = []
    for name, weight in weights.items():
        named.append((name, torch.nn.Parameter(torch.tensor(weight, dtype=torch.float32))))
        named[-1][1].grad = torch.tensor(gradients[name], dtype=torch.float32)
    clipper = Clipper(named, Clip(mode="agc", ratio=0.02), CPU)
    recorded = values(clipper(gradient_norms([weight for _, weight in named])))
    for name, weight in named:
        np.testing.assert_allclose(weight.grad.numpy(), expected[name], rtol=1e-5, atol=1e-9)
    assert 0 < np.mean(fired) < 1
    assert recorded["clip/fraction"] == pytest.approx(np.mean(fired))
    assert recorded["clip/norm_after"] == after(expected.values())


def series(settings, norms, clipper=None):
    """Clip gradients of these norms one after another; returns limits and norms afterwards."""
    weight = torch.nn.Parameter(torch.zeros(4))
    clipper = clipper or Clipper([("w", weight)], settings, CPU)
    weight = clipper._named[0][1]
    found = []
    for norm in norms:
        weight.grad = torch.full((4,), norm / 2)
        recorded = values(clipper(gradient_norms([weight])))
        found.append((recorded["clip/threshold"], recorded["clip/norm_after"]))
    return found, clipper


NOISY = np.exp(np.random.default_rng(1).normal(size=200)).astype(np.float32)


def test_autoclip_takes_the_percentile_of_all_norms_so_far():
    found, _ = series(Clip(mode="autoclip", percentile=25.0), NOISY)
    for index, (limit, norm) in enumerate(found):
        assert limit == pytest.approx(np.percentile(NOISY[: index + 1], 25), rel=1e-5)
        assert norm == pytest.approx(min(limit, NOISY[index]), rel=1e-4)


def test_autoclip_forgets_the_oldest():
    found, _ = series(
        Clip(mode="autoclip", percentile=50.0), [1.0] * AUTOCLIP_NORMS + [5.0] * AUTOCLIP_NORMS
    )
    assert (found[AUTOCLIP_NORMS - 1][0], found[-1][0]) == (1.0, 5.0)


class ReferenceZClip:
    """The paper's algorithm 1 in plain Python floats, in the order of its authors' code: the mean
    is updated first, and the variance is that around the updated mean. Norms that are not finite
    do not count."""

    def __init__(self, z_score, decay=0.97):
        self.z_score, self.decay = z_score, decay
        self.warmup, self.mean, self.variance = [], 0.0, 0.0

    def after(self, norm):
        """The norm after clipping."""
        if not np.isfinite(norm):
            return np.nan
        if len(self.warmup) < ZCLIP_WARMUP:
            self.warmup.append(norm)
            self.mean, self.variance = np.mean(self.warmup), np.var(self.warmup)
            return norm
        deviation = np.sqrt(self.variance)
        z = (norm - self.mean) / (deviation + 1e-6)
        left = (
            self.mean + self.z_score / (z / self.z_score) * deviation if z > self.z_score else norm
        )
        self.mean = self.decay * self.mean + (1 - self.decay) * left
        self.variance = self.decay * self.variance + (1 - self.decay) * (left - self.mean) ** 2
        return left


class ReferenceAutoClip:
    """The percentile of the newest finite norms, as the code of the paper takes it of all."""

    def __init__(self, percentile):
        self.percentile, self.norms = percentile, []

    def after(self, norm):
        if not np.isfinite(norm):
            return np.nan
        self.norms = [*self.norms, norm][-AUTOCLIP_NORMS:]
        return min(norm, np.percentile(np.float32(self.norms), self.percentile))


def long_series(seed, count=2500):
    """Norms that drift and have outliers, some of them not finite."""
    random = np.random.default_rng(seed)
    norms = np.exp(random.normal(size=count) * 0.3 + np.cumsum(random.normal(size=count) * 0.02))
    norms[random.random(count) < 0.02] *= 30
    norms[random.random(count) < 0.01] = np.inf
    norms[random.random(count) < 0.01] = np.nan
    norms[[0, 7, 24]] = np.inf  # in the warm-up too
    return norms.astype(np.float32)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))]
)
@pytest.mark.parametrize(
    ("settings", "reference"),
    [
        (Clip(mode="zclip", z_score=2.5), ReferenceZClip(2.5)),
        (Clip(mode="zclip", z_score=0.5), ReferenceZClip(0.5)),
        (Clip(mode="autoclip", percentile=10.0), ReferenceAutoClip(10.0)),
    ],
    ids=["zclip-2.5", "zclip-0.5", "autoclip"],
)
def test_limits_are_those_of_the_papers_code(settings, reference, seed):
    """Not one flag differs in 10,000 norms, and nothing that is not finite is remembered."""
    reference = copy.deepcopy(reference)
    weight = torch.nn.Parameter(torch.zeros(4))
    clipper = Clipper([("w", weight)], settings, CPU)
    differ = clipped = 0
    for norm in long_series(seed):
        weight.grad = torch.full((4,), float(norm) / 2)
        norms = gradient_norms([weight])
        left = reference.after(float(norms[0]))
        recorded = values(clipper(norms))
        if np.isfinite(norm):
            assert recorded["clip/norm_after"] == pytest.approx(left, rel=1e-5)
            differ += bool(recorded["clipped"]) != (left < float(norms[0]) * (1 - 1e-7))
            clipped += bool(recorded["clipped"])
        else:
            assert not np.isfinite(recorded["clip/norm_after"])
    assert differ == 0
    assert 40 < clipped < 2450


@pytest.mark.parametrize("mode", ADAPTIVE)
def test_norms_that_are_not_finite_leave_no_trace(mode):
    """With them and without them the limits of all others are the same, bit for bit."""
    norms = long_series(9, 600)
    finite = norms[np.isfinite(norms)]
    assert len(finite) < len(norms)
    among, _ = series(Clip(mode=mode, percentile=50.0), norms.tolist())
    alone, _ = series(Clip(mode=mode, percentile=50.0), finite.tolist())
    assert [pair for pair, n in zip(among, norms, strict=True) if np.isfinite(n)] == alone


@pytest.mark.parametrize("mode", ADAPTIVE)
@pytest.mark.parametrize("at", [3, 40])
@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_what_is_not_finite_is_not_remembered(mode, at, bad):
    norms = NOISY.tolist()
    norms[at] = bad
    found, _ = series(Clip(mode=mode), norms)
    assert not np.isfinite(found[at][1])  # but it is seen
    limits = np.array([limit for limit, _ in found])
    assert np.isfinite(limits[max(ZCLIP_WARMUP, at) + 1 :]).all()  # one more to warm up


@pytest.mark.parametrize("mode", ADAPTIVE)
@pytest.mark.parametrize("cut", [10, 25, 60])
def test_they_go_on_exactly_from_their_state(mode, cut):
    settings = Clip(mode=mode, percentile=30.0)
    whole, _ = series(settings, NOISY)
    first, clipper = series(settings, NOISY[:cut])
    weight = torch.nn.Parameter(torch.zeros(4))
    other = Clipper([("w", weight)], settings, CPU)
    other.load_state_dict(clipper.state_dict())
    rest, _ = series(settings, NOISY[cut:], other)
    assert first + rest == whole


def test_a_command_changes_limit_and_mode():
    _, clipper = series(Clip(mode="autoclip", percentile=10.0), NOISY)
    clipper.use(Clip(mode="autoclip", percentile=90.0))
    ((limit, _),), _ = series(None, [1.0], clipper)
    assert limit == pytest.approx(np.percentile([*NOISY, 1.0], 90), rel=1e-5)
    clipper.use(Clip(mode="zclip"))
    ((limit, _),), _ = series(None, [1.0], clipper)
    assert limit == np.inf
    with pytest.raises((KeyError, TypeError, RuntimeError)):
        clipper.load_state_dict({"steps": 3, "norms": torch.zeros(7)})


def test_infinity_and_nan_stay_visible():
    for mode in ("none", "norm"):
        recorded = clip(parameters([np.array([np.inf, 1.0])]), Clip(mode=mode))
        assert recorded["grad_norm"] == float("inf")
    weights = parameters([np.array([np.inf, -np.inf, np.nan, 0.5])])
    recorded = clip(weights, Clip(mode="value", threshold=1.0))
    assert np.isnan(recorded["grad_norm"])
    assert recorded["clip/fraction"] == 0.5
    np.testing.assert_array_equal(weights[1].grad.numpy(), np.float32([1, -1, np.nan, 0.5]))
    recorded = clip(parameters([np.array([np.nan, 1.0])]), Clip(mode="norm"))
    assert np.isnan(recorded["grad_norm"])
    assert recorded["clipped"] == 0.0


MODES = ["none", "norm", "value", "parameter", "agc", "autoclip", "zclip"]


@pytest.mark.parametrize("mode", MODES)
def test_no_gradients_at_all(mode):
    recorded = clip([torch.nn.Parameter(torch.zeros(2))], Clip(mode=mode))
    assert set(recorded.values()) == {0.0}


@pytest.mark.parametrize("mode", MODES)
def test_sparse_gradients(mode):
    """Rows that occur twice in a batch count once, with their sum."""
    settings = Clip(mode=mode, threshold=0.5)
    table = torch.nn.Embedding(6, 3, sparse=True)
    dense = torch.nn.Embedding(6, 3)
    dense.load_state_dict(table.state_dict())
    recorded = []
    for module in (table, dense):
        module(torch.tensor([1, 4, 1])).square().sum().backward()
        named = list(module.named_parameters())
        norms = gradient_norms([module.weight])
        recorded.append(values(Clipper(named, settings, CPU)(norms)))
    if mode not in ("agc", "value"):  # of a sparse gradient fewer elements are there to count
        assert recorded[0] == pytest.approx(recorded[1])
        torch.testing.assert_close(table.weight.grad.to_dense(), dense.weight.grad)


@given(
    mode=st.sampled_from(MODES),
    limit=st.floats(1e-3, 90.0),
    gradient=st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=6),
)
def test_clipping_never_makes_a_gradient_larger(mode, limit, gradient):
    weights = parameters([np.array(gradient)])
    recorded = clip(weights, Clip().changed(mode, limit))
    assert recorded["clip/norm_after"] <= recorded["grad_norm"] * (1 + 1e-5)
    assert (np.abs(weights[1].grad.numpy()) <= np.abs(np.float32(gradient))).all()


FUSED = ["gd", "sgd", "momentum", "momentum-classic", "nesterov", "adagrad", "adam", "adamw"]


@pytest.mark.parametrize("name", FUSED)
@pytest.mark.parametrize("threshold", [0.3, 1.0, 30.0])
def test_an_optimizer_that_scales_gradients_takes_the_step_of_clipped_ones(name, threshold):
    settings, told, weights = Clip(mode="norm", threshold=threshold), [], []
    for leave in (True, False):
        net = optimizing.model()
        optimizer = optimizing.build(net, name)
        assert build_optimizer.scales_gradients(optimizer)
        clipper = Clipper([*net.named_parameters()], settings, CPU, optimizer if leave else None)
        random = torch.Generator().manual_seed(0)
        for size in (0.01, 1.0, 0.05, 0.001):  # some are clipped, some are not
            for parameter in net.parameters():
                parameter.grad = size * torch.randn(parameter.shape, generator=random)
            told.append(values(clipper(gradient_norms([*net.parameters()]))))
            optimizer.step()
        weights.append([weight.detach().clone() for weight in net.parameters()])
    assert told[:4] == [pytest.approx(one) for one in told[4:]]
    for ours, theirs in zip(*weights, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["muon", "rmsprop", "lbfgs", "lion", "adafactor"])
def test_other_optimizers_get_clipped_gradients(name):
    assert not build_optimizer.scales_gradients(optimizing.build(optimizing.model(), name))


def test_a_step_is_not_scaled_by_what_an_earlier_one_needed():
    net = optimizing.model()
    optimizer = optimizing.build(net, "adam")
    named, weights = [*net.named_parameters()], [*net.parameters()]
    clipper = Clipper(named, Clip(mode="norm", threshold=0.1), CPU, optimizer)
    for weight in weights:
        weight.grad = torch.ones_like(weight)
    clipper(gradient_norms(weights))
    assert optimizer.grad_scale.item() == pytest.approx(10 * sum(map(torch.numel, weights)) ** 0.5)
    for settings in (Clip(mode="norm", threshold=1e9), Clip(mode="none"), Clip(mode="agc")):
        clipper.use(Clip(mode="norm", threshold=0.1))
        clipper(gradient_norms(weights))
        clipper.use(settings)
        clipper(gradient_norms(weights))
        assert optimizer.grad_scale is None
    weights[0].grad.fill_(torch.inf)
    clipper.use(Clip(mode="norm", threshold=0.1))
    assert values(clipper(gradient_norms(weights)))["grad_norm"] == float("inf")
    assert optimizer.grad_scale is None


def agc_of_the_papers_code(named, ratio, head, eps=1e-3):
    """The authors' `unitwise_norm` and clipping in float64, with the output dimension first."""
    for name, weight in named:
        if name.rpartition(".")[0] == head:
            continue
        value, gradient = weight.detach().double().numpy(), weight.grad.double().numpy()
        axes = tuple(range(1, value.ndim)) if np.squeeze(value).ndim > 1 else None
        largest = ratio * np.maximum(np.sqrt((value**2).sum(axis=axes, keepdims=True)), eps)
        norm = np.sqrt((gradient**2).sum(axis=axes, keepdims=True))
        clipped = gradient * (largest / np.maximum(norm, 1e-6))
        weight.grad.copy_(torch.from_numpy(np.where(norm < largest, gradient, clipped)))


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_cnn_small_with_agc_is_that_of_the_papers_code_step_by_step(train, optimizer):
    """Convolutions, batch norm's vectors and a dense head, over 30 steps."""
    settings = {"clip.mode": "agc", "model.dropout": 0.0, "steps": 30, "seed": 1}
    settings |= {"device": "cpu", "threads": 1, "diagnostics.every": "off", "predictions": 0}
    config = configure.resolve(
        model="cnn-small", dataset="digits", optimizer=optimizer, settings=settings
    )
    events = train(config)
    plan = configure.plan(config)
    training = assemble(config, plan, CPU)
    batches = Batches(
        registry.build("dataset", config.dataset),
        batch_size=plan.batch_size,
        per_epoch=plan.steps_per_epoch,
        seed=config.seed,
        device=CPU,
    )
    head, losses = training.names[-1].rpartition(".")[0], []
    for number in range(1, 31):
        x, y = batches.at(number)
        training.clear_gradients()
        loss = torch.nn.functional.cross_entropy(training.model(x), y)
        loss.backward()
        agc_of_the_papers_code(training.named, 0.01, head)
        training.optimizer.step()
        losses.append(loss.item())
    recorded = [value for e in of(Scalars, events) for value in e.values["train/loss"]]
    assert recorded == pytest.approx(losses, rel=2e-6)
    fractions = [value for e in of(Scalars, events) for value in e.values["clip/fraction"]]
    assert np.mean(fractions) > 0.3
