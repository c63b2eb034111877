"""Pairs of texts: those that ship with the project, and the formats that people have theirs in."""

import json

import numpy as np
import pytest

from engine.config import configure, dataset_preview, registry
from engine.datasets import bible_en_es, bible_headings, pairs, summaries
from presets import ConfigError, UserError
from support import verses

ROWS = verses.pairs(60)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def tatoeba(folder):
    """TSV without a header; the third column is the licence."""
    lines = [f"{source}\t{target}\tCC-BY 2.0\n" for source, target in ROWS]
    (folder / "eng-spa.tsv").write_text("".join(lines), encoding="utf-8")
    return pairs, {"path": folder / "eng-spa.tsv"}


def opus(folder):
    """Two text files, line by line."""
    for place, name in enumerate(("en", "es")):
        text = "".join(row[place] + "\n" for row in ROWS)
        (folder / f"corpus.{name}").write_text(text, encoding="utf-8")
    return pairs, {"path": folder / "corpus.en", "target_path": folder / "corpus.es"}


def wmt(folder):
    """JSON lines of nested objects, a file a split."""
    for name, rows in (("train", ROWS[:40]), ("validation", ROWS[40:50]), ("test", ROWS[50:])):
        lines = [json.dumps({"translation": {"en": a, "es": b}}) + "\n" for a, b in rows]
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    return pairs, {"path": folder, "target": "translation.es"}


def cnn(folder):
    """CNN/DailyMail as JSON lines."""
    rows = [{"article": a, "highlights": b, "id": at} for at, (a, b) in enumerate(ROWS)]
    (folder / "cnn.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return summaries, {"path": folder / "cnn.jsonl"}


def xsum(folder):
    """XSum as JSON lines."""
    rows = [{"document": a, "summary": b} for a, b in ROWS]
    (folder / "xsum.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return summaries, {"path": folder / "xsum.jsonl"}


@pytest.mark.parametrize("form", [tatoeba, opus, wmt, cnn, xsum])
def test_the_formats_that_people_have(tmp_path, form):
    module, options = form(tmp_path)
    given = {key: str(value) for key, value in options.items()}
    config = module.Config(**given, tokenizer="words", vocabulary=60)
    info, data = module.info(config), module.build(config)
    found = []
    for split in ("train", "val", "test"):
        part = getattr(data, split)
        assert len(part) == info.samples[split]
        assert part.lengths.sum() == info.tokens[split]
        batch = part.batch(np.arange(len(part)))
        assert batch.x.max() < info.num_symbols == info.num_outputs == data.codec.size
        for x, y in zip(batch.x, batch.y, strict=True):
            assert (y[y >= 0][-1], x[x > 0][-1]) == (2, 2)
            found.append((data.codec.decode(x), data.codec.decode(y[y >= 0])))
    assert sorted(found) == sorted(ROWS)
    assert info.task == ("translation" if module is pairs else "summarisation")
    shown = module.sample(config)
    assert isinstance(shown, dataset_preview.Rows)
    assert 30 < len(shown.rows) <= dataset_preview.MOST_ROWS


def test_long_texts_are_cut(tmp_path):
    _, options = xsum(tmp_path)
    config = summaries.Config(
        path=str(options["path"]), tokenizer="words", vocabulary=60, max_length=4, max_target=3
    )
    batch = summaries.build(config).train.batch(np.arange(30))
    assert (batch.x.shape[1], batch.y.shape[1]) == (4, 3)
    assert (batch.x == 2).any(axis=1).all()
    assert summaries.info(config).input_shape == (4,)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\tb\nonly one\n", r"line 2: has 1 cell"),
        ("a\tb\n" * 12, r"gives 12 rows, .* expected at least 40"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(tmp_path, text, said):
    path = tmp_path / "pairs.tsv"
    path.write_text(text)
    with pytest.raises(UserError, match=said) as caught:
        pairs.info(pairs.Config(path=str(path), tokenizer="words"))
    assert "\n" not in str(caught.value)


def test_files_of_unequal_length_are_refused(tmp_path):
    _, options = opus(tmp_path)
    with options["target_path"].open("a", encoding="utf-8") as file:
        file.write("uno más\n")
    given = {key: str(value) for key, value in options.items()}
    with pytest.raises(UserError, match=r"corpus.es.*line 61: has no partner"):
        pairs.info(pairs.Config(**given, tokenizer="words"))


@pytest.mark.parametrize("module", [bible_en_es, bible_headings])
def test_the_data_sets_that_ship_are_as_said(module):
    config = module.Config()
    info = module.info(config)
    texts = module.texts() if module is bible_en_es else module.texts(config.words)
    assert {split: len(part) for split, part in texts.items()} == info.samples
    assert info.num_symbols == info.num_outputs == config.vocabulary
    if module is bible_en_es:
        assert texts["train"][0][1].startswith("EN el principio crió Dios")
        turned = module.texts("es-en")
        assert turned["test"][5] == texts["test"][5][::-1]
        assert max(len(text.split()) for pair in texts["train"] for text in pair) == 30
    else:
        assert texts["train"][0][1] == "God creates heaven and earth."
    assert isinstance(module.sample(config), dataset_preview.Rows)


def test_estimates_of_tokens_are_near(monkeypatch):
    config = bible_headings.Config()
    texts = bible_headings.texts(config.words)
    some = {split: part[:: 1 if split != "train" else 4] for split, part in texts.items()}
    monkeypatch.setattr(bible_headings, "texts", lambda words: some)
    built, info = bible_headings.build(config), bible_headings.info(config)
    measured = built.train.lengths.mean() * info.samples["train"]
    assert info.tokens["train"] == pytest.approx(measured, rel=0.15)


def test_settings_are_checked():
    with pytest.raises(ConfigError, match=r"dataset.direction: expected"):
        configure.resolve(recipe="bible-translation", settings={"dataset.direction": "en-fr"})
    with pytest.raises(ConfigError, match=r"model: mlp learns classes or numbers.*, but .* transl"):
        configure.resolve(recipe="bible-translation", model="mlp")
    with pytest.raises(ConfigError, match=r"model.width: expected a multiple"):
        configure.resolve(recipe="bible-translation", settings={"model.width": 30})
    assert {"pairs", "summaries"} <= set(registry.names("dataset"))
