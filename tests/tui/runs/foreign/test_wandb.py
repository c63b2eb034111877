"""W&B files and exports: what is read of them, also past damage."""

import math
from pathlib import Path

import pytest

from engine.runs.events import RunEnded
from support import foreign_logs as logs
from support.foreign_runs import LOGS, WANDB, load, metrics, said
from tui.runs import loading
from tui.runs.foreign import sniff


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
    assert "more than 2,000 metrics: values of others are left out: 501 so far" in said(state)
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
    first, second = map(loading.load, sniff.open_source(LOGS / "export.csv"))
    assert (first.given_name, second.given_name) == ("brave-fox-1", "calm-owl-2")
    assert metrics(first) == {"train/loss": ([0, 10, 20, 30], ["2.0", "1.5", "1.0", "0.5"])}
    assert metrics(second) == {"train/loss": ([0, 10, 30], ["3.0", "2.0", "1.0"])}
    history = load(LOGS / "history.csv")
    assert metrics(history) == {
        "train/loss": ([0, 1, 2], ["2.0", "1.0", "0.5"]),
        "val/loss": ([2], ["0.7"]),
    }
    assert history.seconds.values.tolist() == [0, 1, 2]


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


def test_a_run_that_ended_stays_ended() -> None:
    state = load(WANDB)
    assert isinstance(state.ended, RunEnded)
