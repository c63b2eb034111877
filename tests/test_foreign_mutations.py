"""Damaged logs of other programs: no traceback, one line at most, neither slow nor large."""

import os
import random
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from presets import UserError
from support import foreign_logs as logs
from support.mutating import MEGABYTES, mutate
from support.recorded import FIXTURES
from tui.runs import loading
from tui.runs.foreign import sniff
from tui.runs.foreign.event_builder import MAX_METRICS, MAX_RESTARTS
from tui.runs.state.store import RunState

LOGS = FIXTURES / "foreign"


def samples() -> dict[str, bytes]:
    """A small log of each kind, under a name that says what it is."""
    wandb = next((LOGS / "wandb").glob("*/*.wandb"))
    events = sorted((LOGS / "tensorboard" / "adam").iterdir())[0]
    lines = b"".join(
        b'{"step":%d,"train":{"loss":%d.5},"val_loss":NaN,"time":%d}\n' % (n, n, n + 10**9)
        for n in range(30)
    )
    tensors = b"".join(logs.tensor_scalar("loss", n, 1.0, packed=n % 2 == 0) for n in range(20))
    return {
        "events.out.tfevents.1.x": events.read_bytes() + tensors,
        "run-x.wandb": wandb.read_bytes(),
        "metrics.csv": (LOGS / "lightning_logs" / "version_0" / "metrics.csv").read_bytes(),
        "export.csv": (LOGS / "export.csv").read_bytes(),
        "lines.jsonl": lines,
        "trainer_state.json": (LOGS / "trainer" / "trainer_state.json").read_bytes(),
    }


def resigned(name: str, data: bytes, chance: random.Random) -> bytes:
    """Damage that has right checksums, as a hostile writer would do it."""
    messages = [mutate(data[place : place + 60], chance) for place in range(0, 3000, 150)]
    if name.endswith(".wandb"):
        return b"".join(logs.wandb_file(messages))
    return b"".join(map(logs.event_record, messages))


def damaged(name: str, data: bytes, rounds: int) -> Iterator[bytes]:
    chance = random.Random(name)
    signed = name.endswith(".wandb") or "tfevents" in name
    for number in range(rounds):
        if signed and number % 2:
            yield resigned(name, data, chance)
        else:
            yield mutate(data, chance)


def check(state: RunState) -> None:
    """What the screen relies on."""
    for series in (*state.metrics.values(), state.seconds):
        assert (series.steps[1:] >= series.steps[:-1]).all()
    assert len(state.metrics) <= MAX_METRICS
    assert len(state.marks) <= MAX_RESTARTS
    assert not any("\n" in note.text for note in state.history)
    assert "\n" not in state.outcome()


def run(rounds: int, folder: Path) -> tuple[int, int, float, float]:
    """How many were read at all and how many lost something, the slowest in seconds, and the growth
    of memory in MB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read, lost, slowest, refused = 0, 0, 0.0, []
    for name, data in samples().items():
        path = folder / name
        for changed in damaged(name, data, rounds):
            path.write_bytes(changed)
            if chance_of_old := len(changed) % 2:
                os.utime(path, (chance_of_old, chance_of_old))
            began = time.perf_counter()
            try:
                for each in sniff.open_source(path):
                    state = loading.load(each)
                    check(state)
                    lost += state.damaged > 0
                read += 1
            except UserError as error:
                refused.append(str(error))
            slowest = max(slowest, time.perf_counter() - began)
    assert not any("\n" in line for line in refused)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return read, lost, slowest, grown


def test_damaged_logs_are_read_as_far_as_they_can_be(tmp_path: Path) -> None:
    read, lost, _, grown = run(40, tmp_path)
    assert read > 200
    assert lost > 60
    assert grown < MEGABYTES


@pytest.mark.slow
def test_ten_thousand_of_each_kind(tmp_path: Path) -> None:
    read, lost, slowest, grown = run(10_000, tmp_path)
    print(
        f"\n60,000 mutated logs of other programs: {read} opened, {lost} with damage counted, 0 "
        f"tracebacks, slowest {slowest * 1000:.0f} ms, +{grown:.0f} MB"
    )
    assert grown < MEGABYTES


HUGE = 60_000_000
MANY_VALUES = logs.event_record(b"\x2a\x80\xd3\x0e" + b"\n\0" * 120_000)


@pytest.mark.parametrize(
    ("name", "begin", "pad"),
    [
        ("events.out.tfevents.1.x", logs.scalar("loss", 1, 1.0), b"\0"),
        ("events.out.tfevents.1.x", logs.scalar("loss", 1, 1.0), b"\xff"),
        ("events.out.tfevents.1.x", b"", MANY_VALUES),
        ("run-x.wandb", logs.WANDB_START, b"\0"),
        ("run-x.wandb", logs.WANDB_START, b"\xff"),
        ("a.csv", b"step,loss\n1,1\n", b"x"),
        ("a.csv", b"step,loss\n1,1\n", b'"' + b"x" * 60 + b"\n"),
        ("a.csv", b"step,loss\n", b","),
        ("a.jsonl", b'{"loss":1}\n', b"["),
        ("a.jsonl", b'{"loss":1}\n', b"[" * 500_000 + b"\n"),
        ("trainer_state.json", b'{"log_history": [', b'{"step": 1, "loss": 2.0},'),
        ("trainer_state.json", b'{"log_history": [', b"["),
        ("trainer_state.json", b'{"a": "', b"x"),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_a_huge_log_is_read_in_pieces(tmp_path: Path, name: str, begin: bytes, pad: bytes) -> None:
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(begin)
        for _ in range(HUGE // len(pad) // 1000 if len(pad) < 1000 else HUGE // len(pad)):
            file.write(pad * 1000 if len(pad) < 1000 else pad)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    (each,) = sniff.open_source(path)
    check(loading.load(each))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"\n60 MB of {name}, {pad[:8]!r}: {time.perf_counter() - began:.1f} s, +{grown:.0f} MB")
    assert grown < MEGABYTES
