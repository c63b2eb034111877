"""Texts as bytes and byte pairs: what is held out stays the same, and what a person types fits."""

import numpy as np
import pytest

from engine.config import configure
from engine.datasets import _windows, bible_en, text
from presets import ConfigError

BOOK = "".join(bible_en.chapters().values())[:60_000] + "Ein Größenwahn – naïve.\n" * 50


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "book.txt"
    path.write_text(BOOK)
    return path


def config(book, **options):
    return text.Config(path=str(book), **{"context_length": 16, "vocabulary": 400, **options})


def resolve(book, **options):
    given = {f"dataset.{key}": value for key, value in options.items()}
    return configure.resolve(
        model="gpt-mini", dataset="text", settings={"dataset.path": str(book), **given}
    )


def tokenizer_of(kind, book, tmp_path):
    if kind != "bytes":
        pytest.importorskip("tokenizers")
    if kind != "file":
        return kind
    from engine.datasets._tokenizers.byte_pairs import learned

    path = tmp_path / "tokenizer.json"
    path.write_text(learned(lambda: [BOOK], 350).to_json())
    return str(path)


@pytest.mark.parametrize(("kind", "symbols"), [("bytes", 260), ("bpe", 400), ("file", 346)])
def test_windows_are_of_the_text(book, tmp_path, kind, symbols):
    given = config(book, tokenizer=tokenizer_of(kind, book, tmp_path))
    info, data = text.info(given), text.build(given)
    assert (info.num_outputs, info.names) == (symbols, ())
    held_out = len(BOOK) // 20
    parts = {
        "train": BOOK[: len(BOOK) - 2 * held_out],
        "val": BOOK[len(BOOK) - 2 * held_out :][:held_out],
        "test": BOOK[len(BOOK) - held_out :],
    }
    for split, part in parts.items():
        found = getattr(data, split)
        assert found.x.shape == found.y.shape == (info.samples[split], 16)
        np.testing.assert_array_equal(found.x[:, 1:], found.y[:, :-1])
        assert 0 <= found.x.min() <= found.x.max() < symbols
        for row in found.x[:: max(1, len(found.x) // 20)]:
            assert data.codec.decode(row.tolist()).strip("\N{REPLACEMENT CHARACTER}") in part
    drawn = [data.draw_train(0, epoch).x for epoch in (1, 2)]
    assert drawn[0].shape == drawn[1].shape == data.train.x.shape
    assert not np.array_equal(*drawn)


@pytest.mark.parametrize("vocabulary", [260, 300, 1024, 2000])
def test_an_epoch_has_about_as_many_windows_as_the_text(book, vocabulary):
    pytest.importorskip("tokenizers")
    given = config(book, tokenizer="bpe", vocabulary=vocabulary)
    info, data = text.info(given), text.build(given)
    tokens = len(data.codec.encode(BOOK)) * 0.9
    assert 0.7 < info.samples["train"] * 16 / tokens < 1.3


def test_the_estimate_rises_with_the_vocabulary():
    sizes = [260, 261, 300, 511, 512, 700, 4096, 8000, 50_257, 10**6]
    found = [text._bytes_per_token(size) for size in sizes]
    assert found == sorted(found)
    assert (found[0], found[6], found[-1]) == (1.0, pytest.approx(3.9), 4.4)


def test_what_a_person_types_leaves_out_what_is_unknown():
    codec = _windows.Alphabet(bible_en.ALPHABET)
    assert codec.decode(codec.encode("God said §: yes\x00").tolist()) == "God said : yes"
    assert codec.size == len(bible_en.ALPHABET)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tokenizer": "words"}, "dataset.tokenizer: words lose capitals and blanks"),
        ({"tokenizer": "letters"}, "dataset.tokenizer: expected characters, bytes, words, bpe or"),
        ({"tokenizer": "none.json"}, "dataset.tokenizer: 'none.json' cannot be read"),
        ({"tokenizer": "bpe", "vocabulary": 9}, "dataset.vocabulary: expected at least 260"),
        ({"tokenizer": "bytes", "context_length": 9999}, "has 6.... tokens; expected at least"),
    ],
)
def test_settings_that_do_not_go_together(book, options, message):
    with pytest.raises(ConfigError, match=message) as caught:
        resolve(book, **options)
    assert len(str(caught.value).splitlines()) == 1
