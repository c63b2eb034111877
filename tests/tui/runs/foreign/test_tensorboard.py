"""TensorBoard event files: what is read of them, also anew, by epochs, and past damage."""

import math
from pathlib import Path

import pytest

from support import foreign_logs as logs
from support.foreign_runs import LOGS, Watched, load, metrics


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
