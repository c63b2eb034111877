"""Texts of any size as folders of tokens: what is held out, what a window is, and one line for a
folder that cannot be used."""

import json
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config import configure, estimate, registry
from engine.datasets import bible_en, tokens
from engine.datasets._token_files import index, preparing, text_blocks, windows
from presets import ConfigError, UserError
from presets.schema import Component
from support.resuming import check_equal, interrupt

BIBLE = "".join(bible_en.chapters().values())[:120_000]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def made(folder, text=BIBLE, tokenizer="bytes", vocabulary=400):
    path = folder / "book.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    told = []
    tokens.prepare(
        path,
        folder / "out",
        tokenizer=tokenizer,
        vocabulary=vocabulary,
        progress=lambda *said: told.append(said),
    )
    return folder / "out", told


def symbols(folder, split):
    found = index.read(folder)
    return np.fromfile(index.file_of(folder, split), f"<u{found.item_bytes}").astype(np.int64)


def texts(folder):
    codec = index.codec(folder, index.read(folder))
    return {split: codec.decode(symbols(folder, split).tolist()) for split in text_blocks.SPLITS}


TOKENIZERS = ["characters", "bytes", "bpe", "tokenizer.json"]


def prepared(tmp_path, tokenizer):
    if tokenizer in ("bpe", "tokenizer.json"):
        pytest.importorskip("tokenizers")
    if tokenizer == "tokenizer.json":
        (tmp_path / "first").mkdir()
        folder, _ = made(tmp_path / "first", tokenizer="bpe")
        tokenizer = str(folder / "tokenizer.json")
    return made(tmp_path, tokenizer=tokenizer)


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_the_splits_are_the_text_in_blocks(tmp_path, tokenizer):
    folder, told = prepared(tmp_path, tokenizer)
    found = texts(folder)
    parts = index.read(folder).parts
    with text_blocks.opened(tmp_path / "book.txt") as file:
        cut = text_blocks.Blocks(file, tmp_path / "book.txt")
        expected = dict.fromkeys(text_blocks.SPLITS, "")
        for block in range(len(cut)):
            expected[cut.split(block)] += cut.text(block, cut.raw(block))
        assert sum(len(cut.raw(block)) for block in range(len(cut))) == len(BIBLE.encode())
    if tokenizer != "characters":  # of those, only the alphabet of the training text is known
        assert found == expected
    assert sum(map(len, found.values())) == len(BIBLE)
    assert {split: part.characters for split, part in parts.items()} == {
        split: len(text) for split, text in expected.items()
    }
    for split in ("val", "test"):
        assert 0.04 < len(found[split]) / len(BIBLE) < 0.06
    assert told[-1] == ("tokenising", len(BIBLE.encode()), len(BIBLE.encode()))
    assert list(tmp_path.glob(".new-*")) == []


def test_symbols_of_pieces_are_those_of_the_whole_text(tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    folder, _ = made(tmp_path, tokenizer="bpe")
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    for split, text in texts(folder).items():
        # Held-out blocks that were no neighbours are now, which may join two words.
        whole = tokenizer.encode(text).ids
        assert abs(len(whole) - len(symbols(folder, split))) <= 4
    assert len(symbols(folder, "train")) < len(BIBLE) / 1.5


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_a_text_is_cut_in_front_of_blanks_and_between_characters(seed):
    draw = random.Random(seed)
    word = "".join(draw.choices("aé大 \n", (5, 2, 2, draw.random(), draw.random()), k=60_000))
    pieces = text_blocks.pieces(word)
    assert "".join(pieces) == word
    assert max(map(len, pieces)) <= 16384


@pytest.mark.parametrize("text", ["大小" * 20_000, " " * 50_000, "ab \r\n" * 20_000, "x" * 40_000])
def test_texts_without_words_are_cut_too(tmp_path, text):
    folder, _ = made(tmp_path, "\ufeff" + text)
    assert sum(map(len, texts(folder).values())) == len(text.replace("\r\n", "\n"))


def test_what_is_learned_is_learned_from_training_blocks(tmp_path):
    lines = ["ab"[number in (9, 19, 29, 39)] * 1023 + "\n" for number in range(40)]
    folder, _ = made(tmp_path, "".join(lines), tokenizer="characters")
    assert index.read(folder).alphabet == "\na"
    found = texts(folder)
    assert found["train"] == ("a" * 1023 + "\n") * 36
    assert set(found["val"]) == set(found["test"]) == {"\N{REPLACEMENT CHARACTER}", "\n"}


def config(folder, **options):
    return tokens.Config(path=str(folder), **options)


def test_info_is_what_build_reads(tmp_path):
    folder, _ = prepared(tmp_path, "characters")
    for length in (8, 100):
        data, info = (
            tokens.build(config(folder, context_length=length)),
            tokens.info(config(folder, context_length=length)),
        )
        for split, count in info.samples.items():
            source = getattr(data, split)
            assert len(source) == count
            batch = source.batch(np.arange(count))
            assert batch.x.shape == batch.y.shape == (count, length)
            assert batch.x.dtype == batch.y.dtype == np.int64
            assert 0 <= batch.x.min() <= batch.x.max() < info.num_outputs
            np.testing.assert_array_equal(batch.x[:, 1:], batch.y[:, :-1])
    assert info.on_disk
    assert "characters" in info.notes[0]


def test_epochs_begin_at_offsets_that_seed_and_epoch_decide(tmp_path):
    folder, _ = made(tmp_path)
    data, again = (tokens.build(config(folder, context_length=50)) for _ in range(2))
    whole = symbols(folder, "train")
    begins = set()
    for seed, epoch in ((0, 1), (0, 2), (0, 3), (1, 1)):
        drawn = data.draw_train(seed, epoch)
        x = drawn.batch(np.arange(len(drawn))).x
        other = again.draw_train(seed, epoch)
        np.testing.assert_array_equal(x, other.batch(np.arange(len(other))).x)
        assert drawn.fingerprint() == other.fingerprint()
        begin = next(at for at in range(50) if (whole[at : at + 50] == x[0]).all())
        np.testing.assert_array_equal(x.ravel(), whole[begin : begin + x.size])
        begins.add(begin)
    assert len(begins) >= 3


def test_held_out_windows_are_spread_evenly(tmp_path, monkeypatch):
    monkeypatch.setattr(tokens._windows, "MOST_SYMBOLS", {"val": 400, "test": 1000})
    folder, _ = made(tmp_path)
    data = tokens.build(config(folder, context_length=50))
    whole = symbols(folder, "val")
    x = data.val.batch(np.arange(8)).x
    assert len(data.val) == 8
    count = (len(whole) - 1) // 50
    for place, row in enumerate(x):
        begin = place * count // 8 * 50
        np.testing.assert_array_equal(row, whole[begin : begin + 50])


def resolve(folder, **options):
    given = {
        "dataset.path": str(folder),
        "dataset.context_length": 16,
        "model.width": 16,
        "model.layers": 1,
        "model.heads": 2,
        "batch_size": 4,
        "steps": 8,
        "device": "cpu",
        "threads": 1,
        "evaluate_every": 4,
        "checkpoint.every_steps": 3,
        "seed": 1,
        **options,
    }
    return configure.resolve(model="gpt-mini", dataset="tokens", optimizer="adamw", settings=given)


@pytest.mark.parametrize("most", [10_000_000, 100])
def test_killed_and_resumed_equals_uninterrupted(tmp_path, monkeypatch, most):
    """Also where the order is computed part by part."""
    from engine.training.data_order import permutation

    monkeypatch.setattr(permutation, "MOST_IN_MEMORY", most)
    monkeypatch.setattr(tokens._windows, "MOST_SYMBOLS", {"val": 400, "test": 400})
    folder, _ = made(tmp_path, BIBLE[:25_000])
    given = resolve(folder)
    assert configure.plan(given).steps_per_epoch > 100
    whole = interrupt(tmp_path / "whole", given)
    check_equal(interrupt(tmp_path / "cut", given, 2, 4, 7), whole)


def test_what_the_launch_screen_shows(tmp_path):
    folder, _ = made(tmp_path)
    component = Component(name="tokens", type="tokens", options={"path": str(folder)})
    passage = registry.module("dataset", "tokens").sample(registry.config("dataset", component))
    assert passage.text.startswith("In the beginning")
    needed = estimate.memory(resolve(folder))
    assert needed.data == 0


def gpt2_tokenizer(path):
    """One with as many symbols as GPT-2 has: its bytes, and 50,001 that never come."""
    tokenizers = pytest.importorskip("tokenizers")
    from tokenizers import decoders, models, pre_tokenizers

    signs = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {sign: place for place, sign in enumerate(signs)}
    vocabulary |= {f"<unused {place}>": place for place in range(256, 50_257)}
    tokenizer = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(path))
    return str(path)


def test_gpt2_is_gpt2(tmp_path):
    folder, _ = made(tmp_path, tokenizer=gpt2_tokenizer(tmp_path / "tokenizer.json"))
    config = configure.resolve(recipe="gpt2-small", settings={"dataset.path": str(folder)})
    info, plan = configure.dataset_info(config), configure.plan(config)
    assert info.num_outputs == 50_257
    assert info.input_shape == (1024,)
    assert plan.num_parameters == 124_439_808  # of the published model, its head tied
    with torch.device("meta"):
        model = registry.build("model", config.model, info)
    assert sum(weight.numel() for weight in model.parameters()) == plan.num_parameters
    needed = estimate.memory(config)
    assert needed.outputs == 3 * 4 * 8 * 1024 * 50_257
    assert 8e9 < needed.total < 14e9
    assert texts(folder)["train"][:5000] == BIBLE[:5000]


def test_large_vocabularies_take_four_bytes(tmp_path):
    codec = preparing.Characters(map(chr, range(0x20000, 0x20000 + 70_000)))
    with (tmp_path / "x.bin").open("xb") as file:
        writer = preparing._Writer(file, codec)
        writer.add("\U00020000\U00031000")
        assert writer.part().tokens == 2
    assert np.fromfile(tmp_path / "x.bin", "<u4").tolist() == [4, 4 + 0x11000]


@pytest.mark.parametrize(
    ("text", "tokenizer", "message"),
    [
        (b"ab" * 999, "bytes", "has 1998 bytes; expected at least 20480 "),
        (b"a" * 30_000 + b"\xff" + b"a" * 9999, "bytes", r"not UTF-8 text \(byte 30000 is 0xff\)"),
        (b"ab" * 99999, "words", "tokenizer: expected characters, bytes, bpe or the path of a tok"),
        (b"ab" * 99999, "/no/such.json", "tokenizer: '/no/such.json' cannot be read"),
    ],
)
def test_texts_that_cannot_be_prepared(tmp_path, text, tokenizer, message):
    with pytest.raises(ConfigError, match=message) as caught:
        made(tmp_path, text, tokenizer=tokenizer)
    assert len(str(caught.value).splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} <= {"book.txt", "cache"}


def test_a_folder_that_exists_is_left_alone(tmp_path):
    folder, _ = made(tmp_path)
    before = (folder / "index.json").read_bytes()
    with pytest.raises(ConfigError, match="exists already"):
        made(tmp_path)
    assert (folder / "index.json").read_bytes() == before


def damage_json(folder):
    (folder / "index.json").write_text("{")


def damage_format(folder):
    facts = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps({**facts, "format": 2}))


def damage_part(folder):
    facts = json.loads((folder / "index.json").read_text())
    del facts["parts"]["val"]
    (folder / "index.json").write_text(json.dumps(facts))


def damage_size(folder):
    with (folder / "train.bin").open("ab") as file:
        file.write(b"\0")


def remove_tokens(folder):
    (folder / "test.bin").unlink()


def remove_index(folder):
    (folder / "index.json").unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_json, "index.json' is damaged"),
        (damage_format, "has format 2; expected 1"),
        (damage_part, "no part 'val'"),
        (damage_size, r"train.bin' has \d+ bytes, but its index.json says \d+"),
        (remove_tokens, "test.bin' cannot be read"),
        (remove_index, "index.json' cannot be read"),
    ],
)
def test_folders_that_cannot_be_used(tmp_path, damage, message):
    folder, _ = made(tmp_path)
    damage(folder)
    with pytest.raises(ConfigError, match=message) as caught:
        resolve(folder)
    assert str(caught.value).startswith("dataset.path: ")
    assert len(str(caught.value).splitlines()) == 1


def test_a_folder_that_is_too_small_for_the_context(tmp_path):
    folder, _ = made(tmp_path, BIBLE[:25_000])
    with pytest.raises(ConfigError, match=r"has \d+ tokens in val; expected at least 5001"):
        tokens.info(config(folder, context_length=5000))


def test_tokens_that_are_damaged_on_the_way(tmp_path):
    folder, _ = made(tmp_path)
    file = windows.TokenFile(folder, index.read(folder), "val")
    content = np.fromfile(index.file_of(folder, "val"), "<u2")
    content[7] = 999
    content.tofile(index.file_of(folder, "val"))
    with pytest.raises(UserError, match="is damaged; it has the token 999, and the vocabulary 260"):
        file.read(np.array([0]), 16)
    file.read(np.array([8]), 16)
    with pytest.raises(UserError, match="became shorter"):
        file.read(np.array([len(content) - 8]), 16)
