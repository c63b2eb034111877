"""Logs that grow while they are followed, by pieces that end anywhere."""

import os
import random
import shutil
from pathlib import Path

import pytest

from support.foreign_runs import LOGS, WANDB, Watched, load, metrics
from tui.runs.state.store import RunState


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
