"""Texts with labels in the formats that people have them in, and one line for every mistake."""

import csv
import json

import numpy as np
import pytest

from engine.config import configure, registry
from engine.datasets import text_table
from engine.datasets._text_rows import opened, role_column_names, source
from engine.datasets._text_rows.side_by_side import SideBySide
from presets import ConfigError, UserError

GOOD, BAD = "a fine, 'warm' film", 'so "dull"\tand flat'
ROWS = [(f"{(GOOD, BAD)[number % 2]} {number}", number % 2) for number in range(60)]


def info_of(path, **options):
    return text_table.info(text_table.Config(path=str(path), **options))


def texts_of(data, split="train"):
    """The texts of a split as its codec gives them back, with their classes."""
    part = getattr(data, split)
    batch = part.batch(np.arange(len(part)))
    return [(data.codec.decode(row), int(label)) for row, label in zip(batch.x, batch.y)]  # noqa: B905


def write_csv(path, rows, header=(), **options):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, **options)
        writer.writerows([header] if header else [])
        writer.writerows(rows)


def write_jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def imdb(folder):
    """IMDB as one CSV: a review may have line breaks and quotation marks."""
    rows = [(f"{text}\n<br />", ("negative", "positive")[label]) for text, label in ROWS]
    write_csv(folder / "IMDB Dataset.csv", rows, ("review", "sentiment"))
    return folder / "IMDB Dataset.csv", ("negative", "positive")


def sst2(folder):
    """SST-2 of GLUE: TSV without quoting; the test file has no labels."""
    for name, rows in (("train", ROWS), ("dev", ROWS[:8])):
        lines = [f"{text.replace(chr(9), ' ')}\t{label}" for text, label in rows]
        (folder / f"{name}.tsv").write_text("\n".join(["sentence\tlabel", *lines]) + "\n")
    (folder / "test.tsv").write_text("index\tsentence\n0\tno label here\n")
    return folder, ("0", "1")


def ag_news(folder):
    """AG News: CSV without a header, the class first, title and description after it."""
    for name, rows in (("train", ROWS), ("test", ROWS[:10])):
        cells = [(label + 1, f"Title {at}", text) for at, (text, label) in enumerate(rows)]
        write_csv(folder / f"{name}.csv", cells, quoting=csv.QUOTE_ALL)
    return folder, ("1", "2")


def json_lines(folder):
    rows = [
        {"id": at, "inner": {"text": text}, "label": label} for at, (text, label) in enumerate(ROWS)
    ]
    write_jsonl(folder / "train.jsonl", rows)
    return folder / "train.jsonl", ("0", "1")


def parquet(folder):
    """As data sets are published on hubs: several files a split, in a folder `data`."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    (folder / "data").mkdir()
    for name, rows in (
        ("train-00000-of-00002", ROWS[:30]),
        ("train-00001-of-00002", ROWS[30:]),
        ("validation-00000-of-00001", ROWS[:4]),
        ("test-00000-of-00001", ROWS[:6]),
    ):
        texts, labels = zip(*rows, strict=True)
        table = pyarrow.table({"idx": range(len(rows)), "sentence": texts, "label": labels})
        parquet.write_table(table, folder / "data" / f"{name}.parquet", row_group_size=7)
    return folder, ("0", "1")


@pytest.mark.parametrize("form", [imdb, sst2, ag_news, json_lines, parquet])
def test_common_data_sets(tmp_path, form):
    path, names = form(tmp_path)
    options = {"text": "inner.text"} if form is json_lines else {}
    config = text_table.Config(path=str(path), tokenizer="bytes", **options)
    info, data = text_table.info(config), text_table.build(config)
    assert info.names == names
    assert info.task == "classification"
    assert (info.input, info.num_symbols) == ("symbols", 260)
    found = [pair for split in ("train", "val", "test") for pair in texts_of(data, split)]
    for split, samples in info.samples.items():
        assert len(getattr(data, split)) == samples
        assert info.tokens[split] == getattr(data, split).lengths.sum()
    assert max(max(getattr(data, split).lengths) for split in info.samples) == info.input_shape[0]
    good = sum("fine, 'warm' film" in text for text, _ in found)
    assert {label for text, label in found if "fine" in text} == {0}
    assert {label for text, label in found if "dull" in text} == {1}
    assert good == len(found) / 2
    assert text_table.sample(config).rows[0]
    train = [int(text.split("film")[1].split()[0]) for text, label in texts_of(data) if not label]
    assert train == sorted(train)  # in the order of the file


def test_files_and_columns_that_were_taken_are_told(tmp_path):
    (tmp_path / "glue").mkdir()
    path, _ = sst2(tmp_path / "glue")
    info = info_of(path)
    assert info.samples["val"] == 8
    assert "train is read from train.tsv" in info.notes
    assert "text is sentence; label is label" in info.notes
    assert "test is taken from the rows by a hash of their number" in info.notes
    assert [caution for caution in info.cautions if "test.tsv is passed over" in caution]
    alone = info_of(path / "train.tsv")
    assert "train.tsv alone is used; its folder has dev.tsv, test.tsv, train.tsv" in alone.notes
    assert sum(alone.samples.values()) == 60
    news, _ = ag_news(tmp_path)
    assert "text is column 2 and 3; label is column 1" in info_of(news).notes


def test_columns_that_a_person_names(tmp_path):
    path = tmp_path / "own.csv"
    write_csv(path, [(at, text, label, -label) for at, (text, label) in enumerate(ROWS)], "abcd")
    for text, label in (("b", "c"), (2, 3), (("b",), 3)):
        assert info_of(path, text=text, label=label).names == ("0", "1")
    assert info_of(path, text="b", label="d").names == ("-1", "0")
    for options, said in [
        ({}, r"dataset.text: expected one of the columns 'a', 'b', 'c', 'd'; none has a name like"),
        ({"text": "x", "label": 3}, r"dataset.text: unknown column 'x': known: a, b, c, d"),
        ({"text": "b", "label": 9}, "dataset.label: expected a column from 1 to 4, got 9"),
    ]:
        with pytest.raises(ConfigError, match=said):
            info_of(path, **options)


def test_numbers_as_labels(tmp_path):
    path = tmp_path / "own.csv"
    write_csv(path, [(text, label + 0.5) for text, label in ROWS], ("text", "score"))
    config = text_table.Config(path=str(path), task="regression")
    info, data = text_table.info(config), text_table.build(config)
    assert (info.task, info.num_outputs) == ("regression", 1)
    y = data.train.batch(np.arange(len(data.train))).y
    assert y.shape == (info.samples["train"], 1)
    assert y.dtype == np.float32
    np.testing.assert_allclose([y.mean(), y.std()], [0, 1], atol=1e-6)
    write_csv(path, [*[(text, 1) for text, _ in ROWS], ("a", "x")], ("text", "score"))
    with pytest.raises(UserError, match=r"own.csv', line 62: expected a number as label, got 'x'"):
        info_of(path, task="regression")


def test_rows_on_demand_are_those_in_memory(tmp_path):
    path, _ = imdb(tmp_path)
    config = text_table.Config(path=str(path), vocabulary=100)
    data = text_table.build(config)
    rows = text_table._table(config).splits["train"]
    targets = data.train.batch(np.arange(len(rows))).y
    lazy = source.OnDemand(rows, lambda texts: (data.codec.encode(texts[0]), None), targets)
    assert lazy.loaded(rows.num_bytes - 1) is lazy
    for index in ([5, 0, 7], [1], list(range(len(rows)))):
        chosen = np.array(index)
        np.testing.assert_array_equal(lazy.batch(chosen).x, data.train.batch(chosen).x)
        np.testing.assert_array_equal(lazy.batch(chosen).y, data.train.batch(chosen).y)
    assert len(lazy) == len(lazy.lengths) == len(data.train)
    before = lazy.fingerprint()
    assert lazy.fingerprint() == before
    content = path.read_text()
    path.write_text(content.replace("fine", "good"))
    assert lazy.fingerprint() != before
    path.write_text(content[:100])
    with pytest.raises(UserError, match="has changed while it was read"):
        lazy.batch(np.arange(len(rows)))


def test_two_files_side_by_side(tmp_path):
    english, spanish = tmp_path / "corpus.en", tmp_path / "corpus.es"
    pairs = [
        (f"verse {at} “of” light", f"verso {at}\u2028 de la luz" + "!" * (at % 7))
        for at in range(60)
    ]
    english.write_text("\ufeff" + "".join(f"{one}\r\n" for one, _ in pairs), newline="")
    spanish.write_text("".join(f"{other}\n" for _, other in pairs))
    table = opened(
        str(english),
        (role_column_names.SOURCE, role_column_names.TARGET),
        {},
        target_path=str(spanish),
    )
    found = [rows[row] for rows in table.splits.values() for row in range(len(rows))]
    assert sorted(found) == sorted(pairs)
    assert isinstance(table.splits["val"]._files[0][0], SideBySide)
    spanish.write_text("".join(f"{other}\n" for _, other in pairs[:-1]))
    with pytest.raises(UserError, match=r"corpus.en', line 60: has no partner: .*corpus.es' ends"):
        opened(
            str(english),
            (role_column_names.SOURCE, role_column_names.TARGET),
            {},
            target_path=str(spanish),
        )


def test_pairs_and_summaries_as_they_are_published(tmp_path):
    tatoeba = tmp_path / "eng-spa.tsv"
    tatoeba.write_text("".join(f'"Go" {at}.\tVe {at}.\tCC-BY\n' for at in range(60)))
    wmt, cnn = tmp_path / "wmt.jsonl", tmp_path / "cnn.jsonl"
    write_jsonl(wmt, [{"translation": {"en": f"Go {at}", "de": f"Geh {at}"}} for at in range(60)])
    write_jsonl(
        cnn,
        [{"article": f"Long {at}", "highlights": [f"S {at}", "t"], "id": at} for at in range(60)],
    )
    xsum = tmp_path / "xsum.jsonl"
    write_jsonl(xsum, [{"document": f"Long {at}", "summary": f"S {at}"} for at in range(60)])
    pair, summary = (
        (role_column_names.SOURCE, role_column_names.TARGET),
        (role_column_names.DOCUMENT, role_column_names.SUMMARY),
    )
    for path, asked, expected in (
        (tatoeba, pair, ('"Go" 0.', "Ve 0.")),
        (wmt, pair, ("Go 0", "Geh 0")),
        (cnn, summary, ("Long 0", "S 0\nt")),
        (xsum, summary, ("Long 0", "S 0")),
    ):
        given = {"target": ("translation.de",)} if path is wmt else {}
        table = opened(str(path), asked, given)
        first = [rows[0] for rows in table.splits.values() if len(rows) and rows._line[0] <= 2]
        assert expected in first


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "text,label\n" + "x,1\n" * 50 + "x,1,2\n", "a.csv', line 52: has 3 cells; expec"),
        ("a.csv", "text,label\n" + "x,1\n" * 50 + '"x,1\n', "a.csv', line 52: unexpected end of"),
        (
            "a.csv",
            b"text,label\n" + b"x,1\n" * 50 + b"\xe9,1\n",
            "line 52: expected UTF-8 text, but",
        ),
        ("a.csv", "", "a.csv' is empty"),
        ("a.csv", "text,label\nx,1\ny,0\n", "gives 2 rows, of which"),
        (
            "a.csv",
            "text,label\n" + "x,1\n" * 60,
            "dataset.label: the column has 1 different labels",
        ),
        (
            "a.jsonl",
            '{"text": "x", "label": 1}\n' * 50 + "{\n",
            "a.jsonl', line 51: expected one JS",
        ),
        (
            "a.jsonl",
            '{"text": "x", "label": 1}\n{"text": "y"}\n',
            "line 2: has no 'label'; expected",
        ),
        (
            "a.json",
            '[{"text": "x", "label": 1}]',
            "line 1: is a list; expected one JSON object a l",
        ),
        ("a.parquet", "PAR1 no", "a.parquet' is no parquet file ("),
        ("a.xlsx", "x", "a.xlsx' is no file of rows; expected one of .csv, .tsv"),
    ],
)
def test_one_line_for_what_cannot_be_used(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as raised:
        info_of(path)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith("dataset.")


def test_one_line_for_folders_and_packages_that_are_missing(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match=r"has no file of training rows, such as train.csv"):
        info_of(tmp_path)
    (tmp_path / "train.csv").write_text("text,label\n")
    (tmp_path / "test.jsonl").write_text("{}\n")
    with pytest.raises(ConfigError, match=r"has files of several kinds \(.csv, .jsonl\)"):
        info_of(tmp_path)
    path, _ = parquet(tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"needs pyarrow; pip install 'bigmodel-tui\[parquet\]'"):
        info_of(path / "data" / "test-00000-of-00001.parquet")


def test_rows_that_lack_something_are_left_out_and_counted(tmp_path):
    path = tmp_path / "own.csv"
    write_csv(path, [*ROWS, ("", 1), ("  ", 0), ("text", "")], ("text", "label"))
    info = info_of(path)
    assert sum(info.samples.values()) == 60
    assert info.cautions == ("rows that lack something, left out: 3",)
    (tmp_path / "all").mkdir()
    for name, rows in (("train", ROWS), ("test", [*ROWS[:3], ("new", "2")])):
        write_csv(tmp_path / "all" / f"{name}.csv", rows, ("text", "label"))
    with pytest.raises(UserError, match=r"test.csv', line 5: label '2' is not in the training row"):
        info_of(tmp_path / "all")


def test_a_network_learns_from_a_table(tmp_path, train):
    path, _ = imdb(tmp_path)
    settings = {"dataset.path": str(path), "dataset.vocabulary": 100, "epochs": 6, "device": "cpu"}
    events = train(
        configure.resolve(
            model="text-cnn", dataset="text-table", settings={**settings, "optimizer.lr": 0.01}
        )
    )
    tested = [event for event in events if getattr(event, "split", "") == "test"]
    assert tested[0].values["accuracy"] == 1
    assert registry.names("dataset").count("text_table") == 1
