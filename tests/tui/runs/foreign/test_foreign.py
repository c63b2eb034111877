"""Logs of other programs: what is read of each kind, also while it grows and past damage."""

import json
import math
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.runs.events import RunEnded
from engine.runs.run_directory import RunDir
from presets import UserError
from support import foreign_logs as logs
from support.recorded import FIXTURES, record
from support.seen import rows, text, until, until_shown
from tui import cli
from tui.app import BigModelApp
from tui.commands import find_runs
from tui.runs import follow
from tui.runs.foreign import (
    document,
    growing_file,
    names,
    protobuf,
    sniff,
    tensorboard,
    trainer_state,
)
from tui.runs.foreign.run import ForeignRun
from tui.runs.store import RunState

LOGS = FIXTURES / "foreign"
WANDB = next((LOGS / "wandb").glob("*/*.wandb"))


@pytest.fixture(autouse=True)
def look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """New files are looked for at each poll."""
    monkeypatch.setattr(tensorboard, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(trainer_state, "LOOK_SECONDS", 0.0)


def load(path: Path) -> RunState:
    """The only run at a path."""
    (run,) = sniff.open_source(path)
    return follow.load(run)


def metrics(state: RunState) -> dict[str, tuple[list[float], list[float]]]:
    """Steps and values of each metric; NaN as text, so that equal is equal."""
    return {
        name: (series.steps.tolist(), [str(value) for value in series.values.tolist()])
        for name, series in state.metrics.items()
    }


def said(state: RunState) -> list[str]:
    return [line.message for line in state.log]


class Watched:
    """A log that is followed while a test changes it."""

    def __init__(self, path: Path) -> None:
        (self.run,) = sniff.open_source(path)
        self.state = follow.open_state(self.run)
        self._reader = follow.follower(self.run)

    def catch_up(self) -> RunState:
        while news := self._reader.poll():
            follow.apply(self.state, news)
            if not news.events and not news.more:
                break
        return self.state


# What is in the logs of the real writers.


def test_tensorboard() -> None:
    state = load(LOGS / "tensorboard" / "sgd")
    loss = state.metrics["train/loss"]
    assert loss.steps.tolist() == list(range(1, 41))
    assert loss.values[:2].tolist() == [2, 1]
    assert state.metrics["val/loss"].steps.tolist() == [10, 20, 30, 40]
    assert state.last("val/accuracy") == pytest.approx(0.975)
    assert state.last("lr") == pytest.approx(0.1)
    assert state.last("extra/weird") == 60
    assert 0 < state.elapsed < 10
    assert state.started is not None
    assert state.started.time == pytest.approx(1795569844, abs=5)
    assert state.damaged == 0


def test_a_second_tensorboard_process_goes_on_from_its_step() -> None:
    state = load(LOGS / "tensorboard" / "adam")
    assert state.config == {"lr": 0.01, "optimizer": "adam"}
    loss = state.metrics["train/loss"]
    assert loss.steps.tolist() == list(range(1, 36))
    assert loss.values[18] == pytest.approx(3 / 19)
    assert loss.values[19] == pytest.approx(4 / 20)
    assert "restarted (the log goes back)" in state.history[-1].text


def test_a_value_that_is_no_number_is_kept() -> None:
    folder = LOGS / "tensorboard" / "adam"
    state = load(next(folder.glob("*.host.1.1")))
    assert math.isnan(state.metrics["train/loss"].values[-1])


@pytest.mark.parametrize("packed", [True, False])
def test_scalars_of_tensorflow_2(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "events.out.tfevents.1.x"
    path.write_bytes(logs.tensor_scalar("epoch_loss", 3, 0.5, packed=packed))
    assert metrics(load(path)) == {"train/loss": ([3], ["0.5"])}


def test_wandb() -> None:
    state = load(WANDB)
    assert state.metrics["train/loss"].values[:3].tolist() == pytest.approx([2, 1, 2 / 3])
    assert state.metrics["nested/a"].values.tolist() == list(range(20))
    assert len(state.metrics["val/accuracy"]) == 4
    assert math.isnan(state.metrics["bad"].values[0])
    assert not any(name.startswith("_") for name in state.metrics)
    assert state.config == {
        "name": "blue-fox",
        "lr": 0.01,
        "model": {"name": "mlp", "layers": [8, 8]},
    }
    assert (state.status, state.outcome()) == ("done", "exit code 0")
    assert 0 < state.elapsed < 10
    assert load(WANDB.parent).id == state.id
    assert load(WANDB.parent.parent).id == state.id


def test_a_wandb_run_that_failed_and_a_record_over_several_blocks(tmp_path: Path) -> None:
    many = {f"metric{number}": f"{number}.0000000000000" for number in range(2500)}
    records = [logs.history(0, {"loss": "1.5"}), logs.history(1, many), logs.exit_record(3)]
    path = tmp_path / "run-x.wandb"
    path.write_bytes(b"".join(logs.wandb_file(records)))
    assert path.stat().st_size > 2 * 32768
    state = load(path)
    assert state.last("metric1500") == 1500
    assert state.last("metric2499") is None  # more metrics than anybody can look at
    assert "more than 2,000 metrics: the others are left out" in said(state)
    assert (state.status, state.outcome(), state.elapsed) == ("failed", "exit code 3", 7)


def test_system_metrics_of_wandb_stand_at_the_step_that_was_recorded_last(tmp_path: Path) -> None:
    load_of_gpu = logs.nested(1, b"gpu.0.gpu") + logs.nested(16, b"87.5")
    moment = b"\x08" + logs.varint(1_700_000_009)
    stats = logs.nested(7, logs.nested(2, moment) + logs.nested(3, load_of_gpu))
    start = logs.nested(17, b"\x08" + logs.varint(1_700_000_000))
    started = logs.nested(17, logs.nested(1, b"x") + start)
    records = [started, logs.history(5, {"loss": "1"}), stats]
    path = tmp_path / "run-x.wandb"
    path.write_bytes(b"".join(logs.wandb_file(records)))
    state = load(path)
    assert metrics(state)["system/gpu.0.gpu"] == ([5], ["87.5"])
    assert state.config == {"name": "x"}


@pytest.mark.parametrize("field", ["train/global_step", "trainer/global_step"])
def test_the_step_of_a_trainer_goes_before_that_of_wandb(tmp_path: Path, field: str) -> None:
    records = [
        logs.history(n, {"loss": "1", field: str(10 * n), "_timestamp": str(1.7e9 + n)})
        for n in range(1, 4)
    ]
    path = tmp_path / "run-x.wandb"
    path.write_bytes(b"".join(logs.wandb_file(records)))
    state = load(path)
    assert metrics(state) == {"train/loss": ([10, 20, 30], ["1.0"] * 3)}
    assert state.elapsed == 2


def test_an_export_of_wandb_has_several_runs() -> None:
    first, second = map(follow.load, sniff.open_source(LOGS / "export.csv"))
    assert (first.given_name, second.given_name) == ("brave-fox-1", "calm-owl-2")
    assert metrics(first) == {"train/loss": ([0, 10, 20, 30], ["2.0", "1.5", "1.0", "0.5"])}
    assert metrics(second) == {"train/loss": ([0, 10, 30], ["3.0", "2.0", "1.0"])}
    history = load(LOGS / "history.csv")
    assert metrics(history) == {
        "train/loss": ([0, 1, 2], ["2.0", "1.0", "0.5"]),
        "val/loss": ([2], ["0.7"]),
    }
    assert history.seconds.values.tolist() == [0, 1, 2]


def test_lightning() -> None:
    first, second = map(follow.load, sniff.open_source(LOGS / "lightning_logs"))
    assert (first.given_name, second.given_name) == ("version_0", "version_1")
    assert first.config == {"hidden": 8, "lr": 0.05}
    assert first.metrics["val/loss"].steps.tolist() == [7, 15, 23]
    assert first.metrics["train/loss"].steps.tolist() == list(range(1, 24, 2))
    assert first.last("train_loss_epoch") == pytest.approx(0.1639, abs=1e-4)
    assert second.last("lr") == 0.025
    assert "the step is the column step; without times" in said(first)


def test_the_state_of_a_hugging_face_trainer() -> None:
    state = load(LOGS / "trainer")
    assert state.metrics["train/loss"].steps.tolist() == list(range(2, 25, 2))
    assert state.metrics["val/loss"].steps.tolist() == [8, 16, 24]
    assert {"lr", "grad_norm", "eval_runtime"} <= state.metrics.keys()
    assert "total_flos" not in state.metrics  # the summary of the whole training
    assert (state.status, state.planned_steps) == ("done", 24)
    assert state.started is not None
    assert state.started.steps_per_epoch == 8
    assert len(load(LOGS / "trainer" / "checkpoint-10").metrics["train/loss"]) == 5


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
        ("a.jsonl", '{"k":1}\n{"step":0,"a":2}\n', {"k": ([1], ["1.0"]), "a": ([0], ["2.0"])}),
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
    ("theirs", "ours"),
    [
        ("loss", "train/loss"),
        ("Loss/train", "train/loss"),
        ("train_loss_step", "train/loss"),
        ("train_loss_epoch", "train_loss_epoch"),
        ("valid_loss", "val/loss"),
        ("eval_loss", "val/loss"),
        ("eval/accuracy", "val/accuracy"),
        ("test_acc", "test/accuracy"),
        ("learning_rate", "lr"),
        ("train/learning_rate", "lr"),
        ("lr-AdamW", "lr"),
        ("train/grad_norm", "grad_norm"),
        ("box_loss", "box_loss"),
        ("val_lr", "val_lr"),
        ("epoch_loss", "train/loss"),
        ("epoch", "epoch"),
        ("train_val_loss", "train_val_loss"),
        ("val/f1", "val/f1"),
        ("", ""),
        ("a\x1b[31mb", "a\ufffd[31mb"),
    ],
)
def test_what_a_name_means(theirs: str, ours: str) -> None:
    assert names.ours(theirs) == ours


def test_of_two_names_that_mean_the_same_the_first_is_taken_for_it() -> None:
    known = names.Names(3)
    assert [known("train_loss"), known("loss"), known("train_loss")] == [
        "train/loss",
        "loss",
        "train/loss",
    ]
    assert [known("x" * 300), known("y"), known.refused] == ["x" * 200 + "…", None, 1]


# While they grow.


def grown(source: Path, place: Path, chance: random.Random) -> RunState:
    """What is seen of a log that grows by pieces that end anywhere."""
    files = sorted(source.rglob("*")) if source.is_dir() else [source]
    for file in files:  # so that there is something to open
        target = place / file.relative_to(source.parent)
        if file.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif file.suffix != ".csv":
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
            if file.suffix == ".yaml":
                shutil.copy(file, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes()[:1])
    watched = Watched(place / source.relative_to(source.parent))
    for file in files:
        if file.is_dir() or file.suffix == ".yaml":
            continue
        target = place / file.relative_to(source.parent)
        data, done = file.read_bytes(), target.stat().st_size
        while done < len(data):
            piece = data[done : done + chance.choice((1, 7, 30, 200, 1500))]
            with target.open("ab") as out:
                out.write(piece)
            done += len(piece)
            watched.catch_up()
    return watched.catch_up()


@pytest.mark.parametrize(
    "source",
    [
        LOGS / "tensorboard" / "adam",
        LOGS / "tensorboard" / "sgd",
        WANDB,
        LOGS / "lightning_logs" / "version_0",
        LOGS / "history.csv",
        LOGS / "results.csv",
    ],
    ids=lambda path: path.name,
)
def test_a_log_that_grows_is_read_as_if_it_had_been_whole(source: Path, tmp_path: Path) -> None:
    whole = load(source)
    for seed in range(3):
        seen = grown(source, tmp_path / str(seed), random.Random(seed))
        assert metrics(seen) == metrics(whole)
        assert seen.damaged == 0
        assert (seen.step, seen.config) == (whole.step, whole.config)
        assert seen.seconds.values.tolist() == whole.seconds.values.tolist()


def test_json_lines_grow(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    data = b"".join(b'{"step":%d,"loss":%d}\n' % (n, 2 * n) for n in range(50))
    for seed in range(3):
        path.write_bytes(b"")
        watched, chance, done = Watched(path), random.Random(seed), 0
        while done < len(data):
            size = chance.choice((1, 5, 40))
            with path.open("ab") as out:
                out.write(data[done : done + size])
            done += size
            watched.catch_up()
        assert watched.state.metrics["train/loss"].values.tolist() == list(range(0, 100, 2))
        assert watched.state.damaged == 0


def test_a_trainer_state_is_read_again_when_there_is_a_newer_one(tmp_path: Path) -> None:
    states = [LOGS / "trainer" / f"checkpoint-{n}" for n in (10, 20, 24)]
    watched, lengths = None, []
    for number, folder in enumerate([*states, LOGS / "trainer"]):
        target = tmp_path / folder.relative_to(LOGS)
        if folder.name == "trainer":
            shutil.copy(folder / "trainer_state.json", tmp_path / "trainer")
            newest = tmp_path / "trainer" / "trainer_state.json"
        else:
            shutil.copytree(folder, target)
            newest = target / "trainer_state.json"
        os.utime(newest, ns=(number * 10**9, number * 10**9))
        watched = watched or Watched(tmp_path / "trainer")
        lengths.append(len(watched.catch_up().metrics["train/loss"]))
    assert watched is not None
    assert lengths == [5, 10, 12, 12]
    assert metrics(watched.state) == metrics(load(LOGS / "trainer"))
    assert not any("restarted" in note.text for note in watched.state.history)


def test_a_trainer_that_went_on_from_an_earlier_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "trainer_state.json"

    def write(*losses: float, moment: int) -> None:
        entries = [{"step": n, "loss": loss} for n, loss in enumerate(losses, 1)]
        path.write_text(json.dumps({"log_history": entries, "max_steps": 9}))
        os.utime(path, (moment, moment))

    write(1.0, 2.0, 3.0, moment=1)
    watched = Watched(path)
    watched.catch_up()
    write(1.0, 2.0, 7.0, float("nan"), moment=2)
    state = watched.catch_up()
    assert metrics(state) == {"train/loss": ([1, 2, 3, 4], ["1.0", "2.0", "7.0", "nan"])}
    assert state.planned_steps == 9


def test_totals_of_a_trainer_are_results_and_a_test_after_them_counts(tmp_path: Path) -> None:
    path = tmp_path / "trainer_state.json"
    entries = [
        {"step": 1, "loss": 3.0},
        {"step": 2, "loss": 2.0},
        {"step": 2, "train_runtime": 90.0, "train_loss": 2.5, "total_flos": 0.0},
        {"step": 2, "test_loss": 0.125},
    ]
    path.write_text(json.dumps({"log_history": entries, "max_steps": 2}))
    state = load(path)
    assert metrics(state) == {
        "train/loss": ([1, 2], ["3.0", "2.0"]),
        "test/loss": ([2], ["0.125"]),
    }
    assert "results: step 2, train_runtime 90, train_loss 2.5, total_flos 0" in said(state)
    assert state.outcome() == "trained in 1:30"


def test_a_trainer_state_that_is_being_written_is_not_yet(tmp_path: Path) -> None:
    path = tmp_path / "trainer_state.json"
    data = (LOGS / "trainer" / "trainer_state.json").read_bytes()
    path.write_bytes(data[:900])
    watched = Watched(path)
    assert len(watched.catch_up().metrics["train/loss"]) < 12
    path.write_bytes(data)
    state = watched.catch_up()
    assert metrics(state) == metrics(load(LOGS / "trainer"))


def test_a_document_that_comes_in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    path = LOGS / "trainer" / "trainer_state.json"
    with path.open("rb") as file:
        whole = list(document.Document(file).parts())
    monkeypatch.setattr(document, "PIECE_CHARACTERS", 3)
    with path.open("rb") as file:
        assert list(document.Document(file).parts()) == whole


def test_lightning_adds_a_column_and_writes_all_rows_anew(tmp_path: Path) -> None:
    folder = tmp_path / "version_0"
    folder.mkdir()
    path = folder / "metrics.csv"
    path.write_text("epoch,step,train_loss\n0,1,4\n0,3,3\n")
    watched = Watched(folder)
    watched.catch_up()
    rewritten = "acc,epoch,step,train_loss,val_loss\n,0,1,4,\n,0,3,3,\n0.5,0,3,,2\n"
    for end in (0, 20, 50, len(rewritten)):  # it is written in place
        path.write_text(rewritten[:end])
        watched.catch_up()
    with path.open("a") as file:
        file.write(",1,5,1,\n")
    state = watched.catch_up()
    assert metrics(state)["train/loss"] == ([1, 3, 5], ["4.0", "3.0", "1.0"])
    assert metrics(state)["val/loss"] == ([3], ["2.0"])
    assert not any("restarted" in note.text for note in state.history)
    assert state.damaged == 0


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


def test_an_event_file_that_was_written_anew_begins_again(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1.x"
    path.write_bytes(b"".join(logs.scalar("loss", step, 1.0) for step in range(1, 9)))
    watched = Watched(path)
    watched.catch_up()
    path.write_bytes(b"".join(logs.scalar("loss", step, 2.0) for step in range(1, 3)))
    assert metrics(watched.catch_up()) == {"train/loss": ([1, 2], ["2.0", "2.0"])}


def test_metrics_by_epoch_stand_beside_those_by_step(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1.x"
    records = [
        logs.scalar("loss", step, 2.0) if step % 10 else logs.scalar("val_loss", step // 10, 1.0)
        for step in range(1, 41)
    ]
    path.write_bytes(b"".join(records))
    watched = Watched(path)
    state = watched.catch_up()
    assert state.metrics["val/loss"].steps.tolist() == [1, 2, 3, 4]
    assert len(state.metrics["train/loss"]) == 36
    assert not any("restarted" in note.text for note in state.history)
    assert sorted(state.seconds.steps.tolist()) == state.seconds.steps.tolist()
    with path.open("ab") as file:
        file.write(logs.scalar("val_loss", 5, 1.0))
    watched.catch_up()
    assert state.step == 39


def test_steps_that_go_back_again_and_again_cost_points_and_not_time(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("step,loss\n" + "".join(f"{n % 2},1\n" for n in range(2000)))
    state = load(path)
    assert "steps go back again and again: such points are left out" in said(state)
    assert (state.metrics["train/loss"].steps[1:] >= state.metrics["train/loss"].steps[:-1]).all()


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


def test_whether_a_log_grows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("step,loss\n1,5\n")
    assert load(path).status == "growing"
    os.utime(path, (1_600_000_000, 1_600_000_000))
    watched = Watched(path)
    state = watched.catch_up()
    assert (state.status, state.active) == ("quiet", False)
    assert state.outcome().startswith("since 2020-09-1")
    with path.open("a") as file:
        file.write("2,4\n")
    os.utime(path, (1_600_000_001, 1_600_000_001))  # by a clock that is wrong
    assert watched.catch_up().status == "growing"
    path.unlink()
    assert watched.catch_up().status == "growing"


# Damage.


def test_damage_in_an_event_file_costs_the_records_that_it_is_in(tmp_path: Path) -> None:
    records = [logs.scalar("loss", step, float(step)) for step in range(100)]
    path = tmp_path / "events.out.tfevents.1.x"
    hit = bytearray(records[10])
    hit[-8] ^= 1
    records[10] = bytes(hit)  # the message
    records[20] = b"\xff" + records[20][1:]  # its length
    records[30] = records[30][:9]
    records[40] = bytes(5000) + records[40]
    path.write_bytes(b"".join(records) + records[0][:-3])
    state = load(path)
    lost = {10, 20, 30}
    assert state.metrics["train/loss"].steps.tolist() == [n for n in range(100) if n not in lost]
    assert state.damaged == 4


def test_a_large_event_is_passed_over(tmp_path: Path) -> None:
    picture = logs.event_record(bytes(3_000_000))
    path = tmp_path / "events.out.tfevents.1.x"
    path.write_bytes(logs.scalar("loss", 1, 1.0) + picture + logs.scalar("loss", 2, 1.0))
    state = load(path)
    assert (len(state.metrics["train/loss"]), state.damaged) == (2, 0)


def test_damage_in_a_wandb_file_costs_its_record_or_block(tmp_path: Path) -> None:
    records = [logs.history(step, {"loss": str(step), "pad": "1" * 200}) for step in range(600)]
    data = bytearray(b"".join(logs.wandb_file(records)))
    data[300] ^= 1
    path = tmp_path / "run-x.wandb"
    path.write_bytes(data)
    state = load(path)
    assert (len(state.metrics["train/loss"]), state.damaged) == (599, 1)
    data[4] = data[5] = data[32768 + 5000] = 0xFF
    data[2 * 32768 : 2 * 32768 + 100] = bytes(100)
    path.write_bytes(data)
    state = load(path)
    assert 300 < len(state.metrics["train/loss"]) < 599
    assert state.damaged >= 3


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
    assert state.damaged == 4


# Which logs a path has.


def test_a_folder_with_logs_of_several_kinds_and_runs_of_ours(tmp_path: Path) -> None:
    shutil.copytree(LOGS, tmp_path / "logs")
    record(tmp_path / "logs" / "runs", "ours", steps=2)
    (tmp_path / "logs" / "trainer" / "data.csv").write_text("a,b\n1,2\n")  # nobody's log
    found = sniff.open_source(tmp_path / "logs")
    kinds = [run.kind if isinstance(run, ForeignRun) else "ours" for run in found]
    assert sorted(kinds) == [
        "csv", "csv", "csv", "lightning", "lightning", "ours",
        "tensorboard", "tensorboard", "trainer", "wandb", "wandb-csv", "wandb-csv",
    ]  # fmt: skip
    assert len({run.id for run in found}) == len(found)
    assert [follow.load(run).damaged for run in found] == [0] * len(found)


def test_two_logs_in_one_folder_and_two_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for parent in ("a", "b"):
        shutil.copytree(LOGS / "lightning_logs" / "version_0", tmp_path / parent / "version_0")
    (tmp_path / "a" / "version_0" / "events.out.tfevents.1.x").touch()
    labels = [run.label for run in sniff.open_source(tmp_path / "a")]  # type: ignore[attr-defined]
    assert labels == ["version_0 (TensorBoard log)", "version_0 (Lightning CSV log)"]
    both = [str(tmp_path / parent / "version_0" / "metrics.csv") for parent in "ab"]
    runs = find_runs.find_all(tmp_path, both)
    assert len({run.label for run in runs}) == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda place: place.mkdir(), "neither a run nor a log that can be opened"),
        (lambda place: place.write_bytes(b"\x7fELF\0\0"), "neither a run nor a log"),
        (lambda place: place.write_text("just words\n"), "neither a run nor a log"),
        (lambda place: place.write_bytes(b""), "neither a run nor a log"),
        (os.mkfifo, "cannot be read"),
    ],
)
def test_what_is_no_log_is_refused_in_one_line(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    place = tmp_path / "thing"
    make(place)
    with pytest.raises(UserError, match=message):
        sniff.open_source(place)


def test_too_many_runs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sniff, "MAX_RUNS", 2)
    with pytest.raises(UserError, match="name a folder with at most 2"):
        sniff.open_source(LOGS)


def test_without_the_optional_packages_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protobuf.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'bigmodel-tui\[logs\]'"):
        sniff.open_source(LOGS / "tensorboard")
    assert len(sniff.open_source(LOGS / "lightning_logs")) == 2


def test_runs_of_ours_are_followed_without_the_libraries_of_others() -> None:
    code = "import tui.runs.feed, tui.cli, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    modules = done.stdout.split()
    assert "tui.runs.feed" in modules
    assert not {"tui.runs.foreign.follower", "google.protobuf", "google_crc32c"} & set(modules)


# On the command line and on the screen.


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(cli.cli, list(arguments))


def test_show_and_export(runs_root: Path) -> None:
    log = str(LOGS / "tensorboard" / "sgd")
    facts = json.loads(invoke("show", log, "--json").stdout)
    assert facts["last"]["val/loss"] == pytest.approx(0.055)
    lines = invoke("export", log, "--format", "csv").stdout.splitlines()
    assert len(lines) == 41
    assert "extra/weird" in lines[0]
    several = invoke("show", str(LOGS / "tensorboard"))
    assert several.exit_code == 2
    assert "2 runs; name one of them" in several.stderr


def test_an_export_has_the_steps_of_every_metric(tmp_path: Path, runs_root: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"step":0,"a":1}\n{"step":1,"b":2}\n{"step":2,"a":3}\n')
    lines = invoke("export", str(path), "--format", "csv").stdout.splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "0", "1", "2"]


@pytest.mark.parametrize(
    "command", ["pause", "resume", "stop", "checkpoint", "set --lr 1", "fork", "run --resume"]
)
def test_nothing_can_be_sent_to_another_program(command: str, runs_root: Path) -> None:
    result = invoke(*command.split(), str(LOGS / "keras.csv"))
    assert result.exit_code == 2
    assert result.stderr == (
        "bigmodel-tui: keras.csv: read-only, this CSV table belongs to another program\n"
    )


async def test_several_kinds_in_one_view(recorded: Callable[..., list[RunDir]]) -> None:
    shutil.copytree(LOGS / "tensorboard", "logs")
    for path in Path("logs").rglob("*.host.*"):  # whoever checks out writes anew: as if long ago
        os.utime(path, (1_600_000_000, 1_600_000_000))
    runs = [*recorded("adam"), *find_runs.find_all(Path("runs"), ["logs"])]
    app = BigModelApp(root=Path("runs"), runs=runs)
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        await until_shown(pilot, "0.975")
        await pilot.press("up", "up")
        await until_shown(pilot, "TensorBoard log, read-only")
        for key in "pscflRy":
            await pilot.press(key)
            await until_shown(pilot, "adam: read-only, this TensorBoard log")
            app.clear_notifications()
            await pilot.pause()
        assert "adam" in text(app)
        await pilot.press("q")  # without a question: nothing here can be stopped
        await pilot.pause()
    assert app.return_code == 0


async def test_small_screens_say_of_a_log_what_is_known(terminal_environment: None) -> None:
    runs = [
        *find_runs.find_all(Path("runs"), [str(WANDB)]),
        ForeignRun(LOGS / "keras.csv", "csv", "k"),
    ]
    for run, shown in zip(runs, ("model.layers 8-8", "CSV table"), strict=True):
        app = BigModelApp(root=Path("runs"), runs=[run])
        async with app.run_test(size=(80, 24)) as pilot:
            await until_shown(pilot, shown)
            await until_shown(pilot, "Accuracy")
            assert "not clipped" not in text(app)
            await pilot.press("6")
            await until_shown(pilot, " run ")
            assert "…" not in "".join(row[:12] for row in rows(app)[4:9])
            assert "parameters" not in text(app)


async def test_a_metric_of_any_run_with_a_curve_has_the_panel(terminal_environment: None) -> None:
    runs = find_runs.find_all(Path("runs"), [str(LOGS / "tensorboard")])
    app = BigModelApp(root=Path("runs"), runs=runs)
    async with app.run_test(size=(160, 48)) as pilot:
        await until_shown(pilot, "0.975")
        await until(pilot, lambda: " Accuracy " in text(app))
        assert "hparam/best" not in text(app)


async def test_what_ended_long_ago_is_listed_and_not_told(terminal_environment: None) -> None:
    runs = find_runs.find_all(Path("runs"), [str(LOGS / "keras.csv"), str(WANDB)])
    app = BigModelApp(root=Path("runs"), runs=runs)
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        book = app.screen.book
        await until(pilot, lambda: book.entries)
        await pilot.press("exclamation_mark")
        await until_shown(pilot, "(earlier)")
        assert len(app._notifications) == 0
        (entry,) = book.entries  # the table is only quiet
        assert entry.alert.kind == "finished"
        assert entry.alert.step == load(WANDB).step > 0


def test_a_run_that_ended_stays_ended() -> None:
    state = load(WANDB)
    assert isinstance(state.ended, RunEnded)
