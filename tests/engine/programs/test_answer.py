"""A trained model answers: with the judged weights, newest first, and an error is one line."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.programs import answer, match
from engine.programs.answers.loaded import LoadedRun
from engine.runs import run_directory
from engine.runs.checkpoint import listed
from engine.runs.questions import Answer, Question
from engine.runs.run_directory import RunDir
from presets import UserError
from support import device_runs


def trained(root: Path, dataset: str = "digits", *, model: str = "logistic", **settings) -> RunDir:
    given = {"steps": 3, "checkpoint__every_steps": 1, "evaluate_every": 3} | settings
    config = device_runs.resolve("cpu", model=model, dataset=dataset, **given)
    run = run_directory.create(root, config)
    device_runs.train(run)
    return run


def last(loaded: LoadedRun, **question: object) -> Answer:
    return list(answer.answers(loaded, Question(id=7, **question)))[-1]


def test_a_drawn_digit_gets_the_classes_that_the_model_gives_it(tmp_path: Path) -> None:
    loaded = LoadedRun(trained(tmp_path).path)
    ready = answer.ready(loaded)
    assert (ready.input, ready.height, ready.width, ready.step) == ("image", 8, 8, 3)
    x, _ = loaded.data.test.x[:1], loaded.data.test.y[:1]
    pixels = np.rint(x[0, 0] * 255).astype(int).tolist()
    found = last(loaded, pixels=pixels)
    expected = loaded.model(torch.from_numpy(x)).softmax(dim=1)[0]
    assert found.text == str(int(expected.argmax()))
    assert found.choices[0].share == pytest.approx(float(expected.max()), abs=1e-2)
    assert sum(choice.share for choice in found.choices) == pytest.approx(1.0)


def test_a_dark_digit_on_white_paper_is_the_same_digit(tmp_path: Path) -> None:
    loaded = LoadedRun(trained(tmp_path / "runs").path)
    grey = (loaded.data.test.x[0, 0] * 255).astype(np.uint8)
    Image.fromarray(255 - grey).save(tmp_path / "dark.png")
    Image.fromarray(grey).save(tmp_path / "bright.png")
    dark, bright = (last(loaded, text=str(tmp_path / f"{n}.png")) for n in ("dark", "bright"))
    assert dark.choices == bright.choices


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({"text": "nowhere.png"}, "nowhere.png: expected the path of an image file"),
        ({"text": __file__}, "cannot be read as an image"),
        ({"pixels": [[0, 255]]}, "expected 8 rows of 8 pixels"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, question: dict, said: str) -> None:
    found = last(LoadedRun(trained(tmp_path).path), **question)
    assert said in found.error
    assert "\n" not in found.error


def test_the_newest_checkpoint_answers_and_the_run_is_not_touched(tmp_path: Path) -> None:
    run = trained(tmp_path)
    newest = listed(run)[-1]
    hidden = newest.path.rename(tmp_path / "hidden")
    loaded = LoadedRun(run.path)
    before = last(loaded, pixels=[[0] * 8] * 8)
    hidden.rename(newest.path)
    files = sorted(path.stat().st_mtime_ns for path in run.path.rglob("*"))
    after = last(loaded, pixels=[[0] * 8] * 8)
    assert before.step < after.step == 3
    assert before.choices != after.choices
    assert sorted(path.stat().st_mtime_ns for path in run.path.rglob("*")) == files
    named = LoadedRun(run.path, listed(run)[0].name)
    assert last(named, pixels=[[0] * 8] * 8).step == listed(run)[0].step


def test_a_checkpoint_that_is_damaged_while_one_asks_changes_nothing(tmp_path: Path) -> None:
    run = trained(tmp_path)
    newest = listed(run)[-1]
    hidden = newest.path.rename(tmp_path / "hidden")
    loaded = LoadedRun(run.path)
    (hidden / "weights.safetensors").write_bytes(b"none of ours")
    hidden.rename(newest.path)
    assert last(loaded, pixels=[[0] * 8] * 8).step == loaded.checkpoint.step < 3


def test_a_run_without_checkpoints_cannot_be_asked(tmp_path: Path) -> None:
    run = run_directory.create(tmp_path, device_runs.resolve("cpu"))
    with pytest.raises(UserError, match="no checkpoint yet"):
        LoadedRun(run.path)


def test_points_and_rows_of_a_table(tmp_path: Path) -> None:
    loaded = LoadedRun(trained(tmp_path, "spirals", model="mlp").path)
    assert answer.ready(loaded).columns == ["x", "y"]
    assert last(loaded, text="0.5, -0.5").choices
    assert "expected 2 numbers, got 1" in last(loaded, text="0.5").error

    lines = [f"{n % 7},{'red' if n % 2 else 'blue'},{3.0 * (n % 7) + 5}" for n in range(200)]
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["size,colour,price", *lines]))
    run = trained(tmp_path, "csv", model="logistic", dataset__path=str(table))
    loaded = LoadedRun(run.path)
    assert answer.ready(loaded).columns == ["size", "colour"]
    x = loaded.dataset.row(loaded.dataset_config, {"size": "3", "colour": "red"})
    known = loaded.data.train.x
    assert any(np.allclose(x[0], row) for row in known)
    assert last(loaded, text="3, red").text == last(loaded, text="colour=red, size=3").text
    assert last(loaded, text="3, red").text.startswith("price ")
    assert "expected blue, red, got 'green'" in last(loaded, text="3, green").error
    assert "expected a number, got 'big'" in last(loaded, text="big, red").error
    assert "expected columns of size, colour" in last(loaded, text="weight=3").error


def test_a_text_goes_on_token_by_token(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("the quick brown fox jumps over the lazy dog. " * 200)
    settings = {"dataset__path": str(text), "dataset__context_length": 16, "batch_size": 8}
    loaded = LoadedRun(trained(tmp_path, "text", model="gru-char", **settings).path)
    assert answer.ready(loaded).writes
    found = last(loaded, text="the q", length=20, temperature=0.5)
    assert len(found.text) == len(found.tokens) == 20
    assert found.choices
    assert last(loaded, text="the q", length=20, temperature=0.5).text == found.text
    assert last(loaded, text="the q", length=20, temperature=1.5, seed=1).text != found.text
    assert "at least one character" in last(loaded, text="@").error


@pytest.mark.slow
def test_a_game_is_thought_about_and_played(tmp_path: Path, capfdbinary) -> None:
    run = trained(tmp_path, "connect-four", model="mlp", batch_size=8, steps=1)
    loaded = LoadedRun(run.path)
    found = last(loaded, text="4 4 3").position
    assert found is not None
    assert found.history == ["column 4", "column 4", "column 3"]
    assert sum(found.cells) == 1
    assert found.best in found.legal
    assert sum(found.shares) == pytest.approx(1.0, abs=1e-3)
    over = last(loaded, moves=[0, 1, 0, 1, 0, 1, 0]).position
    assert over is not None
    assert over.winner == 1
    assert "expected one of" in last(loaded, text="9").error
    capfdbinary.readouterr()
    match.play((run.path, run.path), 4)
    lines = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert lines[-1]["games"] == 4
    assert lines[-1]["low"] <= lines[-1]["rate"] <= lines[-1]["high"]


def test_the_program_reads_questions_and_writes_answers(tmp_path: Path, monkeypatch) -> None:
    run = trained(tmp_path)
    lines = [json.dumps({"id": 1, "pixels": [[9] * 8] * 8}), "{no", ""]
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\n".join(lines).encode())))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written))
    assert answer.main([str(run.path)]) == 0
    ready, *found = map(json.loads, written.getvalue().splitlines())
    assert ready["type"] == "ready"
    assert [each["id"] for each in found] == [1, -1]
    assert "malformed" in found[1]["error"]
    assert answer.main([str(tmp_path / "nowhere")]) == 2
    assert json.loads(written.getvalue().splitlines()[-1])["type"] == "failed"
