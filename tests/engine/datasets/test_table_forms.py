"""Tables as people's tools write them: no number is misread, no row is lost without a word."""

import csv as writer
import io
from datetime import UTC, datetime
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import configure
from engine.datasets import csv
from engine.datasets._tables import cells, reading
from engine.runs.events import LogLine
from presets import ConfigError

ROWS = 80
RANDOM = np.random.default_rng(3)
VALUES = RANDOM.normal(0, 3, ROWS).round(4)
WORDS = [f"w{row % 3}" for row in range(ROWS)]
TRAIN = np.array([reading.split_of(row) == "train" for row in range(ROWS)])


def table(*columns, header=None, delimiter=","):
    file = io.StringIO()
    out = writer.writer(file, delimiter=delimiter, lineterminator="\n")
    out.writerows([header] if header is not None else [])
    out.writerows(zip(*columns, strict=True))
    return file.getvalue()


@pytest.fixture
def written(tmp_path):
    numbers = count()

    def write(content, **options):
        path = tmp_path / f"{next(numbers)}.csv"
        path.write_text(content, encoding="utf-8")
        return csv.Config(path=str(path), **options)

    return write


def said(config):
    info = csv.info(config)
    return "\n".join((*info.notes, *info.cautions))


def refusal(config):
    with pytest.raises(ConfigError) as caught:
        csv.info(config)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def scaled(values):
    values = np.asarray(values, float)
    return (values - values[TRAIN].mean()) / values[TRAIN].std()


def first_input(config):
    """The first input of all rows, in their order."""
    data, found = csv.build(config), np.empty(ROWS)
    for split in ("train", "val", "test"):
        rows = [row for row in range(ROWS) if reading.split_of(row) == split]
        found[rows] = getattr(data, split).x[:, 0]
    return found


NUMBERS = st.lists(
    st.integers(-(10**9), 10**9).map(lambda n: n / 10**4), min_size=ROWS, max_size=ROWS
).filter(lambda values: len({*values}) > 40)


@given(
    NUMBERS,
    st.sampled_from([(",", "."), (";", "."), (";", ","), ("\t", ","), ("|", ",")]),
    st.sampled_from(["", "\u202f", "'", "other"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_a_table_in_any_form_is_the_same_numbers(  # noqa: PLR0917 (Hypothesis gives them)
    tmp_path_factory, values, marks, group, header, index, trailing
):
    delimiter, mark = marks
    between = {"other": "." if mark == "," else ","}.get(group, group)
    # Four decimals in one value at least say which mark is which.
    texts = [f"{value:,.4f}".translate({44: between, 46: mark}) for value in values]
    columns = [texts, WORDS]
    names = ["a", "target"]
    if index:
        columns, names = [list(map(str, range(ROWS))), *columns], ["", *names]
    if trailing:
        columns, names = [*columns, [""] * ROWS], [*names, ""]
    content = table(*columns, header=names if header else None, delimiter=delimiter)
    path = tmp_path_factory.mktemp("form") / "t.csv"
    path.write_text(content, encoding="utf-8")
    config = csv.Config(path=str(path))
    info = csv.info(config)
    assert (info.task, info.names, info.input_shape) == ("classification", ("w0", "w1", "w2"), (1,))
    assert sum(info.samples.values()) == ROWS
    np.testing.assert_allclose(first_input(config), scaled(values), rtol=1e-4, atol=1e-4)
    told = said(config)
    assert ("no header" in told) == (not header)
    assert ("numbers the rows and is left out" in told) == index
    assert ("numbers written otherwise" in told) == any("." in t or "," in t for t in texts) * (
        mark == "," or bool(between and any(abs(value) >= 1000 for value in values))
    )


@given(st.text(alphabet="0123456789_.,eE+-'% \u0663\u00b2infx", max_size=8))
def test_what_is_read_as_a_number_is_what_python_reads(text):
    cell = text.strip()
    found = cells.numbers([cell], ".") if cell else None
    try:
        expected = float(cell) if cell.isascii() and "_" not in cell else None
    except ValueError:
        expected = None
    if expected is not None and not np.isnan(expected):
        assert found is not None
        assert found.values == [expected]
    elif found is not None:  # thousands or per cent, which Python does not read
        assert not found.plain
        assert any(mark in cell for mark in ",' %")


def test_no_number_is_made_of_a_word(written):
    codes = [f"1_{row % 9}" for row in range(ROWS)]
    config = written(table(VALUES, codes, VALUES, header=["a", "b", "y"]))
    assert csv.info(config).input_shape == (1 + 9,)
    assert "b (9): words" in said(config)
    mixed = [str(row % 5) for row in range(ROWS)]
    mixed[7] = "x"
    config = written(table(mixed, VALUES, header=["b", "y"]))
    assert "b is taken for words: 'x' in row 9 is no number" in said(config)


def test_a_mark_that_may_be_both_is_asked_for(written):
    thousands = [f"{1 + row % 9},{100 + row}" for row in range(ROWS)]
    points = [value.replace(",", ".") for value in thousands]
    alone = table(thousands, WORDS, header=["a", "y"], delimiter=";")
    assert "'1,100' may be 1100 or 1.1; dataset.decimal=point or comma" in refusal(written(alone))
    for decimal, first in (("point", 1100), ("comma", 1.1)):
        config = written(alone, decimal=decimal)
        assert f"(1,100 = {first})" in said(config)
    # Other columns decide.
    beside = [["0.5", "1.5"][row % 2] for row in range(ROWS)]
    config = written(table(thousands, beside, WORDS, header=["a", "b", "y"], delimiter=";"))
    assert "a (1,100 = 1100)" in said(config)
    beside = [["0,5", "1,5"][row % 2] for row in range(ROWS)]
    config = written(table(points, beside, WORDS, header=["a", "b", "y"], delimiter=";"))
    assert "a (1.100 = 1100)" in said(config)
    # A point with three digits is what programs write.
    assert "otherwise" not in said(written(table(points, WORDS, header=["a", "y"])))


@pytest.mark.parametrize(
    ("first", "header"),
    [
        (["0.844", "0.758", "w1"], False),
        (["0.844", "0.758", "new"], False),
        (["a", "0.758", "w1"], True),
        (["1990", "1991", "1992"], True),
        (["x", "y", "z"], True),
    ],
)
def test_a_header_is_told_by_the_columns_below(written, first, header):
    numbers = first == ["1990", "1991", "1992"]
    below = [VALUES, VALUES[::-1], VALUES if numbers else WORDS]
    content = table(*below, header=first)
    info = csv.info(written(content))
    assert sum(info.samples.values()) == ROWS + (not header)
    assert any("no header" in line for line in info.cautions) != header
    for asked, rows in (("yes", ROWS), ("no", ROWS + 1)):
        try:
            found = csv.info(written(content, header=asked))
        except ConfigError as error:  # names in columns of numbers are texts
            assert "different texts" in str(error)  # noqa: PT017 (where it is refused)
        else:
            assert sum(found.samples.values()) == rows


def test_columns_without_a_name_have_a_number(written):
    content = table(range(ROWS), VALUES, WORDS, VALUES, header=["", "a", "", "y"])
    config = written(content)
    assert "column 1 numbers the rows and is left out" in said(config)
    assert csv.info(config).input_shape == (1 + 3,)
    assert csv.info(written(content, ignore=(3,))).input_shape == (1,)
    assert csv.info(written(content, inputs=(1, 2))).input_shape == (2,)
    assert csv.info(written(content, target=3)).names == ("w0", "w1", "w2")
    assert csv.info(written(content, target=1)).names == ("column 1",)
    assert "expected a column from 1 to 4, got 5" in refusal(written(content, ignore=(5,)))
    # As R writes it: no name at all.
    lines = content.splitlines()
    config = written("\n".join(['"a","","y"', *lines[1:]]))
    assert "column 1 numbers the rows and is left out" in said(config)


def lacking():
    numbers, words = [f"{value}" for value in VALUES], list(WORDS)
    numbers[3] = numbers[30] = "NA"
    words[4] = ""
    return table(numbers, words, VALUES, header=["a", "b", "y"])


def test_missing_values_are_refused_with_the_setting(written):
    line = refusal(written(lacking()))
    assert "row 5, column 'a': missing value, got 'NA'" in line
    assert "'a' 2, 'b' 1" in line
    assert "dataset.missing=drop, mean or category" in line


def test_missing_values_are_dropped_or_filled(written):
    dropped = csv.info(written(lacking(), missing="drop"))
    assert sum(dropped.samples.values()) == ROWS - 3
    assert "3 rows are left out for missing values: a (2), b (1)" in dropped.cautions
    rows = [row for row in range(ROWS) if row not in (3, 4, 30)]
    assert dropped.samples["train"] == sum(TRAIN[rows])  # the others stay where they were

    config = written(lacking(), missing="mean")
    assert csv.info(config).input_shape == (1 + 4,)  # a missing word is one of its own
    values = VALUES.copy()
    values[[3, 30]] = np.nan
    values[[3, 30]] = np.nanmean(values[TRAIN])
    np.testing.assert_allclose(first_input(config), scaled(values), rtol=1e-4, atol=1e-4)
    assert "a (2), b (1), filled with the mean of the training rows" in said(config)

    data = csv.build(written(lacking(), missing="category"))
    x = np.concatenate([getattr(data, split).x for split in ("train", "val", "test")])
    assert x.shape[1] == 2 + 4
    assert x[:, 1].sum() == 2
    assert x[:, 2].sum() == 1


@pytest.mark.parametrize("missing", ["mean", "category"])
def test_a_missing_target_is_never_filled(written, missing):
    target = [f"{value}" for value in VALUES]
    target[5] = ""
    info = csv.info(written(table(VALUES, target, header=["a", "y"]), missing=missing))
    assert sum(info.samples.values()) == ROWS - 1
    assert "1 rows are left out for missing values: y (1)" in info.cautions


@pytest.mark.parametrize("bad", ["", "NaN", "inf", "1e31", "1,234.5.6"])
def test_columns_that_are_not_used_are_not_checked(written, bad):
    unused = [bad if row % 3 else f"text {row}" for row in range(ROWS)]
    content = table(unused, VALUES, unused, VALUES, header=["age", "x", "cabin", "y"])
    info = csv.info(written(content, ignore=("age", "cabin")))
    assert (info.input_shape, sum(info.samples.values())) == ((1,), ROWS)
    assert csv.info(written(content, inputs=("x",))) == info


@pytest.mark.parametrize(
    "form", ["%Y-%m-%d", "%Y/%m/%d %H:%M", "%d.%m.%Y", "%m/%d/%Y", "%Y-%m-%dT%H:%M:%S+02:00"]
)
def test_dates_are_seconds(written, form):
    days = [datetime(2020, 1, 1 + row % 28, 3 * (":" in form), tzinfo=UTC) for row in range(ROWS)]
    config = written(
        table([day.strftime(form) for day in days], VALUES, header=["when", "y"], delimiter=";")
    )
    assert "when: dates, as seconds since 1970" in said(config)
    seconds = [day.timestamp() for day in days]
    np.testing.assert_allclose(first_input(config), scaled(seconds), rtol=1e-4, atol=1e-4)
    assert cells.dates([days[1].strftime(form)] if form != "%m/%d/%Y" else ["01/13/2020"])


def test_a_day_that_may_be_a_month_is_asked_for(written):
    days = [f"0{1 + row % 9}/0{1 + row % 7}/2020" for row in range(ROWS)]
    line = refusal(written(table(days, VALUES, header=["when", "y"])))
    assert "may begin with the day or the month; write the year first" in line


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ([row % 2 for row in range(ROWS)], "regression: y has numbers (0, 1); for classes: "),
        ([row % 9 for row in range(ROWS)], "regression: y has numbers (0 to 8); for classes: "),
        (VALUES, ""),
        (WORDS, ""),
    ],
)
def test_the_task_is_said_and_why(written, train, target, told):
    config = written(table(VALUES, target, header=["a", "y"]))
    cautions = csv.info(config).cautions
    assert len(cautions) == bool(told)
    assert all(line == f"{told}dataset.task=classification" for line in cautions)
    kind = (
        "classification, 3 classes, for it has words"
        if target is WORDS
        else ("regression, for it has numbers only")
    )
    assert f"predicts y: {kind}" in csv.info(config).notes
    settings = {"dataset.path": config.path, "steps": 2, "device": "cpu"}
    events = train(configure.resolve(dataset="csv", settings=settings))
    log = [event.message for event in events if isinstance(event, LogLine)]
    for line in (*csv.info(config).notes, *cautions):
        assert f"csv: {line}" in log
    if told:
        chosen = written(table(VALUES, target, header=["a", "y"]), task="classification")
        assert not csv.info(chosen).cautions
        assert "as dataset.task says" in said(chosen)


def test_an_empty_column_is_left_out_and_said(written):
    content = table(VALUES, [""] * ROWS, VALUES, header=["a", "b", "y"])
    config = written(content)
    assert "b is empty and left out" in csv.info(config).cautions
    assert csv.info(config).input_shape == (1,)


def test_a_header_longer_than_what_is_looked_at_first(written):
    names = [f"a long name of column number {number}" for number in range(3000)]
    config = written(table(*[[str(row) for row in range(ROWS)]] * 3000, header=names))
    assert csv.info(config).input_shape == (2999,)
