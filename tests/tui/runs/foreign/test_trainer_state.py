"""The state files of a Hugging Face trainer, also while newer ones are written."""

import json
import os
import shutil
from pathlib import Path

import pytest

from support.foreign_runs import LOGS, Watched, load, metrics, said
from tui.runs.foreign import large_json


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
        whole = list(large_json.Document(file).parts())
    monkeypatch.setattr(large_json, "PIECE_CHARACTERS", 3)
    with path.open("rb") as file:
        assert list(large_json.Document(file).parts()) == whole
