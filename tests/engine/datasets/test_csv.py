"""Tables: columns become numbers, and every mistake in a file is one line."""

import subprocess
import sys
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import configure
from engine.datasets import csv
from engine.datasets._tables import reading
from presets import ConfigError

RANDOM = np.random.default_rng(0)
ROWS = 200
AGES = RANDOM.normal(40, 10, ROWS).round(3)
TOWNS = RANDOM.choice(["Bonn", "Köln", "Ulm"], ROWS)
SPLITS = np.array([reading.split_of(row) for row in range(ROWS)])


def table(target, *, delimiter=",", header="age,town,constant,target"):
    lines = [header.replace(",", delimiter)]
    lines += [
        delimiter.join([str(age), f'"{town}"', "1", str(value)])
        for age, town, value in zip(AGES, TOWNS, target, strict=True)
    ]
    return "\n".join(lines) + "\n"


def written(folder, content, **options):
    path = folder / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return csv.Config(path=str(path), **options)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_classes(tmp_path, delimiter):
    target = np.where(AGES > 40, "old", "young")
    config = written(tmp_path, table(target, delimiter=delimiter))
    info, data = csv.info(config), csv.build(config)
    assert (info.task, info.names, info.num_outputs) == ("classification", ("old", "young"), 2)
    assert info.input_shape == (1 + 3 + 1,)
    for split, samples in info.samples.items():
        x, y = getattr(data, split).x, getattr(data, split).y
        assert x.shape == (samples, 5)
        assert (x.dtype, y.dtype, y.shape) == (np.float32, np.int64, (samples,))
        assert samples == (split == SPLITS).sum()
        np.testing.assert_array_equal(y, (target == "young")[split == SPLITS])
        np.testing.assert_array_equal(
            x[:, 1:4], TOWNS[split == SPLITS][:, None] == ["Bonn", "Köln", "Ulm"]
        )
        assert not x[:, 4].any()
    ages = AGES[SPLITS == "train"]
    expected = (AGES[SPLITS == "test"] - ages.mean()) / ages.std()
    np.testing.assert_allclose(data.test.x[:, 0], expected, rtol=1e-4, atol=1e-5)


def test_numbers(tmp_path):
    target = 3 * AGES + 5
    config = written(tmp_path, table(target))
    info, data = csv.info(config), csv.build(config)
    assert (info.task, info.names, info.num_outputs) == ("regression", ("target",), 1)
    assert data.train.y.shape == (info.samples["train"], 1)
    assert data.train.y.dtype == np.float32
    assert abs(data.train.y.mean()) < 1e-5
    assert data.train.y.std() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(data.val.y[:, 0], data.val.x[:, 0], atol=1e-4)


def test_the_rule_of_the_task_and_its_options(tmp_path):
    content = table(np.arange(ROWS) % 3)
    assert csv.info(written(tmp_path, content)).task == "regression"
    classes = csv.info(written(tmp_path, content, task="classification"))
    assert (classes.task, classes.names) == ("classification", ("0", "1", "2"))
    other = csv.info(written(tmp_path, content, target="town", ignore=("constant",)))
    assert (other.task, other.names, other.input_shape) == (
        "classification",
        ("Bonn", "Köln", "Ulm"),
        (2,),
    )


def test_training_rows_stay_where_rows_are_added(tmp_path):
    longer = csv.build(written(tmp_path, table(AGES)))
    shorter = csv.build(written(tmp_path, "".join(table(AGES).splitlines(keepends=True)[:101])))
    assert len(shorter.val.x) == (SPLITS[:100] == "val").sum()
    assert len(longer.val.x) > len(shorter.val.x)


def test_a_csv_of_the_user_trains(tmp_path, train):
    target = np.where(AGES > 40, "old", "young")
    config = written(tmp_path, table(target))
    settings = {"dataset.path": config.path, "epochs": 20, "device": "cpu", "model.dropout": 0}
    events = train(configure.resolve(dataset="csv", settings=settings))
    test = [event for event in events if getattr(event, "split", "") == "test"]
    assert test[0].values["accuracy"] >= 0.9


GOOD = table(AGES)
LINES = GOOD.splitlines()


def changed(line, text):
    lines = list(LINES)
    lines[line] = text
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", {}, "expected a header"),
        ("\n" * 50, {}, "expected a header"),
        ("a\n" + "1\n" * 50, {}, "has 1 column; expected at least 2"),
        ("a,b\n" + "1,2\n" * 39, {}, "has 39 rows; expected at least 40 after the header"),
        ("a,b,a\n" + "1,2,3\n" * 50, {}, "the header has 'a' twice"),
        (changed(7, "1,Ulm,,3"), {}, "row 8, column 'constant': missing value, got ''"),
        (changed(7, "NaN,Ulm,1,3"), {}, "row 8, column 'age': missing value, got 'NaN'"),
        (changed(9, "1,Ulm,1"), {}, "row 10 has 3 cells; expected 4"),
        (changed(9, '1,"Ulm"x,1,2'), {}, "line 10: "),
        (changed(3, "old,Ulm,1,3"), {}, "column 'age' has 199 different texts, such as 'old'"),
        (
            changed(3, "inf,Ulm,1,3"),
            {},
            "row 4, column 'age': expected a number up to 1e+30, got 'inf'",
        ),
        (changed(3, "1,Ulm,1,high"), {"task": "regression"}, "column 'target' has 'high'"),
        (GOOD, {"target": "tagret"}, "dataset.target: unknown column 'tagret': did you mean"),
        (GOOD, {"ignore": ("twon",)}, "dataset.ignore: unknown column 'twon'"),
        (GOOD, {"target": "age", "ignore": ("age",)}, "dataset.ignore: has the target 'age'"),
        (GOOD, {"ignore": ("age", "town", "constant")}, "leaves no column to predict from"),
        (
            GOOD,
            {"target": "constant", "task": "classification"},
            "column 'constant' has 1 different classes; expected 2 to 1000",
        ),
        (GOOD.encode("latin-1"), {}, "is not UTF-8 text"),
    ],
    ids=count(),
)
def test_one_line_for_what_cannot_be_used(tmp_path, content, options, message):
    with pytest.raises(ConfigError) as caught:
        csv.info(written(tmp_path, content, **options))
    assert message in str(caught.value)
    assert str(caught.value).startswith("dataset.")
    assert len(str(caught.value).splitlines()) == 1


CELLS = st.one_of(
    st.sampled_from(["1", "2.5", "-3e4", "x", "", "NaN", '"', "inf", "1e400", "\x00", "\r", "é"]),
    st.text(max_size=5),
)


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=6)
    ),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["auto", "classification", "regression"]),
    st.sampled_from([0, 50]),
)
def test_any_file_is_a_table_or_one_line(tmp_path_factory, rows, delimiter, task, repeated):
    lines = [delimiter.join(cells) for cells in rows]
    content = "\n".join(lines + lines[-1:] * repeated)
    folder = tmp_path_factory.mktemp("csv")
    config = written(folder, content.encode("utf-8", "surrogatepass"), task=task)
    try:
        info = csv.info(config)
    except ConfigError as error:
        problem = str(error)
    else:
        problem = ""
    assert len(problem.splitlines()) <= 1
    if problem:
        return
    data = csv.build(config)
    for split, samples in info.samples.items():
        x, y = getattr(data, split).x, getattr(data, split).y
        assert x.shape == (samples, *info.input_shape)
        assert np.isfinite(x).all()
        assert np.isfinite(y).all()
        assert len(y) == samples > 0


def test_a_table_is_checked_without_numpy_and_torch(tmp_path):
    config = written(tmp_path, GOOD)
    code = (
        "import sys; from engine.datasets import csv, image_folder, text\n"
        f"csv.info(csv.Config(path={config.path!r}))\n"
        "assert not {'torch', 'numpy', 'PIL.Image'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
