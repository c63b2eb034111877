"""`bigmodel-tui export`: JSON lines, names of columns, and one line for each mistake."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.runs.events import Scalars
from support.exporting import begun, invoke, refusal
from support.recorded import record
from tui.commands.export import command as export_command
from tui.commands.export import tables as export
from tui.plots import x_scale
from tui.runs import loading
from tui.runs.foreign import sniff
from tui.runs.state.store import RunState


def written(write: Callable[[RunState, io.StringIO], None], state: RunState) -> str:
    file = io.StringIO()
    write(state, file)
    return file.getvalue()


def test_json_lines_have_the_columns_and_the_digits_of_the_csv(
    runs_root: Path, tmp_path: Path
) -> None:
    record(runs_root, "abc", steps=6)
    text = invoke("abc", "--format", "jsonl").stdout
    records = [json.loads(line) for line in text.splitlines()]
    table = list(csv.DictReader(io.StringIO(invoke("abc", "--format", "csv").stdout)))
    assert len(records) == len(table) == 6
    for each, row in zip(records, table, strict=True):
        assert list(each) == list(row)
        plain = {name: "" if value is None else repr(value) for name, value in each.items()}
        assert plain == row
    file = tmp_path / "out.jsonl"
    assert invoke("abc", "--format", "jsonl", "--output", str(file)).output == ""
    assert file.read_text() == text


def test_json_lines_are_read_back(runs_root: Path, tmp_path: Path) -> None:
    run = record(runs_root, "abc", steps=6)
    file = tmp_path / "out.jsonl"
    invoke("abc", "--format", "jsonl", "--output", str(file))
    (found,) = sniff.open_source(file)
    ours, theirs = loading.load(run).metrics, loading.load(found).metrics
    assert set(ours) <= set(theirs)
    for name, series in ours.items():
        assert theirs[name].steps.tolist() == series.steps.tolist()
        assert theirs[name].values.tolist() == series.values.tolist()


def test_what_is_not_finite_is_a_text_as_in_the_log() -> None:
    values = {"train/loss": ["nan", "inf", "-inf", 1.5]}
    state = begun(Scalars(step=[1, 2, 3, 4], seconds=[1, 2, 3, 4], values=values))
    lines = written(export.write_jsonl, state).splitlines()
    assert [json.loads(line)["train/loss"] for line in lines] == ["nan", "inf", "-inf", 1.5]
    rows = csv.DictReader(io.StringIO(written(export.write_csv, state)))
    assert [row["train/loss"] for row in rows] == ["nan", "inf", "-inf", "1.5"]


def test_no_metric_hides_another_one() -> None:
    values = {name: [float(place)] for place, name in enumerate(["step", "time", "a\n", "a\t"])}
    state = begun(Scalars(step=[7], seconds=[0.5], values=values))
    made = json.loads(written(export.write_jsonl, state))
    assert {name: value for name, value in made.items() if value is not None} == {
        "step": 7,
        "time": 0.5,
        "step'": 0.0,
        "time'": 1.0,
        "a ": 2.0,
        "a '": 3.0,
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("abc abd --format csv", "--format csv: one run at a time, got 2"),
        ("abc abd --format jsonl", "--format jsonl: one run at a time, got 2"),
        ("abc --format tensorboard", "--format tensorboard: name a folder with --output DIR"),
        ("abc --format csv --metric lr", "--metric is for pictures: --format svg or png"),
        ("abc --format jsonl --x step", "--x is for pictures: --format svg or png"),
        ("abc --format csv --log-y", "--log-y is for pictures: --format svg or png"),
        ("abc --format csv --smooth ema", "--smooth is for pictures: --format svg or png"),
        ("abc nosuch --format svg", "no run 'nosuch' in "),
        ("--format svg", "Missing argument 'RUN [RUN ...]'; see `bigmodel-tui export --help`"),
        ("abc --format svg --x day", "Invalid value for '--x': 'day' is not one of 'step', "),
    ],
)
def test_bad_usage(runs_root: Path, arguments: str, message: str) -> None:
    record(runs_root, "abc", steps=2)
    record(runs_root, "abd", steps=2)
    assert refusal(*arguments.split()).startswith(message)


@pytest.mark.parametrize("kind", ["jsonl", "svg", "png"])
def test_a_file_that_cannot_be_written(runs_root: Path, tmp_path: Path, kind: str) -> None:
    record(runs_root, "abc")
    line = refusal("abc", "--format", kind, "--output", str(tmp_path))
    assert line == f"{tmp_path}: cannot be written (Is a directory)"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="has no /dev/full")
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_full_disk_behind_standard_output_is_one_line(runs_root: Path, kind: str) -> None:
    record(runs_root, "abc", steps=2)  # less than a buffer
    code = "from tui.cli import main; main()"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, "export", "abc", "--format", kind],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.stderr == (
        "bigmodel-tui: standard output: cannot be written (No space left on device)\n"
    )
    assert done.returncode == 2


def test_the_command_knows_every_axis() -> None:
    assert export_command.X_AXES == x_scale.KINDS


def test_a_metric_that_was_never_logged_has_no_column() -> None:
    assert export.columns(begun()) == []
    values = {"train/loss": [1.0], "mine": [2.0]}
    some = begun(Scalars(step=[1], seconds=[0.1], values=values))
    assert written(export.write_csv, some).splitlines()[0] == "step,time,train/loss,mine"
    every = {name: [1.0] for name in export.STEP_COLUMNS}
    full = begun(Scalars(step=[1], seconds=[0.1], values=every))
    assert export.columns(full) == list(export.STEP_COLUMNS)
