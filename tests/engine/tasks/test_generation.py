"""Texts that models write: the memory changes nothing, and symbols are chosen as was asked."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from engine.models._recurrent import RecurrentNetwork
from engine.models._transformer import Transformer
from engine.tasks.texts import continuing
from engine.tasks.texts.generation import Continuation, Sampling, generate, window_begin
from presets import UserError

SYMBOLS, CONTEXT = 23, 12


def transformer():
    torch.manual_seed(1)
    model = Transformer(
        symbols=SYMBOLS, context_length=CONTEXT, width=24, layers=3, heads=3, dropout=0.2
    )
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4)  # attention that looks at places, and no even distribution
    return model.eval()


def recurrent():
    torch.manual_seed(1)
    model = RecurrentNetwork(symbols=SYMBOLS, hidden=24, layers=2, dropout=0.2, sparse=False)
    return model.eval()


class Forgetful(nn.Module):
    """A model of somebody else, which has no memory; it notes what it was shown."""

    def __init__(self):
        super().__init__()
        self.inner = recurrent()
        self.shown = []

    def forward(self, x):
        self.shown.append(x[0].tolist())
        return self.inner(x)


def prompt(length=5):
    return torch.arange(length) * 7 % SYMBOLS


@pytest.mark.parametrize("make", [transformer, recurrent])
@pytest.mark.parametrize("begin", [1, 5, CONTEXT, 3 * CONTEXT + 1])
def test_logits_are_those_without_the_memory(make, begin):
    model, length = make(), 40
    pair = [
        Continuation(model, prompt(begin), room=length, most=CONTEXT, remember=remember)
        for remember in (True, False)
    ]
    spread = 0.0
    with torch.inference_mode():
        for symbol in torch.randint(SYMBOLS, (length,)):
            quick, plain = (text.logits() for text in pair)
            torch.testing.assert_close(quick, plain, rtol=0, atol=1e-5)
            spread = max(spread, float(plain.max() - plain.min()))
            for text in pair:
                text.append(symbol)
    assert spread > 0.5  # logits that are all alike would be equal for no good reason


@pytest.mark.parametrize("make", [transformer, recurrent])
@pytest.mark.parametrize(
    "sampling",
    [Sampling(temperature=0), Sampling(), Sampling(top_k=4), Sampling(temperature=2, top_p=0.7)],
)
def test_texts_are_those_without_the_memory(make, sampling):
    model = make()
    texts = [
        generate(
            model,
            prompt(),
            length=60,
            most=CONTEXT,
            sampling=sampling,
            generator=torch.Generator().manual_seed(3),
            remember=remember,
        ).tolist()
        for remember in (True, False)
    ]
    assert texts[0] == texts[1]
    assert len(texts[0]) == 60


def test_the_memory_has_the_logits_of_the_last_places_of_a_batch():
    model = transformer()
    x = torch.randint(SYMBOLS, (4, CONTEXT))
    with torch.inference_mode():
        whole = model(x)
        first, memory = model.extend(x[:, :5])
        second, memory = model.extend(x[:, 5:9], memory)
        third, _ = model.extend(x[:, 9:], memory)
    for logits, place in ((first, 4), (second, 8), (third, CONTEXT - 1)):
        torch.testing.assert_close(logits, whole[:, place], rtol=0, atol=1e-5)


def test_each_place_is_computed_once_while_the_window_stays(monkeypatch):
    model, sizes = transformer(), []
    extend = Transformer.extend
    monkeypatch.setattr(
        Transformer,
        "extend",
        lambda self, x, memory=None: sizes.append(x.shape[1]) or extend(self, x, memory),
    )
    generate(model, prompt(4), length=16, most=99, sampling=Sampling(), generator=torch.Generator())
    # Symbol 13 does not fit into the window of 12, which moves by 6 and keeps 7.
    assert sizes == [4, 1, 1, 1, 1, 1, 1, 1, 1, 7, 1, 1, 1, 1, 1, 7]


def test_a_model_without_a_memory_sees_its_window():
    model = Forgetful()
    with torch.inference_mode():
        generate(
            model,
            prompt(3),
            length=9,
            most=4,
            sampling=Sampling(temperature=0),
            generator=torch.Generator(),
        )
    assert [len(shown) for shown in model.shown] == [3, 4, 3, 4, 3, 4, 3, 4, 3]
    assert model.shown[2][:2] == model.shown[1][-2:]


@given(st.integers(1, 500), st.integers(1, 40))
def test_a_window_holds_the_end_of_a_text(length, most):
    begin = window_begin(length, most)
    seen = length - begin
    assert 1 <= seen <= most
    assert seen >= min(length, most - most // 2)
    assert begin <= window_begin(length + 1, most)


def shares(sampling, logits, draws=4000):
    generator = torch.Generator().manual_seed(0)
    drawn = [int(sampling.choose(logits, generator)) for _ in range(draws)]
    return np.bincount(drawn, minlength=len(logits)) / draws


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Sampling(temperature=1), [0.5, 0.125, 0.25, 0.125]),
        (Sampling(temperature=0.5), np.array([16, 1, 4, 1]) / 22),
        (Sampling(temperature=1, top_k=2), [2 / 3, 0, 1 / 3, 0]),
        (Sampling(temperature=1, top_k=9), [0.5, 0.125, 0.25, 0.125]),
        (Sampling(temperature=1, top_p=0.5), [1, 0, 0, 0]),
        (Sampling(temperature=1, top_p=0.51), [2 / 3, 0, 1 / 3, 0]),
        (Sampling(temperature=1, top_p=0.8), [4 / 7, 1 / 7, 2 / 7, 0]),
        (Sampling(temperature=1, top_p=0.01), [1, 0, 0, 0]),
        (Sampling(temperature=0), [1, 0, 0, 0]),
    ],
)
def test_symbols_are_drawn_as_often_as_asked(sampling, expected):
    logits = torch.tensor([0.5, 0.125, 0.25, 0.125]).log()
    np.testing.assert_allclose(shares(sampling, logits), expected, atol=0.03)
    np.testing.assert_allclose(
        sampling.scores(logits).softmax(dim=0) if sampling.temperature else expected,
        expected,
        atol=1e-6,
    )


def test_a_model_that_diverged_still_writes():
    for sampling in (Sampling(), Sampling(top_k=2), Sampling(top_p=0.5), Sampling(temperature=0)):
        for bad in (torch.nan, torch.inf):
            logits = torch.tensor([0.0, bad, 1.0])
            assert 0 <= int(sampling.choose(logits, torch.Generator())) < 3


class Bytes:
    """The bytes of UTF-8, each a symbol."""

    def encode(self, text):
        return np.frombuffer(text.encode(), np.uint8).astype(np.int64)

    def decode(self, symbols):
        return bytes(symbols).decode("utf-8", "replace")


class Reciting(nn.Module):
    """A model that knows one text by heart, and thinks of a zero byte besides."""

    most_symbols = None

    def __init__(self, text):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.symbols = list(text.encode())

    def forward(self, x):
        logits = torch.full((1, x.shape[1], 256), -1e9)
        for place in range(x.shape[1]):
            logits[0, place, self.symbols[(place + 1) % len(self.symbols)]] = 1.0
            logits[0, place, 0] = 0.0
        return logits


def recite(text, begin, length, **options):
    given = {"sampling": Sampling(temperature=0), "seed": 0, "most": 64, **options}
    return list(continuing.write(Reciting(text), Bytes(), text[:begin], length=length, **given))


def test_a_person_gets_whole_characters_and_alternatives():
    text = "naïve – 語"
    tokens = recite(text, 2, len(text.encode()) - 2)
    assert [token.text for token in tokens] == [
        "",
        "ï",
        "v",
        "e",
        " ",
        "",
        "",
        "–",
        " ",
        "",
        "",
        "語",
    ]
    sure = 1 / (1 + np.exp(-1))
    assert tokens[2].probability == pytest.approx(sure)
    assert tokens[2].alternatives[0] == ("v", pytest.approx(sure))
    assert tokens[2].alternatives[1] == ("\0", pytest.approx(1 - sure))
    assert len(tokens[2].alternatives) == 5


def test_a_text_that_ends_within_a_character_says_so_and_one_may_end_early():
    assert "".join(token.text for token in recite("a語b", 1, 2)) == "\N{REPLACEMENT CHARACTER}"
    assert "".join(token.text for token in recite("abcd", 1, 9, ends=ord("d"))) == "bc"


def test_seed_and_sampling_decide_the_text_and_nothing_leaks():
    model = transformer().train()
    state = torch.get_rng_state()

    class Plain(Bytes):
        def encode(self, text):
            return np.arange(len(text)) % SYMBOLS

    def text(seed):
        sampling = Sampling(temperature=1.0)
        tokens = continuing.write(
            model, Plain(), "abc", sampling=sampling, length=9, seed=seed, most=5
        )
        found = []
        for token in tokens:
            assert model.training
            assert not torch.is_inference_mode_enabled()
            found.append(token)
        return found

    assert text(1) == text(1) != text(2)
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(UserError, match="prompt: expected a text"):
        next(continuing.write(model, Plain(), "", sampling=Sampling(), length=1, seed=0, most=5))
