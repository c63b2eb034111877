"""CSV tables and JSON lines: columns, steps and times, also anew and past damage."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from support.foreign_runs import LOGS, Watched, load, metrics, said
from tui.runs.foreign import growing_file, steps_on_one_axis


def test_tables_of_keras_and_ultralytics() -> None:
    keras = load(LOGS / "keras.csv")
    assert metrics(keras)["val/accuracy"] == ([0, 1], ["0.6", "0.7"])  # NA is none
    assert metrics(keras)["val/loss"] == ([0, 1, 2], ["1.25", "1.0", "nan"])
    assert keras.damaged == 0
    results = load(LOGS / "results.csv")
    assert results.metrics.keys() == {
        "train/box_loss",
        "metrics/mAP50(B)",
        "val/box_loss",
        "lr/pg0",
    }
    assert results.seconds.values.tolist() == [12.5, 25]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.csv", "x,y\n1,2\n", {"x": ([1], ["1.0"]), "y": ([1], ["2.0"])}),
        ("a.csv", "1,2\n", {"column 1": ([1], ["1.0"]), "column 2": ([1], ["2.0"])}),
        ("a.tsv", "iter\tloss\n5\t1e-3\n", {"train/loss": ([5], ["0.001"])}),
        ("a.csv", "# a comment\nstep;loss\n0;1\n", {"train/loss": ([0], ["1.0"])}),
        ("a.csv", '"step","loss, mean"\n"1","2"\n', {"loss, mean": ([1], ["2.0"])}),
        ("a.csv", "step,loss,note\r\n1,0.5,good\r\n", {"train/loss": ([1], ["0.5"])}),
        ("a.jsonl", '{"step":1,"a":{"b":2},"c":"x","d":true}\n', {"a/b": ([1], ["2.0"])}),
        ("a.jsonl", '{"loss":NaN}\n{"loss":"inf"}\n', {"train/loss": ([1, 2], ["nan", "inf"])}),
        ("a.log", '{"epoch":0,"test_loss":2}\n', {"test/loss": ([0], ["2.0"])}),
        ("a.jsonl", '{"k":1}\n{"step":0,"a":2}\n', {"a": ([0], ["2.0"])}),  # k is a setting
    ],
)  # fmt: skip
def test_tables_and_lines(tmp_path: Path, name: str, text: str, expected: Any) -> None:
    (tmp_path / name).write_text(text)
    state = load(tmp_path / name)
    assert metrics(state) == expected
    assert state.damaged == 0


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_steps_that_begin_again_in_each_epoch_are_counted_on(tmp_path: Path, name: str) -> None:
    rows = [(epoch, number) for epoch in range(1, 4) for number in (50, 100)]
    if name == "a.csv":
        lines = ["epoch,iter,loss", *(f"{epoch},{number},1" for epoch, number in rows)]
    else:
        lines = [json.dumps({"epoch": e, "iter": n, "loss": 1}) for e, n in rows]
    (tmp_path / name).write_text("\n".join([*lines, ""]))
    state = load(tmp_path / name)
    assert state.metrics["train/loss"].steps.tolist() == [50, 100, 150, 200, 250, 300]
    assert "steps begin again in each epoch: they are counted on" in said(state)


def test_a_better_step_that_comes_later_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"epoch":1,"val_loss":2}\n{"epoch":1,"step":100,"loss":1}\n')
    assert metrics(load(path))["train/loss"] == ([100], ["1.0"])


def test_times_as_dates_and_milliseconds(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("step,timestamp,loss\n1,2026-01-01T00:00:00,1\n2,2026-01-01T00:01:30,1\n")
    assert load(path).seconds.values.tolist() == [0, 90]
    path.write_text("step,time,loss\n1,1700000000000,1\n2,1700000002500,1\n")
    assert load(path).seconds.values.tolist() == [0, 2.5]


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("a.csv", "step,loss\n1,5\n2,4\n3,3\n", "step,loss\n1,9\n2,8\n"),
        ("a.csv", "step,loss\n1,5\n2,4\n", "step,acc,loss\n1,0.1,9\n2,0.2,8\n"),
        ("a.jsonl", '{"it":1,"loss":5}\n{"it":2}\n', '{"it":1,"loss":9}\n{"it":2,"loss":8}\n'),
    ],
)  # fmt: skip
def test_a_log_that_another_run_writes_anew_begins_again(
    tmp_path: Path, name: str, before: str, after: str
) -> None:
    path = tmp_path / name
    path.write_text(before)
    watched = Watched(path)
    watched.catch_up()
    path.write_text(after)
    state = watched.catch_up()
    assert metrics(state)["train/loss"] == ([1, 2], ["9.0", "8.0"])


def test_steps_that_go_back_again_and_again_cost_no_points(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("step,loss\n" + "".join(f"{n % 2},{n}\n" for n in range(2000)))
    state = load(path)
    assert steps_on_one_axis.FELL in said(state)
    series = state.metrics["train/loss"]
    assert series.steps.tolist() == [0] * 1000 + [1] * 1000
    assert series.values.tolist() == [*range(0, 2000, 2), *range(1, 2000, 2)]


def test_a_last_line_without_its_end_counts_once_nobody_writes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("step,loss\n1,5\n2,0.1")
    watched = Watched(path)
    assert len(watched.catch_up().metrics["train/loss"]) == 1
    old = time.time() - growing_file.SETTLED_SECONDS - 5
    os.utime(path, (old, old))
    assert len(watched.catch_up().metrics["train/loss"]) == 2
    with path.open("a") as file:  # it was not whole after all
        file.write("234\n3,4\n")
    state = watched.catch_up()
    assert metrics(state)["train/loss"] == ([1, 2, 3], ["5.0", "0.1", "4.0"])
    assert state.damaged == 1


def test_lines_that_are_none_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b'{"step":1,"loss":1}\n{"st\n[1]\n' + b"x" * 3_000_000 + b'\n{"step":2,"loss":1}\n'
    )
    state = load(path)
    assert (len(state.metrics["train/loss"]), state.damaged) == (2, 3)
    path = tmp_path / "a.csv"
    path.write_text('step,loss\n1,1\n1,2,3\n2\n"3,1\n-4,1\n5,x\n6,1\n')
    state = load(path)
    assert metrics(state) == {"train/loss": ([1, 6], ["1.0", "1.0"])}
    assert state.damaged == 3  # a row may end early
