"""Losses equal NumPy, and an evaluation is the mean over samples."""

import numpy as np
import pytest
import torch

from engine import losses
from engine.evaluate import evaluate

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(2500, 4)).astype(np.float32)
LABELS = RANDOM.integers(0, 4, 2500)


def reference(name):
    probabilities = np.exp(LOGITS.astype(float))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    if name == "mse":
        return ((probabilities - np.eye(4)[LABELS]) ** 2).mean(axis=1)
    return -np.log(probabilities[np.arange(len(LABELS)), LABELS])


@pytest.mark.parametrize("name", ["cross_entropy", "mse"])
def test_loss_equals_its_formula(name):
    loss = losses.BY_NAME[name]
    logits, labels = torch.from_numpy(LOGITS), torch.from_numpy(LABELS)
    samples = reference(name)
    assert loss(logits, labels, "mean").item() == pytest.approx(samples.mean(), rel=1e-5)
    assert loss(logits, labels, "sum").item() == pytest.approx(samples.sum(), rel=1e-5)


@pytest.mark.parametrize("name", ["cross_entropy", "mse"])
@pytest.mark.parametrize("samples", [1, 1023, 1025, 2049, 2500])
def test_mean_over_samples_with_uneven_chunks(name, samples):
    x, y = torch.from_numpy(LOGITS[:samples]), torch.from_numpy(LABELS[:samples])
    means = evaluate(torch.nn.Identity(), x, y, losses.BY_NAME[name])
    assert means["loss"] == pytest.approx(reference(name)[:samples].mean(), rel=1e-5)
    correct = LOGITS[:samples].argmax(axis=1) == LABELS[:samples]
    assert means["accuracy"] == correct.mean()
    assert losses.accuracy(x, y).item() == pytest.approx(correct.mean(), rel=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_mode_is_restored_and_nothing_is_learned(training):
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.5)).train(training)
    x, y = torch.from_numpy(LOGITS), torch.from_numpy(LABELS)
    before = model[0].running_mean.clone()
    first = evaluate(model, x, y, losses.cross_entropy)
    assert first == evaluate(model, x, y, losses.cross_entropy)
    assert model.training is training
    assert torch.equal(before, model[0].running_mean)
