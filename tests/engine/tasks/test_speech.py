"""Speech: means over symbols, whatever the chunks; error rates; what is shown of it."""

import math

import numpy as np
import pytest
import torch

from engine import tasks
from engine.config import configure, registry, task_rules
from engine.config.padding_constants import IGNORED
from engine.datasets._sequences import Sequences
from engine.tasks import speech
from engine.tasks.held_out_split import HeldOut

CPU = torch.device("cpu")
SMALL = {"model.hidden": 8, "model.channels": 8, "model.dropout": 0.0}


@pytest.fixture(scope="module")
def parts():
    config = configure.resolve(recipe="spoken-digits", settings=SMALL)
    info, data = configure.dataset_info(config), registry.build("dataset", config.dataset)
    torch.manual_seed(0)
    model = registry.build("model", config.model, info)
    return tasks.of(config, info, data.codec), model, data


def some(data, count):
    return HeldOut(Part(data.val, np.arange(count)), CPU)


class Part:
    """Some samples of a source."""

    def __init__(self, source, index):
        self._source, self._index = source, index
        self.lengths = source.lengths[index]

    def __len__(self):
        return len(self._index)

    def batch(self, index):
        return self._source.batch(self._index[index])


class Says:
    """A model that hears the texts that it was told, by the number of frames of a sound."""

    training = False

    def __init__(self, held, change):
        self._texts = {}
        for x, y in held.chunks():
            for frames, text in zip(x, y, strict=True):
                symbols = [symbol for symbol in text.tolist() if symbol != IGNORED]
                self._texts[frames[:, 0].nansum().item()] = change(symbols)

    def eval(self):
        return self

    def train(self, mode=True):
        return self

    def __call__(self, x):
        output = torch.zeros(len(x), x.shape[1], 11)
        output[:, :, 0] = 5
        for row, frames in zip(output, x, strict=True):
            for place, symbol in enumerate(self._texts[frames[:, 0].nansum().item()]):
                row[2 * place + 1, symbol] = 9
        return output


def test_the_loss_is_a_mean_over_symbols_however_the_samples_are_cut(parts):
    task, model, data = parts
    whole = some(data, 40)
    means = task.evaluate(model, whole)
    x, y = whole.samples(np.arange(40))
    with torch.no_grad():
        assert means["loss"] == pytest.approx(task.loss(model(x), y).item(), rel=1e-5)
    for chunk in (1, 7):
        again = task.evaluate(model, HeldOut(Part(data.val, np.arange(40)), CPU, chunk=chunk))
        assert again == pytest.approx(means, rel=1e-6)


def test_error_rates_count_words_and_characters(parts):
    task, _, data = parts
    held = some(data, 30)
    assert task.evaluate(Says(held, lambda s: s), held) | {"loss": 0} == {
        "loss": 0,
        "wer": 0,
        "cer": 0,
    }
    nothing = task.evaluate(Says(held, lambda s: []), held)
    assert (nothing["wer"], nothing["cer"]) == (1, 1)
    wrong = task.evaluate(Says(held, lambda s: [s[0] % 10 + 1, *s[1:]]), held)
    _, y = held.samples(np.arange(30))
    words = (y != IGNORED).sum().item()
    assert wrong["wer"] == pytest.approx(30 / words)
    assert wrong["cer"] == pytest.approx(30 / (2 * words - 30))  # with the spaces between


def test_the_same_samples_are_shown_the_misheard_ones_first(parts):
    task, model, data = parts
    held = some(data, 60)
    (event,) = task.pictures(model, held, step=3, split="val")
    assert event.fault() == ""
    (again,) = task.pictures(Says(held, lambda s: s), held, step=4, split="val")
    said = {sample.reference for sample in again.samples}
    assert len(said) == len(again.samples) == 8
    assert said <= {sample.reference for sample in event.samples}
    for sample in again.samples:
        assert sample.output == sample.reference
        assert [span.text for span in sample.spans] == sample.reference.split()
        rows = sample.spectrogram
        assert len(rows) == 20
        assert max(map(max, rows)) == 255
    few = dict.fromkeys(sorted(said)[:2])
    wrong = Says(held, lambda s: s[1:] if " ".join(str(d - 1) for d in s) in few else s)
    (mixed,) = task.pictures(wrong, held, step=5, split="val")
    correct = [sample.output == sample.reference for sample in mixed.samples]
    assert correct == sorted(correct)
    assert not correct[0]


def test_long_sounds_are_drawn_in_fewer_columns(parts):
    task, _, _ = parts
    pixels = task.spectrogram(np.random.default_rng(0).normal(size=(1000, 13)).astype(np.float32))
    assert pixels.shape == (20, 250)
    plain = speech.Speech(registry.DatasetInfo(input_shape=(9, 2), num_outputs=3, samples={}), None)
    assert plain.spectrogram(np.array([[0, 1], [2, 3]], np.float32)).tolist() == [
        [85, 255],
        [0, 170],
    ]


def test_the_reference_is_the_best_text_that_is_always_the_same(parts):
    task, _, data = parts
    references = task.references(data.train, HeldOut(data.val, CPU))
    assert [(each.metric, each.name) for each in references] == [
        ("wer", "constant"),
        ("cer", "constant"),
    ]
    assert 0.85 < references[0].value < 0.92


def test_without_jiwer_one_line_says_what_to_install(parts, monkeypatch):
    config = configure.resolve(recipe="spoken-digits", settings=SMALL)
    monkeypatch.setattr(task_rules, "_installed", lambda package: package != "jiwer")
    task = tasks.of(config, configure.dataset_info(config))
    assert task.rules.best == ("loss", "min")
    assert task.rules.metrics == ("loss",)
    (remark,) = task.remarks
    assert "pip install 'bigmodel-tui[text]'" in remark
    _, model, data = parts
    held = some(data, 5)
    assert math.isfinite(task.evaluate(model, held)["loss"])
    assert task.references(data.train, held) == []


def test_frames_are_counted_and_symbols_weighed(parts):
    task, _, _ = parts
    source = Sequences(
        [np.zeros((3, 13), np.float32), np.zeros((5, 13), np.float32)],
        [np.array([1]), np.array([2, 3, 4])],
    )
    batch = source.batch(np.array([0, 1]))
    x, y = torch.from_numpy(batch.x), torch.from_numpy(batch.y)
    assert (task.units(x, y), task.weight(y).item()) == (8, 4)


def test_one_recording_is_heard_with_places_and_alternatives(parts):
    task, _, data = parts
    held = some(data, 6)
    x, y = held.samples(np.array([4]))
    model = Says(held, lambda s: s)
    heard = task.listen(model, x)
    assert heard.output == data.codec.decode([s for s in y[0].tolist() if s > 0])
    assert [span.text for span in heard.spans] == heard.output.split()
    assert (heard.spans[0].begin, heard.spans[0].end) == (1, 2)
    likely = task.alternatives(model, x)
    assert likely[0][0] == heard.output
    shares = [share for _, share in likely]
    assert len(shares) == 3
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 1 + 1e-6
