"""Runs of optimizers with more to remember, interrupted between evaluations, go on bit for bit."""

import pytest
import pytorch_optimizer  # noqa: F401 (once here, and not in each forked process)
from test_resume import check_equal, interrupt


@pytest.mark.parametrize(
    "optimizer", ["lbfgs", "muon", "prodigy", "schedule-free-adamw", "soap", "sophia"]
)
def test_an_interrupted_run_equals_a_whole_one(tmp_path, tiny, optimizer):
    """Sophia's 11th step estimates curvature anew; evaluations are at every third step."""
    settings = {"steps": 14, "seed": 3, "batch_size": 32, "checkpoint__every_steps": 4}
    settings |= {"model__batch_norm": True, "model__dropout": 0.3}
    if optimizer == "lbfgs":
        settings["optimizer__max_iter"] = 4
    config = tiny(optimizer, **settings)
    whole = interrupt(tmp_path / "whole", config)
    check_equal(interrupt(tmp_path / "cut", config, 10), whole)
