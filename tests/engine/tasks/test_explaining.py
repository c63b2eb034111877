"""Words speak for or against a label by as much as its log-odds fall without them."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from engine.config.padding_constants import PAD
from engine.datasets._tokenizers.simple_codecs import Words
from engine.tasks.texts import explaining

CODEC = Words(["good", "bad", "film", "very"], 10)
NAMES = ("no", "yes")


class Sums(nn.Module):
    """A linear model over the sum of the symbols' weights."""

    def __init__(self, outputs):
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(10, outputs)

    def forward(self, x):
        return (self.table(x) * (x != PAD)[..., None]).sum(dim=1)


def test_the_effect_of_a_word_in_a_linear_model_is_its_weight():
    model = Sums(2).train()
    found = explaining.judge(model, CODEC, "a  very good\nfilm, very", NAMES)
    symbols = CODEC.encode("a very good film, very")
    table = model.table.weight.detach().double().numpy()
    total = table[symbols].sum(axis=0)
    place = int(total.argmax())
    assert found.label == NAMES[place]
    difference = total[place] - total[1 - place]
    assert found.confidence == pytest.approx(1 / (1 + math.exp(-difference)), rel=1e-5)
    margin = table[:, place] - table[:, 1 - place]
    words = ("a", "very", "good", "film,", "very")
    assert [word for word, _ in found.words] == list(words)
    expected = [margin[CODEC.encode(word)].sum() for word in words]
    np.testing.assert_allclose([effect for _, effect in found.words], expected, atol=1e-5)
    assert model.training


def test_numbers_long_texts_and_texts_without_words():
    model = Sums(1)
    found = explaining.judge(model, CODEC, "good " * 300, ("rating",))
    weight = model.table.weight[4, 0].item()
    assert (found.label, found.confidence) == (f"{300 * weight:.3g}", None)
    assert len(found.words) == 300
    assert found.words[0][1] == pytest.approx(weight, rel=1e-3)
    assert found.words[-1] == ("good", 0.0)
    empty = explaining.judge(Sums(3), CODEC, " ", ("a", "b", "c"))
    assert empty.words == []
    assert empty.label in "abc"
    short = explaining.judge(model, CODEC, "good bad film", ("rating",), max_length=1)
    assert [effect == 0 for _, effect in short.words] == [False, True, True]
