"""Translation and summarisation: means over tokens, texts and their metrics, trivial references."""

import numpy as np
import pytest
import torch

from engine import tasks
from engine.config import configure, registry, task_rules
from engine.datasets._sequences import Sequences
from engine.runs.events import Outputs, decode, encode
from engine.tasks.held_out_split import HeldOut
from engine.tasks.measures import text_metrics
from engine.tasks.measures.nearest_texts import nearest, spread
from engine.tasks.texts.rewriting import rewrite
from engine.tasks.texts.sequence_to_sequence import shifted
from engine.training.passes import Passes, Tally
from engine.training.preparation.assemble import assemble
from presets import ConfigError, UserError
from support import verses

CPU = torch.device("cpu")
TINY = {
    "model.width": 16,
    "model.layers": 1,
    "model.heads": 2,
    "model.dropout": 0.0,
    "dataset.tokenizer": "words",
    "dataset.vocabulary": 40,
    "batch_tokens": 60,
    "predictions": 3,
    "steps": 4,
    "schedule.warmup_steps": 0,
    "schedule.type": "constant",
    "evaluate_every": 2,
    "device": "cpu",
    "threads": 1,
}
RECIPES = ["bible-translation", "passage-headings"]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    verses.use(monkeypatch)


def resolve(recipe="bible-translation", **settings):
    given = {key.replace("__", "."): value for key, value in settings.items()}
    return configure.resolve(recipe=recipe, settings={**TINY, **given})


def prepared(config):
    data = registry.build("dataset", config.dataset)
    training = assemble(config, configure.plan(config), CPU)
    return training.model, tasks.of(config, configure.dataset_info(config), data.codec), data


def test_a_decoder_is_given_what_comes_before():
    y = torch.tensor([[5, 6, 2, -100], [7, 8, 9, 2]])
    assert shifted(y).tolist() == [[1, 5, 6, 2], [1, 7, 8, 9]]


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("accumulate", [2, 4])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_parts_of_unequal_lengths_are_one_big_batch(recipe, accumulate, smoothing):
    """The mean is one over tokens: parts with few of them count for less."""
    found = []
    for number in (1, accumulate):
        config = resolve(recipe, accumulate=number, label_smoothing=smoothing)
        data = registry.build("dataset", config.dataset)
        batch = data.train.batch(np.arange(16))
        x, y = torch.from_numpy(batch.x), torch.from_numpy(batch.y)
        training = assemble(config, configure.plan(config), CPU)
        training.model.double()
        task = tasks.of(config, configure.dataset_info(config), data.codec)
        passes, tally = Passes(config, training, task, CPU), Tally()
        shares = []
        for part_x, part_y, share in passes.parts(x, y):
            output, loss = passes.forward(part_x, part_y)
            passes.backward(loss, share)
            tally.add(share, loss, task.metrics(output, part_y))
            shares.append(float(share))
        found.append((tally.take(), [p.grad for p in training.parameters], shares))
    (whole, expected, _), (values, gradients, shares) = found
    assert len(set(shares)) > 1
    assert sum(shares) == pytest.approx(1)
    for name, value in whole.items():
        assert values[name].item() == pytest.approx(value.item(), abs=1e-6)
    for gradient, wanted in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("recipe", RECIPES)
def test_evaluation_over_unequal_chunks_is_that_of_one(recipe):
    model, task, data = prepared(resolve(recipe, label_smoothing=0.2))
    whole = task.evaluate(model, HeldOut(data.val, CPU))
    assert tuple(whole) == task_rules.of(task.name).metrics
    for chunk in (1, 2, 4):
        parts = task.evaluate(model, HeldOut(data.val, CPU, chunk=chunk))
        assert parts == pytest.approx(whole, abs=1e-6)
    batch = data.val.batch(np.arange(len(data.val)))
    y = torch.from_numpy(batch.y)
    with torch.no_grad():
        nats = -task.output(model.eval(), torch.from_numpy(batch.x), y).log_softmax(dim=2)
    each = nats.gather(2, y.clamp(min=0)[..., None])[..., 0][y >= 0]
    assert whole["loss"] == pytest.approx(each.mean().item(), abs=1e-6)


def test_throughput_counts_tokens_of_the_targets():
    _, task, _ = prepared(resolve())
    y = torch.tensor([[5, 6, 2, -100], [7, 2, -100, -100]])
    assert task.size(y) == task.weight(y).item() == 5
    assert task.rules.unit == "tokens"


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_batch_overfits_and_is_written(recipe, monkeypatch):
    verses.use(monkeypatch, train=9)
    model, task, data = prepared(resolve(recipe, model__width=32))
    batch = data.train.batch(np.arange(9))
    x, y = torch.from_numpy(batch.x), torch.from_numpy(batch.y)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(120):
        optimizer.zero_grad()
        task.loss(task.output(model, x, y), y).backward()
        optimizer.step()
    for final in (False, True):
        means = task.evaluate(model, HeldOut(data.train, CPU, final=final))
        assert means["accuracy"] == 1.0
        assert means[task.rules.best[0]] == pytest.approx(100)
    source, target = verses.pairs(9)[5]
    tokens = list(rewrite(model, data.codec, source))
    assert "".join(token.text for token in tokens) == target
    for token in tokens:
        shares = [share for _, share in token.alternatives]
        assert len(shares) == 5
        assert shares == sorted(shares, reverse=True)
        assert token.probability == shares[0] > 0.5
        assert all(text for text, _ in token.alternatives)


def test_rewriting_needs_a_text():
    model, _, data = prepared(resolve())
    with pytest.raises(UserError, match="input: expected a text"):
        next(rewrite(model, data.codec, ""))


def test_pictures_are_of_the_same_sentences_each_time():
    model, task, data = prepared(resolve(predictions=4))
    held = HeldOut(data.val, CPU)
    (first,), (second,) = (task.pictures(model, held, step=n, split="val") for n in (1, 2))
    assert isinstance(first, Outputs)
    assert decode(encode(first).rstrip(b"\n")) == first
    assert [(s.source, s.reference) for s in first.samples] == [
        verses.pairs(9, 100)[place] for place in spread(9, 4)
    ]
    assert first.samples == second.samples
    assert not prepared(resolve(predictions=0))[1].pictures(model, held, step=1, split="val")


def test_trivial_references_of_translation():
    _, task, data = prepared(resolve())
    values = {
        (each.name, each.metric): each.value
        for each in task.references(data.train, HeldOut(data.val, CPU))
    }
    assert set(values) == {(a, b) for a in ("copying", "nearest") for b in ("bleu", "chrf")}
    sources, targets = zip(*verses.pairs(9, 100), strict=True)
    assert (
        values["copying", "chrf"] == text_metrics.measure("translation", sources, targets)["chrf"]
    )
    assert values["nearest", "bleu"] > values["copying", "bleu"]


def test_trivial_references_of_summarisation():
    _, task, data = prepared(resolve("passage-headings"))
    found = task.references(data.train, HeldOut(data.val, CPU))
    assert {each.name for each in found} == {"lead words", "nearest"}
    assert {each.metric for each in found} == {"rouge1", "rouge2", "rougel"}
    mean = round(np.mean([len(target.split()) for _, target in verses.pairs(40)]))
    sources, targets = zip(*verses.pairs(9, 100), strict=True)
    lead = [" ".join(source.split()[:mean]) for source in sources]
    expected = text_metrics.measure("summarisation", lead, targets)
    assert {e.metric: e.value for e in found if e.name == "lead words"} == expected


def test_the_nearest_sample_is_that_of_brute_force():
    generator = np.random.default_rng(0)
    rows = [generator.integers(2, 30, generator.integers(3, 12)) for _ in range(60)]
    asked = torch.from_numpy(generator.integers(4, 30, (5, 8)))
    found = nearest(Sequences(rows, [np.array([place]) for place in range(60)]), asked)
    counts = np.array([[np.sum(row == s) for s in range(30)] for row in rows], dtype=float)
    counts[:, :4] = 0
    weights = np.log(60 / (counts > 0).sum(axis=0).clip(1))
    for row, target in zip(asked.numpy(), found, strict=True):
        vector = np.array([np.sum(row == s) for s in range(30)]) * weights
        known = counts * weights
        cosines = known @ vector / np.linalg.norm(known, axis=1)
        assert target.tolist() == [cosines.argmax()]


def test_metrics_are_those_of_the_packages():
    outputs = ["the cat sat on the mat today", "a dog"]
    expected = ["the cat sat on a mat today", "the dog"]
    assert text_metrics.measure("translation", expected, expected) == pytest.approx(
        {"bleu": 100, "chrf": 100}
    )
    found = text_metrics.measure("summarisation", outputs, expected)
    assert found["rouge1"] == pytest.approx(100 * (6 / 7 + 1 / 2) / 2)
    assert found["rouge2"] == pytest.approx(100 * (4 / 6 + 0) / 2)
    assert found["rougel"] == pytest.approx(found["rouge1"])


def test_without_the_package_training_goes_on_with_accuracy(monkeypatch):
    monkeypatch.setattr(task_rules, "_installed", lambda package: package != "sacrebleu")
    model, task, data = prepared(resolve())
    assert task.rules.best == ("accuracy", "max")
    assert task.evaluate(model, HeldOut(data.val, CPU)).keys() == {"loss", "accuracy"}
    assert task.remarks == [
        "bleu, chrf left out: sacrebleu is not installed; pip install 'bigmodel-tui[text]'"
    ]
    assert task.references(data.train, HeldOut(data.val, CPU)) == []
    with pytest.raises(ConfigError, match=r"target: val/bleu needs sacrebleu; pip install"):
        resolve(target="val/bleu >= 8")
    assert resolve("passage-headings", target="val/rougel >= 8").target is not None


def test_of_long_samples_fewer_are_looked_at(monkeypatch):
    monkeypatch.setattr("engine.tasks.measures.nearest_texts._TOKENS", 30)
    rows = [np.arange(4 + place, 14 + place) for place in range(10)]
    train = Sequences(rows, [np.array([place]) for place in range(10)])
    assert nearest(train, torch.from_numpy(rows[9][None]))[0].tolist() == [6]  # of 0, 3 and 6
