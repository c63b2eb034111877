"""Runs that learn games, killed at five places, equal those that nobody interrupted."""

import random

import pytest

from engine.config import configure
from engine.games.go import Go
from engine.tasks.players import boards
from support.resuming import check_equal, interrupt

KILLS = (1, 3, 6, 7, 10)


def records(path):
    """A file of short games by chance on 5x5."""
    text = ""
    for seed in range(12):
        chance, position, moves = random.Random(seed), Go(5), []
        while position.winner is None and position.number < 20:
            move = chance.choice(position.sensible())
            column, row = move % 5, move // 5
            letters = "tt" if move == 25 else f"{'abcde'[column]}{'abcde'[row]}"
            moves.append(f";{'BW'[position.number % 2]}[{letters}]")
            position = position.play(move)
        text += f"(;SZ[5]RE[{'BW'[seed % 2]}+1]{''.join(moves)})\n"
    path.write_text(text)
    return str(path)


@pytest.fixture
def few_games(monkeypatch):
    monkeypatch.setattr(boards, "GAMES", 4)


@pytest.mark.usefixtures("few_games")
def test_self_play(tmp_path):
    """Its games and its buffer go on as if nothing had happened."""
    settings = {
        "model.hidden": [16],
        "dataset.games": 6,
        "dataset.every": 4,
        "dataset.buffer": 1000,
        "batch_size": 16,
        "steps": 11,
        "evaluate_every": 5,
        "checkpoint.every_steps": 2,
        "device": "cpu",
        "threads": 1,
    }
    config = configure.resolve(recipe="connect-four", settings=settings)
    whole = interrupt(tmp_path / "whole", config)
    check_equal(interrupt(tmp_path / "cut", config, *KILLS), whole)


@pytest.mark.usefixtures("few_games")
def test_imitation(tmp_path):
    """The symmetries of each epoch, too."""
    settings = {
        "dataset.path": records(tmp_path / "games.sgf"),
        "model.channels": 4,
        "model.blocks": 1,
        "batch_size": 40,
        "epochs": None,
        "steps": 11,
        "schedule.warmup_steps": 2,
        "evaluate_every": 5,
        "checkpoint.every_steps": 2,
        "device": "cpu",
        "threads": 1,
    }
    config = configure.resolve(recipe="go-imitation", dataset="sgf", settings=settings)
    assert configure.plan(config).steps_per_epoch < 6
    whole = interrupt(tmp_path / "whole", config)
    check_equal(interrupt(tmp_path / "cut", config, *KILLS), whole)
