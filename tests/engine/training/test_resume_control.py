"""A policy that was killed goes on exactly, in the midst of an episode and of a round."""

import pytest

from engine.config import configure
from support import walking
from support.resuming import check_equal, interrupt


@pytest.mark.parametrize("environment", ["CartPole-v1", walking.NAME])
def test_killed_at_five_places(tmp_path, environment):
    """A round has 8 steps; a checkpoint is written every 3."""
    settings = {
        "dataset.environment": environment,
        "dataset.copies": 2,
        "dataset.moves": 16,
        "dataset.episodes": 3,
        "model.hidden": [8],
        "optimizer.lr": 1e-2,
        "batch_size": 16,
        "epochs": None,
        "steps": 30,
        "evaluate_every": 10,
        "checkpoint.every_steps": 3,
        "device": "cpu",
        "threads": 1,
    }
    with walking.registered():
        config = configure.resolve(recipe="cartpole", settings=settings)
        whole = interrupt(tmp_path / "whole", config)
        check_equal(interrupt(tmp_path / "cut", config, 2, 7, 8, 17, 29), whole)
