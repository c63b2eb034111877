"""Checkpoints are whole or not there, and never run code."""

import errno
import json
import os
import pickle
import resource
import signal

import msgspec
import pytest
import torch

from engine.runs import checkpoint, run_directory
from engine.runs.checkpoint import MANIFEST, TENSORS, WEIGHTS, newest_valid
from engine.runs.events import CheckpointSaved, Evaluation, LogLine
from engine.runs.log_reader import read_all
from engine.runs.run_directory import RunDir
from engine.training.saving import checkpoint_writer, snapshot
from presets import UserError
from support.forged import FILES, forge, plain_write, reseal
from support.forked import in_child, last_checkpoint, of, wait
from support.forked import train as train_run


def names(run):
    return [item.name for item in checkpoint.listed(run)]


@pytest.fixture
def run(tmp_path):
    made = RunDir(tmp_path / "run")
    made.path.mkdir()
    made.control_path.mkdir()
    return made


def test_what_a_run_writes(saved):
    events = read_all(saved.events_path)
    announced = [(e.step, e.reason) for e in of(CheckpointSaved, events)]
    assert {(2, "interval"), (4, "interval"), (6, "interval")} <= set(announced)
    assert announced[-1][1] == "end"
    newest = last_checkpoint(saved)
    assert newest.step == 8
    assert (newest.path.stat().st_mode & 0o777) == 0o700
    assert {path.name for path in newest.path.iterdir()} == {*FILES, MANIFEST}
    for path in newest.path.iterdir():
        assert (path.stat().st_mode & 0o777) == 0o600
    assert json.loads((newest.path / MANIFEST).read_bytes())["step"] == 8
    state = checkpoint.read_state(newest)
    assert (state.step, state.steps, state.optimizer, state.lr) == (8, 8, "adam", 0.001)
    assert not list(saved.checkpoints_path.glob(".tmp-*"))


def test_a_quick_run_writes_its_best_and_its_end(train, tiny, tmp_path):
    events = train(tiny(epochs=30, seed=1))
    kept = of(CheckpointSaved, events)
    assert len(kept) in (1, 2)  # the last state may be the best one
    assert kept[-1].reason == "end"
    (run,) = run_directory.list_runs(tmp_path)
    best = [item for item in checkpoint.listed(run) if item.manifest.best]
    assert len(best) == 1
    values = [e.values["accuracy"] for e in of(Evaluation, events) if e.split == "val"]
    state = checkpoint.read_state(best[0])
    assert state.best is not None
    assert state.best.value == pytest.approx(max(values))
    assert state.best.step == best[0].step == 3 * (values.index(max(values)) + 1)


def test_rotation_keeps_the_newest_the_best_and_the_last_finite(run):
    plain_write(run, 1, best=True)
    plain_write(run, 2, reason="command")
    for step in range(3, 6):
        plain_write(run, step)
    for step in range(6, 10):
        plain_write(run, step, finite=False)
    checkpoint_writer.rotate(run)
    assert names(run) == [f"step-0000000{step}" for step in (1, 2, 5, 8, 9)]
    checkpoint_writer.rotate(run)
    assert len(names(run)) == 5


def test_the_same_step_never_replaces_a_checkpoint(run):
    plain_write(run, 3)
    assert plain_write(run, 3).name == "step-00000003-2"
    assert names(run) == ["step-00000003", "step-00000003-2"]


@pytest.mark.parametrize("file", [*FILES, MANIFEST])
@pytest.mark.parametrize("damage", ["cut", "flip", "gone", "empty", "link", "pipe"])
def test_a_damaged_checkpoint_is_skipped_for_an_older_one(saved, file, damage):
    first, newest = checkpoint.listed(saved)[-2:]
    path = newest.path / file
    data = path.read_bytes()
    path.unlink()
    match damage:
        case "cut":
            path.write_bytes(data[:-3])
        case "flip":
            path.write_bytes(data[:20] + bytes([data[20] ^ 1]) + data[21:])
        case "empty":
            path.touch()
        case "link":
            copy = path.parent.parent / "copy"
            copy.write_bytes(data)
            path.symlink_to(copy)
        case "pipe":
            os.mkfifo(path)
    warnings = []
    found = newest_valid(saved, warnings.append)
    assert found is not None
    assert found.name == first.name
    (line,) = warnings
    assert line.startswith(f"checkpoint skipped: {path}: ")
    assert "\n" not in line
    with pytest.raises(UserError):
        checkpoint.named(saved, newest.name)


def test_a_resumed_run_says_which_checkpoint_it_passed_over(saved):
    newest = last_checkpoint(saved)
    (newest.path / WEIGHTS).write_bytes(b"")
    assert wait(in_child(lambda: train_run(saved))) == 0
    lines = [e for e in of(LogLine, read_all(saved.events_path)) if "skipped" in e.message]
    assert [line.level for line in lines] == ["warning"]
    assert newest.name in lines[0].message
    again = last_checkpoint(saved)
    assert (again.step, again.name) == (8, f"{newest.name}-2")


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("wrap", [pickle.dumps, None], ids=["pickle", "zip"])
def test_a_foreign_pickle_is_refused_and_not_run(saved, tmp_path, wrap):
    mark = tmp_path / "executed"
    item = last_checkpoint(saved)
    if wrap:
        data = wrap(Evil(mark))
    else:
        torch.save({"optimizer": Evil(mark), "cpu_rng": 0}, tmp_path / "evil")
        data = (tmp_path / "evil").read_bytes()
    with pytest.raises(UserError) as error:
        snapshot.load(forge(item, TENSORS, data))
    assert f"{TENSORS}: refused: " in str(error.value)
    assert "\n" not in str(error.value)
    assert not mark.exists()


def test_a_full_disk_harms_neither_training_nor_what_is_there(saved, tiny, train, monkeypatch):
    calls = []
    original = snapshot.Snapshot.write

    def write(self, folder):
        calls.append(self.state.step)
        if self.state.step == 4:
            (folder / WEIGHTS).write_bytes(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(self, folder)

    monkeypatch.setattr(snapshot.Snapshot, "write", write)
    events = train(tiny(steps=6, checkpoint__every_steps=2))
    assert events[-1].status == "done"
    assert [e.message for e in of(LogLine, events) if e.level == "error"] == [
        "checkpoint of step 4 not written: No space left on device;"
        " the newest whole checkpoint is step-00000003"
    ]
    assert events[-1].unsaved == ""  # that of step 6 makes up for it
    assert [e.step for e in of(CheckpointSaved, events) if e.reason == "interval"] == [2, 6]
    assert calls.count(4) == 1


@pytest.mark.parametrize("limit", [100, 5000, 50_000, 150_000])
def test_a_limit_on_file_sizes_is_a_full_disk(saved, limit):
    """Whatever library meets the full disk, and however it says so."""
    item = last_checkpoint(saved)
    taken = snapshot.load(item)
    before = names(saved)

    def attempt():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with pytest.raises(OSError):  # noqa: PT011 (the libraries say it in words of their own)
            plain_write(saved, 9, fill=taken.write)

    assert wait(in_child(attempt)) == 0
    assert names(saved) == before
    assert not list(saved.checkpoints_path.glob(".tmp-*"))
    assert newest_valid(saved, pytest.fail) == item


def test_drafts_of_a_killed_engine_are_removed(saved):
    left = saved.checkpoints_path / ".tmp-0123"
    left.mkdir()
    (left / WEIGHTS).touch()
    checkpoint_writer.remove_drafts(saved)
    assert not left.exists()
    assert len(names(saved)) >= 2


def test_a_manifest_of_another_format_is_refused(run):
    item = plain_write(run, 3)
    body = msgspec.json.encode(item.manifest).replace(b'"format":1', b'"format":2')
    (item.path / MANIFEST).write_bytes(reseal(body))
    with pytest.raises(UserError, match=r"manifest\.json: Invalid enum value 2"):
        checkpoint.read(item.path)
