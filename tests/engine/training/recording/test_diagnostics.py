"""Layer probes: the numbers are right, the training does not notice, the cost is bounded."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from engine.config import configure
from engine.runs.events import Histograms, Layers, Scalars
from engine.training.recording import histograms
from engine.training.recording.layer_diagnostics import Diagnostics
from engine.training.recording.probe_instruments import SHARE, Interval, NoiseScale
from presets.schema import DiagnosticsPolicy
from support.forked import of


class Cost:
    """Stands for a stopwatch that has measured so many seconds."""

    def __init__(self, seconds):
        self._seconds = seconds

    def take(self):
        return self._seconds


CPU = torch.device("cpu")


class Emitted(list):
    """A journal that keeps what it is told."""

    emit = list.append


def small():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2))


def test_a_probe_equals_numpy():
    model, told = small(), Emitted()
    with torch.no_grad():
        model[0].bias[1] = -1e6  # two dead units of five
        model[0].bias[3] = -1e6
    named = list(model.named_parameters())
    probes = Diagnostics(model, named, DiagnosticsPolicy(every=1), told, CPU)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    past, x = [], torch.randn(8, 3)
    for step in (1, 2):
        probes.begin(step)
        optimizer.zero_grad()
        loss = model(x).square().mean() + step * model[4].weight.sum()
        loss.backward()
        past.append({name: p.grad.numpy().copy() for name, p in named})
        weights = {name: p.detach().numpy().copy() for name, p in named}
        probes.gradients(lambda: 0, 8)
        optimizer.step()
        probes.end()
    probes.close()
    (probe,) = of(Layers, told)
    assert (probe.step, probe.names) == (2, ["0", "2", "4"])

    def norms(values):
        return [
            np.sqrt(sum((values[f"{n}.{k}"] ** 2).sum() for k in ("weight", "bias"))) for n in "024"
        ]

    updates = {name: 0.1 * gradient for name, gradient in past[1].items()}
    assert probe.values["grad_norm"] == pytest.approx(norms(past[1]), rel=1e-5)
    assert probe.values["weight_norm"] == pytest.approx(norms(weights), rel=1e-5)
    ratios = np.log10(np.array(norms(updates)) / np.array(norms(weights)))
    assert probe.values["update_ratio"] == pytest.approx(ratios.tolist(), abs=1e-3)
    assert probe.values["dead"][0] == pytest.approx(0.4)
    assert probe.values["dead"][2] == "nan"
    first, second = (np.concatenate([g.ravel() for g in gradients.values()]) for gradients in past)
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    assert probe.totals == {"grad_cosine": pytest.approx(cosine, rel=1e-5)}
    shown = {event.of: event for event in of(Histograms, told)}
    for name, arrays in (("gradient", past[1]), ("weight", weights)):
        sizes = [sum(arrays[f"{n}.{k}"].size for k in ("weight", "bias")) for n in "024"]
        assert [sum(row) for row in shown[name].counts] == sizes


def test_histograms_equal_numpy():
    random = np.random.default_rng(0)
    values = (10 ** random.uniform(-13, 4, size=500)).astype(np.float32)
    values[:3] = [0.0, np.inf, np.nan]
    (counts,) = histograms.of([torch.from_numpy(values)], [0])
    with np.errstate(divide="ignore"):
        logs = np.clip(np.log10(values[~np.isnan(values)]), histograms.LOW, histograms.HIGH)
    expected, _ = np.histogram(logs, histograms.BINS, (histograms.LOW, histograms.HIGH))
    assert np.abs(counts.numpy() - expected).sum() <= 2  # a value on the edge of two bins
    assert counts.sum() == 499


def scalars(events):
    found = {}
    for event in of(Scalars, events):
        for name, column in event.values.items():
            if not name.endswith("per_second"):
                found.setdefault(name, []).extend(column)
    return found


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("model", ["mlp", "cnn-small"])
def test_the_training_does_not_notice(train, tiny, model, every):
    if model == "mlp":
        made = lambda **s: tiny(steps=8, model__dropout=0.3, model__batch_norm=True, **s)  # noqa: E731
    else:
        base = {"steps": 6, "device": "cpu", "threads": 1}
        made = lambda **s: configure.resolve(  # noqa: E731
            model=model, settings={**base, **{k.replace("__", "."): v for k, v in s.items()}}
        )
    without = train(made(diagnostics__every="off"))
    events = train(made(diagnostics__every=every))
    assert scalars(events) == scalars(without)
    assert not of(Layers, without)
    probes = of(Layers, events)
    assert len(probes) >= 2
    assert all("grad_cosine" in probe.totals for probe in probes)
    if every == 1:  # of a few probes an estimate may be negative, and is then left out
        assert any("noise_scale" in probe.totals for probe in probes)


def test_parts_of_a_batch_and_averages_are_probed_too(train, tiny):
    events = train(tiny(steps=6, accumulate=3, ema_decay=0.9, diagnostics__every=2))
    assert [probe.step for probe in of(Layers, events)] == [2, 4, 6]


def test_the_noise_scale_of_a_known_noise():
    """Gradients G + noise of variance s / samples in each of d directions: tr(S) / |G|^2."""
    random = np.random.default_rng(0)
    dimensions, signal, spread = 400, 0.5, 3.0
    truth = dimensions * spread**2 / (dimensions * signal**2)
    scale, found = NoiseScale(decay=0.98), []
    for _ in range(400):
        halves = signal + spread * random.normal(size=(2, dimensions)) / np.sqrt(16)
        squares = [(halves[0] ** 2).sum(), (halves.mean(axis=0) ** 2).sum()]
        found.append(scale.after(squares, (16, 32)))
    assert np.mean(found[200:]) == pytest.approx(truth, rel=0.1)
    assert math.isnan(NoiseScale().after([1.0, 2.0], (16, 32)))


def spent(step_seconds, probe_seconds, steps=20000, every="auto"):
    """The probed steps of a run in a world where time is known."""
    now, probes = 0.0, []
    interval = Interval(every, clock=lambda: now)
    for step in range(1, steps + 1):
        interval.begin(step)
        now += step_seconds
        if interval.probes_at(step):
            probes.append(step)
            now += probe_seconds
            interval.probed(Cost(probe_seconds))
    return probes, now


@pytest.mark.parametrize("step_seconds", [1e-4, 1e-3, 0.1])
@pytest.mark.parametrize("probe_seconds", [1e-5, 3e-3, 0.5])
def test_probes_cost_less_than_their_share(step_seconds, probe_seconds):
    probes, total = spent(step_seconds, probe_seconds)
    assert probes[0] == 2
    assert len(probes) >= 3 or probe_seconds > 100 * step_seconds
    # The first ones find out what the others cost.
    assert (len(probes) - 2) * probe_seconds <= SHARE * total * 1.01
    assert all(b - a >= 10 for a, b in pairwise(probes))


def test_a_fixed_interval_and_none():
    assert spent(1e-3, 1.0, steps=40, every=10)[0] == [10, 20, 30, 40]
    assert spent(1e-3, 1.0, steps=40, every="off")[0] == []
