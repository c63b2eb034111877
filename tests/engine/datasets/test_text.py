"""Texts: what is held out, what a window is, and one line for a file that cannot be used."""

import os
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import configure
from engine.datasets import _user_files, _windows, bible_en, text
from presets import ConfigError

BIBLE = bible_en.Config()


def windows_of(data, alphabet):
    return ["".join(alphabet[symbol] for symbol in row) for row in data.x]


@pytest.mark.parametrize("context_length", [64, 100])
def test_info_of_the_bible_is_what_build_loads(context_length):
    config = bible_en.Config(context_length=context_length)
    info, data = bible_en.info(config), bible_en.build(config)
    for split, samples in info.samples.items():
        x, y = getattr(data, split).x, getattr(data, split).y
        assert x.shape == y.shape == (samples, *info.input_shape)
        assert x.dtype == y.dtype == np.int64
        assert x.min() >= 0
        assert max(x.max(), y.max()) < info.num_outputs
        np.testing.assert_array_equal(x[:, 1:], y[:, :-1])
    assert info.samples["val"] * context_length <= _windows.MOST_SYMBOLS["val"]
    assert sorted(info.names) == list(info.names)


def test_chapters_of_the_splits_are_disjoint_and_complete():
    chapters, texts = bible_en.chapters(), bible_en.texts()
    assert len(chapters) == 1189
    assert "".join(sorted(set("".join(chapters.values())))) == bible_en.ALPHABET
    assert {split: len(text) for split, text in texts.items()} == bible_en._LENGTHS
    where = {
        name: [split for split, text in texts.items() if chapter in text]
        for name, chapter in chapters.items()
    }
    assert all(len(splits) == 1 for splits in where.values())
    held_out = [name for name, splits in where.items() if splits != ["train"]]
    assert held_out[:4] == ["Genesis 10", "Genesis 20", "Genesis 30", "Genesis 40"]
    assert [where[name][0] for name in held_out[:4]] == ["test", "val", "test", "val"]


def test_no_held_out_window_is_in_the_training_text():
    """A verse or two are in the book twice; a window of 64 letters seldom is."""
    data, training = bible_en.build(BIBLE), bible_en.texts()["train"]
    for split in (data.val, data.test):
        found = windows_of(split, bible_en.ALPHABET)
        assert found[0] in "".join(bible_en.texts().values())
        assert sum(window in training for window in found[::20]) <= len(found[::20]) // 50


def test_epochs_begin_at_offsets_that_seed_and_epoch_decide():
    data = bible_en.build(BIBLE)
    draw = data.draw_train
    np.testing.assert_array_equal(draw(3, 7).x, bible_en.build(BIBLE).draw_train(3, 7).x)
    training = bible_en.texts()["train"]
    begins = set()
    for seed, epoch in ((0, 1), (0, 2), (0, 3), (1, 1), (1, 2)):
        drawn = draw(seed, epoch)
        assert drawn.x.shape == data.train.x.shape
        begin = training.index(windows_of(drawn, bible_en.ALPHABET)[0])
        assert begin < 64
        begins.add(begin)
    assert len(begins) >= 4


@given(st.integers(2, 40), st.data())
def test_windows_of_any_lengths(context_length, data):
    needed = _windows.needed(context_length)
    lengths = {
        split: data.draw(st.integers(least, 20 * context_length), label=split)
        for split, least in needed.items()
    }
    alphabet = "".join(chr(97 + place) for place in range(26))
    texts = {split: (alphabet * 40)[:length] for split, length in lengths.items()}
    made = _windows.splits(texts, alphabet, context_length)
    counts = _windows.counts(lengths, context_length)
    assert min(counts.values()) >= 1
    for split, count in counts.items():
        x, y = getattr(made, split).x, getattr(made, split).y
        assert x.shape == y.shape == (count, context_length)
        np.testing.assert_array_equal((x + 1) % 26, y)
    for epoch in range(5):
        assert made.draw_train(0, epoch).x.shape[0] == counts["train"]


def test_held_out_windows_are_spread_evenly_where_there_are_too_many(monkeypatch):
    monkeypatch.setattr(_windows, "MOST_SYMBOLS", {"val": 40, "test": 80})
    alphabet = "".join(chr(0x4E00 + place) for place in range(256))
    texts = {"train": alphabet, "val": alphabet, "test": alphabet}
    made = _windows.splits(texts, alphabet, 10)
    assert made.val.x[:, 0].tolist() == [0, 60, 120, 180]
    assert made.test.x[:, 0].tolist() == [0, 30, 60, 90, 120, 150, 180, 210]
    assert _windows.counts(dict.fromkeys(texts, 256), 10) == {"train": 24, "val": 4, "test": 8}


def resolve(path, **settings):
    given = {f"dataset.{key}": value for key, value in settings.items()}
    return configure.resolve(
        model="gpt-mini", dataset="text", settings={"dataset.path": str(path), **given}
    )


def test_a_text_of_the_user(tmp_path):
    path = tmp_path / "mine.txt"
    whole = "\ufeff" + "".join(f"line {n} — ñ\r\n" for n in range(500))
    path.write_bytes(whole.encode())
    config = resolve(path, context_length=16)
    info = configure.dataset_info(config)
    assert info.task == "language"
    assert set(info.names) == set("line 0123456789—ñ\n")
    data = text.build(text.Config(path=str(path), context_length=16))
    plain = whole[1:].replace("\r\n", "\n")
    length = len(plain)
    held_out = length // 20
    begins = {"train": 0, "val": length - 2 * held_out, "test": length - held_out}
    for split, begin in begins.items():
        found = windows_of(getattr(data, split), info.names)
        assert len(found) == info.samples[split]
        assert found[0] in plain[begin : begin + 32]
    assert (
        "".join(windows_of(data.val, info.names))
        == plain[begins["val"] :][:held_out][: 16 * info.samples["val"]]
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"abc" * 100, "has 300 characters; expected at least 1300"),
        (b"abc\xff" * 1000, r"is not UTF-8 text \(byte 3 is 0xff\)"),
        ("".join(map(chr, range(300))).encode() * 20, "has 299 different characters; .* 256"),
    ],
)
def test_texts_that_cannot_be_used(tmp_path, content, message):
    path = tmp_path / "mine.txt"
    path.write_bytes(content)
    for _ in range(2):  # what is remembered is said again
        with pytest.raises(ConfigError, match=message) as caught:
            resolve(path)
        assert str(caught.value).startswith("dataset.path: ")
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "dataset.path: missing; expected the path of a text file"),
        ("nowhere/to be found", "cannot be read .*No such file"),
        (".", "cannot be read .*directory"),
        ("~nobody-of-this-name/x", "expected the path of a text file"),
        ("a\0b", "expected the path of a text file"),
        ("pipe", "not a regular file"),
    ],
)
def test_paths_that_cannot_be_used(tmp_path, monkeypatch, path, message):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with pytest.raises(ConfigError, match=message) as caught:
        resolve(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_text_that_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "MAX_BYTES", _user_files.MEBIBYTE)
    path = tmp_path / "mine.txt"
    path.write_bytes(b"ab" * _user_files.MEBIBYTE)
    with pytest.raises(ConfigError, match="is larger than 1 MiB, the most allowed"):
        resolve(path)


def test_as_many_characters_as_asked_for_are_enough(tmp_path):
    for context_length in (2, 9, 10, 64):
        path = tmp_path / f"{context_length}.txt"
        path.write_text("ab")
        with pytest.raises(ConfigError) as caught:
            resolve(path, context_length=context_length)
        enough = int(str(caught.value).partition("at least ")[2].split()[0])
        path.write_text(("ab" * enough)[:enough])
        info = configure.dataset_info(resolve(path, context_length=context_length))
        assert min(info.samples.values()) >= 1
        data = text.build(text.Config(path=str(path), context_length=context_length))
        assert len(data.train.x) == info.samples["train"]


def test_a_file_is_read_once_for_each_time_that_it_changed(tmp_path, monkeypatch):
    path, reads = tmp_path / "mine.txt", []
    monkeypatch.setattr(
        text._user_files, "read_text", lambda *_, **__: reads.append(1) or "ab" * 2000
    )
    for size in (1, 2):
        path.write_bytes(b"x" * size)
        for _ in range(5):
            resolve(path)
        assert len(reads) == size
    for other in range(40):  # the oldest is forgotten
        (tmp_path / str(other)).write_bytes(b"x")
        resolve(tmp_path / str(other))
    assert len(_user_files._known) <= 16


def test_the_data_is_what_its_provenance_says():
    content = (bible_en.DATA / "bible_en_es.tsv.xz").read_bytes()
    assert (len(content), zlib.crc32(content)) == (1_988_240, 736286316)
