"""Which column of a log is the step, the epoch, the time, the phase or the run, and that no point
vanishes whichever it is."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from support.foreign_runs import Watched, load, metrics, said
from tui.runs.foreign import steps_on_one_axis
from tui.runs.state.store import RunState


def of(rows: Iterable[dict[str, Any]], tmp_path: Path) -> RunState:
    """The state of a log of JSON lines."""
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load(path)


def of_table(text: str, tmp_path: Path) -> RunState:
    path = tmp_path / "a.csv"
    path.write_text(text)
    return load(path)


def steps(state: RunState, metric: str = "train/loss") -> list[float]:
    return state.metrics[metric].steps.tolist()


TEN = range(1, 11)


@pytest.mark.parametrize(
    ("fields", "step"),
    [
        (lambda n: {"current_steps": 10 * n, "total_steps": 400, "epoch": n / 20}, 10),
        (lambda n: {"global_step/max_steps": f"{10 * n}/438", "epoch": 0.022831 * n}, 10),
        (lambda n: {"update": f"{n / 10:.1f}", "num_updates": f"{100 * n}", "epoch": 1}, 100),
        (lambda n: {"epoch": n, "batch": 64, "lr": 0.1}, 1),
        (lambda n: {"epoch": n, "batch_size": 64, "steps": 500}, 1),
        (lambda n: {"iter": n, "max_iters": 400, "epoch": 0}, 1),
        (lambda n: {"train/iteration": 5 * n, "epoch": n // 4}, 5),
        (lambda n: {"charts/global_step": 2048 * n, "charts/episodic_return": n}, 2048),
        (lambda n: {"step": f"{n}/10"}, 1),
        (lambda n: {"Epoch": n, "Iteration": 7 * n}, 7),
        (lambda n: {"env_steps": 1000.0 * n, "seed": 3}, 1000),
        (lambda n: {"warmup_steps": 100, "epoch": n}, 1),
        (lambda n: {"steps_per_second": 3 * n, "time": n}, 1),  # no steps: records are counted
        (lambda n: {"step": 5}, 5),  # a single value is a poor step, but what the log says
    ],
)
def test_the_step_is_what_behaves_like_one(tmp_path: Path, fields: Any, step: int) -> None:
    state = of(({**fields(n), "loss": 1 / n} for n in TEN), tmp_path)
    expected = [step] * 10 if fields(1) == {"step": 5} else [step * n for n in TEN]
    assert steps(state) == expected


def test_settings_before_the_first_step_are_settings(tmp_path: Path) -> None:
    first = {"lr": 0.1, "batch": 64, "epochs": 8, "seed": 1}
    state = of([first, *({"epoch": n, "loss": 1 / n} for n in TEN)], tmp_path)
    assert steps(state) == list(TEN)
    assert state.config == first
    assert state.metrics.keys() == {"train/loss", "epoch"} - {"epoch"}


@pytest.mark.parametrize(("places", "scale"), [(1, 10), (2, 100), (4, 10_000)])
def test_fractions_of_epochs_stay_fractions(tmp_path: Path, places: int, scale: int) -> None:
    epochs = [round(n / 10 + 0.3 / 10**places * (places > 1), places) for n in range(21)]
    state = of(({"epoch": epoch, "loss": 1.0} for epoch in epochs), tmp_path)
    assert state.started is not None
    per_epoch = state.started.steps_per_epoch
    assert per_epoch is not None
    assert [step / per_epoch for step in steps(state)] == pytest.approx(epochs)
    assert any("fractions are counted" in line for line in said(state))


def test_time_of_each_step_is_a_metric_and_no_clock(tmp_path: Path) -> None:
    rows = [{"iteration": n, "time": 0.4 + 0.01 * (n % 3), "loss": 1.0} for n in TEN]
    state = of(rows, tmp_path)
    assert len(state.metrics["time"]) == 10
    assert state.elapsed == 0
    state = of_table("epoch,loss,time\n1,1,58.8\n2,1,59.0\n3,1,59.3\n", tmp_path)
    assert state.metrics["time"].values.tolist() == [58.8, 59.0, 59.3]


def mmengine(val_step: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for epoch in range(1, 6):
        for n in range(1, 5):
            iteration = 40 * (epoch - 1) + 10 * n
            facts = {"loss": 1.0, "lr": 0.02, "data_time": 0.01, "iter": iteration}
            rows.append({**facts, "epoch": epoch, "step": iteration})
        rows.append({"mIoU": epoch / 10, "data_time": 0.2, "step": val_step(epoch)})
    return rows


@pytest.mark.parametrize("val_step", [lambda epoch: epoch, lambda epoch: 0])
def test_validations_that_count_for_themselves_stand_at_the_step_before_them(
    tmp_path: Path, val_step: Any
) -> None:
    state = of(mmengine(val_step), tmp_path)
    assert steps(state) == [10 * n for n in range(1, 21)]
    assert metrics(state)["mIoU"] == ([40, 80, 120, 160, 200], ["0.1", "0.2", "0.3", "0.4", "0.5"])
    assert set(state.metrics["data_time"].values.tolist()) == {0.01}
    assert state.metrics["data_time (beside mIoU)"].values.tolist() == [0.2] * 5
    assert steps_on_one_axis.PLACED in said(state)


def test_phases_with_counters_of_their_own_in_each_epoch(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"env_info": "linux", "seed": 0}]
    for epoch in range(1, 4):
        rows += [
            {"mode": "train", "epoch": epoch, "iter": n, "loss": 1.0, "lr": 0.1}
            for n in range(50, 301, 50)
        ]
        rows.append({"mode": "val", "epoch": epoch, "iter": 120, "lr": 0.1, "mAP": epoch / 10})
    state = of(rows, tmp_path)
    assert steps(state) == list(range(50, 901, 50))
    assert steps(state, "val/mAP") == [300, 600, 900]
    assert len(state.metrics["lr"]) == 18
    assert state.config["env_info"] == "linux"


def test_an_epoch_that_ends_one_step_late_adds_no_steps(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = []
    for epoch in range(4):
        rows += [{"epoch": epoch, "step": 100 * epoch + n, "loss": 1.0} for n in range(10, 101, 10)]
        rows.append({"epoch": epoch + 1, "step": 100 * epoch + 99, "val_loss": 1.0})
    state = of(rows, tmp_path)
    assert steps(state) == list(range(10, 401, 10))
    assert steps(state, "val/loss") == [99, 199, 299, 399]


def test_one_record_an_epoch_adds_no_steps(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = []
    for epoch in range(5):
        rows.append({"epoch": epoch, "step": 100 * (epoch + 1), "loss": 1.0})
        rows.append({"epoch": epoch + 1, "step": 100 * (epoch + 1), "val_loss": 1.0})
    state = of(rows, tmp_path)
    assert steps(state) == steps(state, "val/loss") == [100, 200, 300, 400, 500]


@pytest.mark.parametrize("first", [0, 1])
def test_batches_that_begin_again_without_an_epoch_are_counted_on(
    tmp_path: Path, first: int
) -> None:
    rows = [{"batch": n, "loss": 1.0} for _ in range(4) for n in range(first, first + 10)]
    state = of(rows, tmp_path)
    assert steps(state) == list(range(first, first + 40))
    assert steps_on_one_axis.ANEW in said(state)


def test_a_resumed_epoch_stands_where_it_stood(tmp_path: Path) -> None:
    order = [(1, 10), (1, 20), (2, 10), (2, 20), (3, 10), (2, 20), (3, 10), (3, 20)]
    state = of(({"epoch": e, "iter": n, "loss": float(e)} for e, n in order), tmp_path)
    assert steps(state) == [10, 20, 30, 40, 40, 50, 50, 60]


@pytest.mark.parametrize(
    "order", [[9, 8, 7, 6, 5, 4, 3, 2, 1], [1, 2, 3, 5, 4, 6, 8, 7, 9], [5, 1, 9, 2, 8, 3, 7, 4, 6]]
)
def test_what_is_out_of_order_is_sorted_and_said(tmp_path: Path, order: list[int]) -> None:
    state = of_table("step,loss\n" + "".join(f"{n},{n}.5\n" for n in order), tmp_path)
    assert metrics(state)["train/loss"] == (list(range(1, 10)), [f"{n}.5" for n in range(1, 10)])
    assert steps_on_one_axis.FELL in said(state)
    assert not any("restarted" in note.text for note in state.history)


@pytest.mark.parametrize("names", [("split", "train", "val"), ("phase", "Training", "Validation")])
def test_a_column_of_phases_makes_metrics_of_each(tmp_path: Path, names: tuple[str, ...]) -> None:
    column, train, val = names
    rows = (f"{train},{n},{1 / n}\n{val},{n},{2 / n}\n" for n in TEN)
    state = of_table(f"{column},epoch,loss\n" + "".join(rows), tmp_path)
    assert state.metrics["train/loss"].values.tolist() == [1 / n for n in TEN]
    assert state.metrics["val/loss"].values.tolist() == [2 / n for n in TEN]


def test_phases_one_after_the_other(tmp_path: Path) -> None:
    rows = [f"{split},{n},{n}\n" for split in ("train", "valid") for n in TEN]
    state = of_table("split,step,loss\n" + "".join(rows), tmp_path)
    assert steps(state) == steps(state, "val/loss") == list(TEN)


@pytest.mark.parametrize("column", ["seed", "fold", "optimizer", "run"])
@pytest.mark.parametrize("blocks", [True, False])
def test_a_column_that_tells_runs_apart(tmp_path: Path, column: str, blocks: bool) -> None:
    values = ("0", "1", "2") if column in ("seed", "fold") else ("adam", "sgd", "lion")
    pairs = [(value, n) for value in values for n in range(5)]
    pairs = pairs if blocks else sorted(pairs, key=lambda pair: pair[1])
    text = "".join(f"{value},{10 * n},{values.index(value)}\n" for value, n in pairs)
    state = of_table(f"{column},step,reward\n" + text, tmp_path)
    for place, value in enumerate(values):
        series = state.metrics[f"reward ({column} {value})"]
        assert series.steps.tolist() == [0, 10, 20, 30, 40]
        assert set(series.values.tolist()) == {place}


def test_two_columns_tell_runs_apart(tmp_path: Path) -> None:
    rows = [
        {"optimizer": name, "seed": seed, "step": n, "loss": 1.0}
        for name in ("adam", "sgd")
        for seed in range(3)
        for n in range(6)
    ]
    state = of(rows, tmp_path)
    assert len(state.metrics) == 6
    assert all(len(series) == 6 for series in state.metrics.values())


@pytest.mark.parametrize("value", ["value", "Value"])
def test_a_table_with_a_row_for_each_metric(tmp_path: Path, value: str) -> None:
    rows = "".join(f"{n},loss,{1 / n}\n{n},accuracy,{n / 10}\n" for n in TEN)
    state = of_table(f"step,metric,{value}\n" + rows, tmp_path)
    assert state.metrics["train/loss"].values.tolist() == [1 / n for n in TEN]
    assert state.metrics["train/accuracy"].values.tolist() == [n / 10 for n in TEN]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("step,loss,val_loss\n1,4\n2,3,9\n3,2\n4,1,8\n", {"train/loss": 4, "val/loss": 2}),
        ("step,loss\n1,4,\n2,3,\n", {"train/loss": 2}),
        ("step,loss,loss\n1,4,5\n2,3,2\n", {"train/loss": 2, "loss.2": 2}),
        (",step,loss\n0,1,4\n1,2,3\n2,3,2\n", {"train/loss": 3}),
        ("loss,acc\n1,5,2\n2,6,3\n3,7,4\n", {"train/loss": 3, "train/accuracy": 3}),
        ("loss,acc\n1,5\n2,6\n3,7\n", {"train/loss": 3, "train/accuracy": 3}),
        ("# step loss\n1 0.5\n2 0.25\n", {"train/loss": 2}),
        ("| step | loss |\n|------|------|\n| 1 | 0.5 |\n| 2 | 0.25 |\n", {"train/loss": 2}),
        ("step,loss\n1,4\nstep,loss\n2,3\n", {"train/loss": 2}),
        ("step,loss\n1,4\nstep,val_loss,loss\n2,3,5\n", {"train/loss": 2, "val/loss": 1}),
        ("step,loss\n\n1,4\n\n2,3\n", {"train/loss": 2}),
        ("step;loss;note\n1;0,5;a, b\n2;0,25;c\n", {"train/loss": 2}),
        ("step,perte \xe9\n1,4\n2,3\n", {"perte \xe9": 2}),
    ],
)  # fmt: skip
def test_rows_as_they_are_found(tmp_path: Path, text: str, expected: dict[str, int]) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode("latin-1"))
    state = load(path)
    assert {name: len(series) for name, series in state.metrics.items()} == expected
    assert state.damaged == 0


def test_a_second_header_and_a_step_within_is_a_restart(tmp_path: Path) -> None:
    state = of_table("step,loss\n1,1\n2,1\n3,1\n4,1\nstep,loss\n3,2\n4,2\n5,2\n", tmp_path)
    expected = ([1, 2, 3, 4, 5], ["1.0", "1.0", "2.0", "2.0", "2.0"])
    assert metrics(state)["train/loss"] == expected
    assert any("restarted (the log goes back)" in note.text for note in state.history)


def test_what_a_record_says_later_changes_what_was_read_before(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = mmengine(lambda epoch: epoch)
    path.write_text("")
    watched = Watched(path)
    for row in rows:
        with path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        watched.catch_up()
    assert metrics(watched.state) == metrics(of(rows, tmp_path))
    assert not any("restarted" in note.text for note in watched.state.history)


def test_an_epoch_without_batches_that_occurs_again_keeps_all_points(tmp_path: Path) -> None:
    state = of(({"epoch": n // 3, "loss": float(n)} for n in range(9)), tmp_path)
    assert sorted(state.metrics["train/loss"].values.tolist()) == list(range(9))


def test_what_a_limit_cuts_is_counted(tmp_path: Path) -> None:
    state = of([{"step": n, **{f"m{i}": i for i in range(6000)}} for n in (1, 2)], tmp_path)
    assert "more than 5,000 values in one record are left out: 2,002 so far" in said(state)
    assert any(
        "more than 2,000 metrics: values of others are left out" in line for line in said(state)
    )


def test_lists_and_texts_are_left_out_with_a_word(tmp_path: Path) -> None:
    state = of([{"step": n, "loss": [1.0], "ids": [1, 2], "note": "x"} for n in TEN], tmp_path)
    assert state.metrics.keys() == {"train/loss"}
    assert "the field 'ids' holds lists: it is left out" in said(state)
    assert "the field note holds no numbers: it is left out" in said(state)
