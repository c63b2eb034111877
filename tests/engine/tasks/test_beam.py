"""Beam search: what it finds, with and without a cache, alone and in a batch."""

import itertools

import pytest
import torch
from torch import nn

from engine.config.registry import DatasetInfo
from engine.models import pointer_generator, seq2seq
from engine.tasks.texts import beam_search

SYMBOLS, END = 11, 2


def model(module=seq2seq, symbols=SYMBOLS):
    torch.manual_seed(3)
    info = DatasetInfo(input_shape=(8,), num_outputs=symbols, task="translation", samples={})
    built = module.build(module.Config(width=16, heads=2, layers=1), info).double().eval()
    with torch.no_grad():
        # Decided, yet not always by the same symbol.
        built.norm.weight.mul_(3)
    return built


def sources(lengths, symbols=SYMBOLS):
    torch.manual_seed(5)
    rows = [torch.randint(3, symbols, (length,)) for length in lengths]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True)


def search(writer, x, most=10, **options):
    with torch.no_grad():
        return beam_search.search(writer, x, torch.full((len(x),), most), **options)


@pytest.mark.parametrize("module", [seq2seq, pointer_generator])
@pytest.mark.parametrize("width", [1, 4])
def test_with_a_cache_it_finds_the_same(module, width):
    built, x = model(module), sources([3, 8, 5, 7, 4, 6])
    found = search(built, x, width=width)
    assert torch.equal(found, search(beam_search.Forgetful(built), x, width=width))
    assert len({tuple(row) for row in found.tolist()}) > 1


@pytest.mark.parametrize("width", [1, 3])
def test_what_is_found_for_a_source_depends_on_it_alone(width):
    built, x = model(), sources([3, 8, 5, 7, 4, 6])
    together = search(built, x, width=width)
    for row, source in zip(together, x, strict=True):
        alone = search(built, source[source != 0][None], width=width)
        assert torch.equal(alone[0], row)


def test_width_1_takes_the_likeliest_symbol_each_time():
    built, x = model(), sources([6])
    written = torch.ones(1, 1, dtype=torch.long)
    while written.shape[1] <= 10 and written[0, -1] != END:
        logits = built(x, written)[0, -1]
        logits[:2] = -torch.inf
        written = torch.cat([written, logits.argmax().view(1, 1)], dim=1)
    found = search(built, x, width=1)[0]
    assert found[found != 0].tolist() == written[0, 1:].tolist()


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_a_beam_as_wide_as_there_are_texts_finds_the_best_of_all(penalty):
    built, x, most = model(symbols=6), sources([4, 2], 6), 3
    found = search(built, x, most, width=60, penalty=penalty)
    for row, source in zip(found, x, strict=True):
        alone = source[source != 0][None]
        scores = {text: score(built, alone, text, penalty) for text in texts(6, most)}
        best = max(scores, key=scores.get)
        assert tuple(row[row != 0].tolist()) == best


def texts(symbols, most):
    """All texts that end within `most` symbols, and those that are cut there."""
    inner = list(range(3, symbols))
    for length in range(most):
        for body in itertools.product(inner, repeat=length):
            yield (*body, END)
    yield from itertools.product(inner, repeat=most)


def score(built, x, text, penalty):
    written = torch.tensor([[1, *text[:-1]]])
    logits = built(x, written)[0]
    logits[:, :2] = -torch.inf
    known = logits.log_softmax(dim=1)
    total = sum(known[place, symbol].item() for place, symbol in enumerate(text))
    return total / len(text) ** penalty


def test_each_text_has_its_own_limit():
    built, x = model(), sources([6, 6, 6])
    with torch.no_grad():
        built.embedding.weight[END] = 0.0
        built.norm.bias.add_(built.embedding.weight[4] * 50)
        found = beam_search.search(built, x, torch.tensor([2, 5, 3]), width=2)
    assert found.shape == (3, 5)
    assert (found != 0).sum(dim=1).tolist() == [2, 5, 3]
