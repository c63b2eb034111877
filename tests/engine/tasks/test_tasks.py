"""Tasks: losses and means equal NumPy, pictures are the same each time and disturb nothing."""

import math

import numpy as np
import pytest
import torch
from msgspec import structs
from torch import nn

from engine import tasks
from engine.config import configure
from engine.config.registry import DatasetInfo
from engine.config.task_rule_table import RULES
from engine.runs.events import Confusion, Predictions, SampleText, decode, encode
from engine.tasks import sample_display
from engine.tasks.classification import Classification
from engine.tasks.language import PROMPT_LENGTH, SAMPLE_LENGTH, Language
from engine.tasks.regression import Regression
from presets import ConfigError
from support.held import held

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(2500, 4)).astype(np.float32)
LABELS = RANDOM.integers(0, 4, 2500)
CLASSES = DatasetInfo(input_shape=(4,), num_outputs=4, samples={}, names=("a", "b", "c", "d"))
NUMBERS = DatasetInfo(input_shape=(4,), num_outputs=4, samples={}, task="regression")
ALPHABET = tuple("abcdefghij")
TEXT = DatasetInfo(
    input_shape=(8,), num_outputs=10, samples={}, task="language", names=ALPHABET, fixed=False
)
SYMBOLS = torch.from_numpy(RANDOM.integers(0, 10, (1100, 9)))


class NextSymbols(nn.Module):
    """A language model: logits that depend on the symbol alone."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 10)
        self.longest = 0

    def forward(self, x):
        self.longest = max(self.longest, x.shape[1])
        return self.table(x)


def reference(name, smoothing=0.0):
    """The loss of each sample in float64."""
    probabilities = np.exp(LOGITS.astype(float))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    expected = np.eye(4)[LABELS] * (1 - smoothing) + smoothing / 4
    if name == "mse":
        return ((probabilities - expected) ** 2).mean(axis=1)
    return -(expected * np.log(probabilities)).sum(axis=1)


@pytest.mark.parametrize("name", ["cross_entropy", "mse"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_loss_of_classes_equals_its_formula(name, smoothing):
    task = Classification(CLASSES, loss=name, smoothing=smoothing)
    loss = task.loss(torch.from_numpy(LOGITS), torch.from_numpy(LABELS))
    assert loss.item() == pytest.approx(reference(name, smoothing).mean(), rel=1e-5)


@pytest.mark.parametrize("name", ["cross_entropy", "mse"])
@pytest.mark.parametrize("samples", [1, 1023, 1025, 2049, 2500])
def test_means_over_samples_with_uneven_chunks_and_without_smoothing(name, samples):
    x, y = torch.from_numpy(LOGITS[:samples]), torch.from_numpy(LABELS[:samples])
    task = Classification(CLASSES, loss=name, smoothing=0.3)
    means = task.evaluate(nn.Identity(), held(x, y))
    assert tuple(means) == RULES["classification"].metrics
    assert means["loss"] == pytest.approx(reference(name)[:samples].mean(), rel=1e-6)
    correct = LOGITS[:samples].argmax(axis=1) == LABELS[:samples]
    assert means["accuracy"] == correct.mean()
    assert task.metrics(x, y)["accuracy"].item() == pytest.approx(correct.mean(), rel=1e-6)
    assert task.size(y) == samples


@pytest.mark.parametrize("training", [True, False])
def test_mode_is_restored_and_nothing_is_learned(training):
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5)).train(training)
    x, y = torch.from_numpy(LOGITS), torch.from_numpy(LABELS)
    before = model[0].running_mean.clone()
    task = Classification(CLASSES, loss="cross_entropy")
    first = task.evaluate(model, held(x, y))
    assert first == task.evaluate(model, held(x, y))
    task.pictures(model, held(x, y), step=1, split="val")
    assert model.training is training
    assert torch.equal(before, model[0].running_mean)


@pytest.mark.parametrize("samples", [2, 1025, 2500])
def test_regression_equals_numpy(samples):
    y = LOGITS[:samples]
    predicted = y + RANDOM.normal(size=y.shape).astype(np.float32)
    task = Regression(NUMBERS)
    x, expected = torch.from_numpy(predicted), torch.from_numpy(y)
    means = task.evaluate(nn.Identity(), held(x, expected))
    assert tuple(means) == RULES["regression"].metrics
    errors = predicted.astype(float) - y
    total = ((y.astype(float) - y.astype(float).mean(axis=0)) ** 2).sum(axis=0)
    assert means["loss"] == pytest.approx((errors**2).mean(), rel=1e-6)
    assert means["mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-6)
    assert means["r2"] == pytest.approx((1 - (errors**2).sum(axis=0) / total).mean(), rel=1e-5)
    assert task.loss(x, expected).item() == pytest.approx((errors**2).mean(), rel=1e-5)
    assert task.metrics(x, expected)["mae"].item() == pytest.approx(means["mae"], rel=1e-5)


def test_r2_of_what_does_not_vary_is_no_number():
    y = torch.ones(5, 4)
    assert math.isnan(Regression(NUMBERS).evaluate(nn.Identity(), held(y, y))["r2"])


@pytest.mark.parametrize("windows", [1, 1023, 1024, 1100])
def test_language_equals_numpy(windows):
    model = NextSymbols()
    x, y = SYMBOLS[:windows, :-1], SYMBOLS[:windows, 1:]
    task = Language(TEXT, smoothing=0.2)
    means = task.evaluate(model, held(x, y))
    logits = model.table.weight.detach().double().numpy()
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    nats = -log_probabilities[x.numpy(), y.numpy()]
    assert tuple(means) == RULES["language"].metrics[:2]  # each symbol is a character
    assert means["loss"] == pytest.approx(nats.mean(), rel=1e-6)
    assert means["bits_per_char"] == pytest.approx(nats.mean() / np.log(2), rel=1e-6)
    even = -log_probabilities[x.numpy()].mean(axis=-1)
    smoothed = 0.8 * nats.mean() + 0.2 * even.mean()
    assert task.loss(model(x), y).item() == pytest.approx(smoothed, rel=1e-5)
    likely = (logits[x.numpy()].argmax(axis=-1) == y.numpy()).mean()
    assert task.metrics(model(x), y)["accuracy"].item() == pytest.approx(likely, rel=1e-6)
    assert task.size(y) == windows * 8


@pytest.mark.parametrize(
    ("wrong", "count", "expected"),
    [
        ([1, 1, 1, 0, 0, 0, 0, 1], 4, [0, 1, 3, 4]),  # half of each
        ([0, 0, 0, 0, 0, 1, 0, 0], 4, [0, 1, 2, 5]),  # one is wrong
        ([1, 1, 0, 1, 1, 1, 1, 1], 4, [0, 1, 2, 3]),  # one is right
        ([0, 0, 0], 16, [0, 1, 2]),
        ([1, 0, 1], 0, []),
        ([1, 0, 0, 1], 3, [0, 1, 2]),
    ],
)
def test_samples_are_the_first_wrong_and_the_first_right_ones(wrong, count, expected):
    assert sample_display.choose(~torch.tensor(wrong, dtype=torch.bool), count).tolist() == expected


def test_pictures_of_classes():
    x, y = torch.from_numpy(LOGITS), torch.from_numpy(LABELS)
    task = Classification(CLASSES, loss="cross_entropy", predictions=6)
    confusion, predictions = task.pictures(nn.Identity(), held(x, y), step=7, split="test")
    assert isinstance(confusion, Confusion)
    expected = np.zeros((4, 4), int)
    np.add.at(expected, (LABELS, LOGITS.argmax(axis=1)), 1)
    assert confusion.counts == expected.tolist()
    assert (confusion.names, confusion.step, confusion.split) == (list("abcd"), 7, "test")
    assert isinstance(predictions, Predictions)
    samples = predictions.samples
    assert [sample.correct for sample in samples].count(False) == 3
    assert all(sample.correct == (sample.expected == sample.predicted) for sample in samples)
    assert all(0.25 <= sample.confidence <= 1 for sample in samples)
    assert all(len(sample.text.split(", ")) == 4 for sample in samples)


def test_pictures_of_many_classes_have_no_confusion_matrix():
    info = DatasetInfo(input_shape=(65,), num_outputs=65, samples={})
    x, y = torch.randn(3, 65), torch.tensor([0, 1, 64])
    task = Classification(info, loss="cross_entropy", predictions=2)
    (predictions,) = task.pictures(nn.Identity(), held(x, y), step=1, split="val")
    assert len(predictions.samples) == 2
    none = Classification(info, loss="cross_entropy", predictions=0)
    assert none.pictures(nn.Identity(), held(x, y), step=1, split="val") == []


@pytest.mark.parametrize(
    ("shape", "rows", "columns"), [((1, 8, 8), 8, 8), ((3, 28, 20), 28, 20), ((3, 32, 57), 11, 19)]
)
def test_pixels_reach_from_black_to_white(shape, rows, columns):
    image = torch.linspace(-3, 5, math.prod(shape)).view(shape)
    pixels = sample_display.sample(image)["pixels"]
    assert (len(pixels), {len(row) for row in pixels}) == (rows, {columns})
    assert (pixels[0][0], pixels[-1][-1]) == (0, 255)


def test_an_image_of_one_grey_or_of_no_number_is_drawn():
    assert sample_display.sample(torch.ones(1, 2, 2))["pixels"] == [[0, 0], [0, 0]]
    assert sample_display.sample(torch.full((1, 2, 2), torch.nan))["pixels"] == [[0, 0], [0, 0]]


def test_pictures_of_numbers_call_near_ones_right():
    y = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    x = y + torch.tensor([[0.4], [-0.6], [0.0], [9.0]])
    info = DatasetInfo(input_shape=(1,), num_outputs=1, samples={}, task="regression")
    (event,) = Regression(info).pictures(nn.Identity(), held(x, y), step=1, split="val")
    assert [sample.correct for sample in event.samples] == [True, False, True, False]
    assert (event.samples[1].expected, event.samples[1].predicted) == ("1", "0.4")


def test_sample_text_begins_with_the_split_and_stays_within_the_context():
    model = NextSymbols()
    x, y = SYMBOLS[:, :-1], SYMBOLS[:, 1:]
    (event,) = Language(TEXT).pictures(model, held(x, y), step=3, split="val")
    assert isinstance(event, SampleText)
    prompt = min(PROMPT_LENGTH, 4)
    assert event.prompt == "".join(ALPHABET[symbol] for symbol in x[0, :prompt])
    assert len(event.text) == SAMPLE_LENGTH
    assert model.longest == 8
    assert set(event.text) <= set(ALPHABET)


def test_sample_text_follows_the_probabilities():
    """Symbol a is always followed by b, and b by a."""
    model = NextSymbols()
    with torch.no_grad():
        model.table.weight.zero_()
        model.table.weight[0, 1] = model.table.weight[1, 0] = 50.0
    x = torch.zeros(1, 8, dtype=torch.long)
    (event,) = Language(TEXT).pictures(model, held(x, x), step=1, split="val")
    assert event.text == "ba" * (SAMPLE_LENGTH // 2)


def test_sampling_has_the_temperature_that_it_says():
    """Of two symbols with logits 0 and 0.8 the second one has odds of e at temperature 0.8."""
    model = NextSymbols()
    with torch.no_grad():
        model.table.weight.fill_(-50.0)
        model.table.weight[:, 0], model.table.weight[:, 1] = 0.0, 0.8
    x = torch.zeros(1, 8, dtype=torch.long)
    texts = [
        Language(TEXT).pictures(model, held(x, x), step=step, split="val")[0].text
        for step in range(10)
    ]
    share = "".join(texts).count("b") / (10 * SAMPLE_LENGTH)
    assert share == pytest.approx(math.e / (1 + math.e), abs=0.04)


CASES = {
    "classification": (
        Classification(CLASSES, loss="cross_entropy"),
        nn.Linear(4, 4),
        torch.from_numpy(LOGITS),
        torch.from_numpy(LABELS),
    ),
    "regression": (
        Regression(NUMBERS),
        nn.Linear(4, 4),
        torch.from_numpy(LOGITS),
        torch.from_numpy(LOGITS),
    ),
    "language": (Language(TEXT, seed=5), NextSymbols(), SYMBOLS[:, :-1], SYMBOLS[:, 1:]),
}


@pytest.mark.parametrize("case", CASES)
def test_pictures_are_the_same_each_time_and_leave_the_random_streams(case):
    task, model, x, y = CASES[case]

    def shown():
        events = task.pictures(model, held(x, y), step=3, split="val")
        assert events
        return [structs.replace(event, time=0.0) for event in events]

    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = shown()
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    assert shown() == first


def test_samples_of_another_step_or_seed_are_others():
    _, model, x, y = CASES["language"]
    texts = {
        Language(TEXT, seed=seed).pictures(model, held(x, y), step=step, split="val")[0].text
        for seed in (0, 1)
        for step in (1, 2)
    }
    assert len(texts) == 4


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("case", CASES)
def test_a_model_that_diverged_is_still_evaluated_and_shown(case, value):
    task, _, x, y = CASES[case]
    broken = nn.Linear(4, 4) if case != "language" else NextSymbols()
    with torch.no_grad():
        for weight in broken.parameters():
            weight.fill_(value)
    assert not math.isfinite(task.evaluate(broken, held(x[:9], y[:9]))["loss"])
    for event in task.pictures(broken, held(x[:9], y[:9]), step=1, split="val"):
        assert type(decode(encode(event)[:-1])) is type(event)


def test_the_task_follows_the_data_and_the_settings():
    config = configure.resolve(settings={"loss": "mse", "label_smoothing": 0.1})
    task = tasks.of(config, configure.dataset_info(config))
    logits, labels = torch.from_numpy(LOGITS), torch.from_numpy(LABELS)
    assert task.loss(logits, labels).item() == pytest.approx(reference("mse", 0.1).mean(), rel=1e-5)
    for info, kind in ((CLASSES, Classification), (NUMBERS, Regression), (TEXT, Language)):
        assert type(tasks.of(configure.resolve(), info)) is kind


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": "val/r2 >= 1"}, r"target: expected one of val/loss, val/accuracy for digits"),
        ({"target": "val/ema_loss <= 1"}, "got 'val/ema_loss'"),
        ({"label_smoothing": 1.0}, "label_smoothing: expected a number < 1"),
    ],
)
def test_settings_that_do_not_suit_classes(settings, message):
    with pytest.raises(ConfigError, match=message):
        configure.resolve(settings=settings)


def test_a_target_of_the_averaged_weights_needs_them():
    settings = {"target": "val/ema_accuracy >= 0.9", "ema_decay": 0.99}
    assert configure.resolve(settings=settings).target


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        ("mlp", {}, "model: mlp learns classes or numbers.*, but bible-en has text"),
        ("gpt-mini", {"loss": "mse"}, "loss: expected auto or cross_entropy for the text"),
        ("gpt-mini", {"target": "val/accuracy >= 1"}, "target: expected one of val/loss, val/bits"),
    ],
)
def test_settings_that_do_not_suit_text(model, settings, message):
    with pytest.raises(ConfigError, match=message):
        configure.resolve(model=model, dataset="bible-en", settings=settings)


@pytest.mark.parametrize("model", ["gpt-mini", "gru-char"])
def test_models_of_text_learn_no_images(model):
    with pytest.raises(ConfigError, match=f"model: {model} learns text, but digits has classes"):
        configure.resolve(model=model, dataset="digits")
