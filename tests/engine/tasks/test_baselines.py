"""The references of classification equal other ways to compute them."""

import numpy as np
import torch

from engine import tasks
from engine.config import configure, registry
from engine.config.padding_constants import PAD
from engine.config.registry import DatasetInfo, Split
from engine.datasets._sequences import Sequences
from engine.runs.events import Confusion, Predictions
from engine.tasks.classification import Classification
from engine.tasks.held_out_split import HeldOut
from engine.tasks.measures import word_baselines
from support.held import held

RANDOM = np.random.default_rng(0)
CPU = torch.device("cpu")


def test_bags_are_the_different_symbols_of_each_sample():
    x = torch.tensor([[5, 4, 5, PAD], [PAD] * 4, [9, 8, 7, 9]])
    symbols, begins = word_baselines.bags(x)
    assert symbols.tolist() == [4, 5, 7, 8, 9]
    assert begins.tolist() == [0, 2, 2]
    both, places = word_baselines.join([(symbols, begins), word_baselines.bags(x[:1])])
    assert both.tolist() == [4, 5, 7, 8, 9, 4, 5]
    assert places.tolist() == [0, 2, 2, 5]


def test_logistic_regression_is_at_its_minimum():
    x = torch.from_numpy(RANDOM.integers(4, 30, (200, 6)))
    y = torch.from_numpy(RANDOM.integers(0, 3, 200))
    weights, bias = word_baselines.fit([x[:120], x[120:]], y, symbols=30, classes=3)
    inputs = np.zeros((200, 30))
    inputs[np.arange(200)[:, None], x.numpy()] = 1
    logits = inputs @ weights.double().numpy() + bias.double().numpy()
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    errors = chances - np.eye(3)[y.numpy()]
    np.testing.assert_allclose(inputs.T @ errors + weights.numpy(), 0, atol=0.02)
    np.testing.assert_allclose(errors.sum(axis=0), 0, atol=0.02)


def test_references_of_numbers_and_of_symbols():
    y = np.array([1] * 6 + [0] * 4)
    x = RANDOM.normal(size=(10, 3)).astype(np.float32)
    task = Classification(DatasetInfo(input_shape=(3,), num_outputs=2, samples={}), loss="mse")
    found = task.references(Split(x, y), held(torch.from_numpy(x[4:]), torch.from_numpy(y[4:])))
    assert [(one.metric, one.name, one.value) for one in found] == [
        ("accuracy", "majority", round(2 / 6, 6))
    ]
    info = DatasetInfo(
        input_shape=(3,), num_outputs=2, samples={}, input="symbols", num_symbols=8, tokens={}
    )
    texts = [np.array([4 + label] * (1 + at % 3)) for at, label in enumerate(y)]
    source = Sequences(texts, y)
    found = Classification(info, loss="cross_entropy").references(source, HeldOut(source, CPU))
    assert [(one.name, one.value) for one in found] == [
        ("majority", 0.6),
        ("unigram logistic", 1.0),
    ]


def test_means_do_not_depend_on_how_the_samples_are_cut():
    config = configure.resolve(recipe="tweets-sentiment")
    info = configure.dataset_info(config)
    data = registry.build("dataset", config.dataset)
    torch.manual_seed(0)
    model = registry.build("model", config.model, info)
    task = tasks.of(config, info, data.codec)
    whole = task.evaluate(model, HeldOut(data.val, CPU, chunk=len(data.val)))
    for chunk in (1, 7, 128):
        parts = task.evaluate(model, HeldOut(data.val, CPU, chunk=chunk))
        assert abs(parts["loss"] - whole["loss"]) < 1e-6
        assert parts["accuracy"] == whole["accuracy"]
    found = task.pictures(model, HeldOut(data.val, CPU), step=1, split="val")
    (confusion,) = (event for event in found if isinstance(event, Confusion))
    assert sum(map(sum, confusion.counts)) == len(data.val)
    (shown,) = (event for event in found if isinstance(event, Predictions))
    texts = {data.codec.decode(row) for row in data.val.batch(np.arange(len(data.val))).x}
    assert {sample.text for sample in shown.samples} <= texts
    assert {sample.expected for sample in shown.samples} <= {"negative", "positive"}
