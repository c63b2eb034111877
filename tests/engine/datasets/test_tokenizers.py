"""Codecs: what is written comes back, the same every time, and one line for what cannot be used."""

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from engine.config.padding_constants import BEGIN, END, PAD, UNKNOWN
from engine.datasets import _tokenizers
from engine.datasets._tokenizers import byte_pairs, simple_codecs
from engine.datasets._tokenizers.simple_codecs import RESERVED
from presets import ConfigError

VERSES = [
    "In the beginning God created the heavens and the earth.",
    "And God said, Let there be light: and there was light.",
    "Y dijo Dios: Sea la luz; y fué la luz.",
] * 20


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "bigmodel-tui" / "tokenizers"


def of(tokenizer, vocabulary=300, texts=VERSES, **options):
    return _tokenizers.of(tokenizer, vocabulary, lambda: texts, **options)


@pytest.mark.parametrize("tokenizer", ["characters", "bytes", "bpe"])
def test_training_texts_come_back(tokenizer):
    made = of(tokenizer)
    for verse in set(VERSES):
        symbols = made.encode(verse)
        assert symbols.dtype == np.int64
        assert symbols.min() >= RESERVED
        assert symbols.max() < made.size
        assert made.decode([BEGIN, *symbols, END, *symbols, PAD]) == verse
        assert made.decode([*symbols, PAD, PAD]) == verse
    assert made.encode("").shape == (0,)
    assert made.decode([]) == ""


@pytest.mark.parametrize("tokenizer", ["bytes", "bpe"])
@given(text=st.text())
def test_nothing_is_unknown_to_bytes(tokenizer, text):
    made = of(tokenizer)
    assert UNKNOWN not in made.encode(text)
    assert made.decode(made.encode(text)) == text


def test_what_training_texts_do_not_have_is_unknown():
    letters, words = of("characters"), of("words")
    assert letters.encode("Qé").tolist() == [UNKNOWN, letters.encode("é")[0]]
    assert letters.decode(letters.encode("Qé")) == "\N{REPLACEMENT CHARACTER}é"
    assert words.encode("zebra light")[0] == UNKNOWN
    assert words.decode(words.encode("Zebra LIGHT, the...")) == (
        "\N{REPLACEMENT CHARACTER} light, the \N{REPLACEMENT CHARACTER}"
    )


def test_words_are_the_most_frequent_ones_and_signs_that_stand_together_one():
    assert simple_codecs.words("I don't LIKE it :( at_all!!") == [
        *("i", "don't", "like", "it", ":(", "at_all", "!!")
    ]
    assert simple_codecs.frequent(["b a c", "c a", "d"], 3) == ["a", "c", "b"]
    made = of("words", vocabulary=RESERVED + 3, texts=["b a c", "c a", "d"])
    assert made.encode("a b c d").tolist() == [4, 6, 5, UNKNOWN]
    assert made.size == RESERVED + 3


def test_byte_pairs_find_frequent_pieces_and_the_same_ones_every_time(cache):
    made = of("bpe", vocabulary=330)
    assert made.size == 330
    verse = VERSES[0]
    assert len(made.encode(verse)) < len(verse) / 2
    (kept,) = cache.iterdir()
    first = kept.read_bytes()
    kept.unlink()
    of("bpe", vocabulary=330)
    assert kept.read_bytes() == first


def test_byte_pairs_are_learned_once_and_a_damaged_file_is_no_obstacle(cache, monkeypatch):
    expected = of("bpe").encode(VERSES[0])
    (kept,) = cache.iterdir()
    learn = byte_pairs._learn
    monkeypatch.setattr(byte_pairs, "_learn", None)
    np.testing.assert_array_equal(of("bpe").encode(VERSES[0]), expected)
    monkeypatch.setattr(byte_pairs, "_learn", learn)
    kept.write_bytes(kept.read_bytes()[:1000])
    np.testing.assert_array_equal(of("bpe").encode(VERSES[0]), expected)
    other = of("bpe", texts=[*VERSES, "another"])
    assert len(list(cache.iterdir())) == 2
    assert other.size == 300


def test_byte_pairs_without_a_cache(cache):
    cache.parent.mkdir(parents=True)
    cache.write_text("no folder")
    assert of("bpe").decode(of("bpe").encode("light")) == "light"


def test_a_tokenizer_of_a_file(tmp_path):
    of("bpe")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "b": 1, "[UNK]": 9}, "[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    path = tmp_path / "tokenizer.json"
    made.save(str(path))
    assert of(str(path)).encode("a b c").tolist() == [4, 5, 13]
    assert of(str(path)).size == 14
    own = of(str(path), reserved=0)
    assert own.encode("a b c").tolist() == [0, 1, 9]
    assert own.decode([0, 1]) == "a b"
    assert own.size == 10
    for reserved in (0, RESERVED):
        size = _tokenizers.info_size(str(path), 5, lambda: "", reserved=reserved)
        assert size == of(str(path), reserved=reserved).size


@pytest.mark.parametrize("tokenizer", ["characters", "bytes", "words", "bpe"])
def test_the_size_is_known_before(tokenizer):
    size = _tokenizers.info_size(tokenizer, 300, lambda: "".join(VERSES))
    assert size == of(tokenizer).size


def test_what_cannot_be_used_is_one_line(tmp_path, monkeypatch):
    broken = tmp_path / "tokenizer.json"
    broken.write_text('{"version": "1.0"}')
    for tokenizer, said in [
        ("letters", "dataset.tokenizer: expected characters, bytes, words, bpe or the path of a"),
        (str(tmp_path / "none.json"), "none.json' cannot be read (No such file"),
        (str(broken), "tokenizer.json' is no tokenizer.json ("),
    ]:
        for use in (of, lambda given: _tokenizers.info_size(given, 300, lambda: "")):
            with pytest.raises(ConfigError) as raised:
                use(tokenizer)
            assert said in str(raised.value)
            assert "\n" not in str(raised.value)
    with pytest.raises(ConfigError, match=r"dataset.vocabulary: expected at least 260 .*, got 100"):
        of("bpe", vocabulary=100)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"bpe needs tokenizers; pip install 'bigmodel-tui\[text"):
        _tokenizers.check("bpe")
    _tokenizers.check("words")
