"""TensorBoard event files: what is read of them, also anew, by epochs, and past damage."""

import math
import struct
from pathlib import Path

import pytest

from support import foreign_logs as logs
from support.foreign_runs import LOGS, Watched, load, metrics, said
from tui.runs.foreign import steps_on_one_axis, tensorboard_tags


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
    assert "events over 2 MiB passed over: 1 so far" in said(state)


def written(folder: Path, name: str, *records: bytes) -> None:
    (folder / f"events.out.tfevents.{name}").write_bytes(b"".join(records))


def test_a_counter_that_goes_back_costs_its_own_metric_nothing_and_others_neither(
    tmp_path: Path,
) -> None:
    records = []
    for step in range(40):
        records.append(logs.scalar("loss", step, 1.0))
        records.append(logs.scalar("time/batch", step % 10, 1.0))
    written(tmp_path, "1.x", *records)
    state = load(tmp_path)
    assert state.metrics["train/loss"].steps.tolist() == list(range(40))
    assert state.metrics["time/batch"].steps.tolist() == list(range(40))  # counted on
    assert steps_on_one_axis.ANEW in said(state)


def test_values_out_of_order_are_sorted(tmp_path: Path) -> None:
    order = [0, 1, 2, 5, 3, 4, 6, 9, 8, 7]
    written(tmp_path, "1.x", *(logs.scalar("loss", n, float(n)) for n in order))
    state = load(tmp_path)
    assert metrics(state)["train/loss"] == (list(range(10)), [f"{n}.0" for n in range(10)])
    assert steps_on_one_axis.FELL in said(state)


def test_a_new_file_makes_void_only_what_it_logs_again(tmp_path: Path) -> None:
    first = [logs.scalar("loss", n, 1.0, time=1.7e9 + n) for n in range(10)]
    first += [logs.scalar("val_loss", n, 1.0, time=1.7e9 + 9) for n in range(3)]
    written(tmp_path, "1.x", *first)
    again = [logs.scalar("loss", n, 2.0, time=1.7e9 + 100 + n) for n in range(5, 8)]
    written(tmp_path, "2.x", *again)
    state = load(tmp_path)
    assert metrics(state) == {
        "train/loss": (list(range(8)), ["1.0"] * 5 + ["2.0"] * 3),
        "val/loss": ([0, 1, 2], ["1.0"] * 3),
    }
    assert state.step == 7


def test_processes_that_write_at_the_same_time_make_nothing_void(tmp_path: Path) -> None:
    for rank in (1, 2):
        records = (logs.scalar("loss", n, float(rank), time=1.7e9 + n) for n in range(4))
        written(tmp_path, f"{rank}.x", *records)
    state = load(tmp_path)
    assert state.metrics["train/loss"].steps.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert state.metrics["train/loss"].values.tolist() == [1, 2] * 4
    assert tensorboard_tags.SIDE_BY_SIDE in said(state)


def test_a_session_that_begins_at_a_step_makes_void_what_follows_it(tmp_path: Path) -> None:
    values = [logs.scalar(name, n, 1.0) for n in range(10) for name in ("loss", "lr")]
    begins = logs.event_record(b"\x10\x05" + logs.nested(7, b"\x08\x01"))
    written(tmp_path, "1.x", *values, begins, logs.scalar("loss", 5, 2.0))
    state = load(tmp_path)
    assert metrics(state)["lr"] == (list(range(5)), ["1.0"] * 5)
    assert metrics(state)["train/loss"] == (list(range(6)), ["1.0"] * 5 + ["2.0"])


@pytest.mark.parametrize(
    ("kind", "content", "value"),
    [
        (1, struct.pack("<f", 0.5), 0.5),
        (2, struct.pack("<d", 0.1), 0.1),
        (3, struct.pack("<i", -7), -7),
        (4, b"\xff", 255),
        (5, struct.pack("<h", -7), -7),
        (6, b"\xff", -1),
        (9, struct.pack("<q", 2**40), 2**40),
        (10, b"\1", 1),
        (14, b"\x40\x3f", 0.75),
        (17, struct.pack("<H", 65535), 65535),
        (19, struct.pack("<e", 0.5), 0.5),
        (22, struct.pack("<I", 2**32 - 1), 2**32 - 1),
        (23, struct.pack("<Q", 2**63), 2**63),
    ],
)
def test_tensors_of_all_number_types(
    tmp_path: Path, kind: int, content: bytes, value: float
) -> None:
    tensor = b"\x08" + logs.varint(kind) + logs.nested(4, content)
    written(tmp_path, "1.x", logs.summary(logs.nested(1, b"x") + logs.nested(8, tensor), 3))
    assert load(tmp_path).metrics["x"].values.tolist() == [value]


@pytest.mark.parametrize(
    "facts",
    [(3, 7, 7, 7), (9, 10, 7, 7), (10, 11, 1, 1), (14, 13, 0x3F40, 0.75), (19, 13, 0x3800, 0.5),
     (22, 16, 7, 7), (23, 17, 7, 7)],
)  # fmt: skip
@pytest.mark.parametrize("packed", [True, False])
def test_tensors_with_their_number_in_a_field(
    tmp_path: Path, facts: tuple[int, int, int, float], packed: bool
) -> None:
    kind, field, bits, value = facts
    number = logs.varint(bits)
    held = logs.nested(field, number) if packed else logs.varint(field << 3) + number
    tensor = b"\x08" + logs.varint(kind) + held
    written(tmp_path, "1.x", logs.summary(logs.nested(1, b"x") + logs.nested(8, tensor), 3))
    assert load(tmp_path).metrics["x"].values.tolist() == [value]


def test_an_event_with_very_many_values_is_read(tmp_path: Path) -> None:
    def event(step: int) -> bytes:
        values = [
            nested_value(f"Episode/very_long_name_of_a_metric_number_{n:05}" + "x" * 150)
            for n in range(1900)
        ]
        return logs.event_record(b"\x10" + logs.varint(step) + logs.nested(5, b"".join(values)))

    def nested_value(tag: str) -> bytes:
        return logs.nested(1, logs.nested(1, tag.encode()) + b"\x15" + struct.pack("<f", 1.0))

    written(tmp_path, "1.x", logs.scalar("loss", 1, 1.0), *map(event, (1, 2, 3)))
    assert len(event(1)) > 2**18
    state = load(tmp_path)
    assert len(state.metrics) == 1901
    assert sum(map(len, state.metrics.values())) == 3 * 1900 + 1
