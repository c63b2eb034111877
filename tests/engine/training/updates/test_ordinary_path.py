"""Shortened steps are those of the ordinary path, bit for bit: a run's log and its checkpoint."""

from typing import get_args

import pytest
import torch

from engine.training.updates import build_optimizer, clipping
from presets.schema import ClipMode
from support.forked import told
from support.resuming import final, interrupt, same

LIMITS = {"norm": {"clip__threshold": 0.5}, "value": {"clip__threshold": 0.01}}
CASES = [("adam", mode) for mode in get_args(ClipMode)] + [("adamw", "norm")]


@pytest.mark.parametrize(("optimizer", "mode"), CASES)
def test_a_run_equals_one_with_the_steps_of_torch(tmp_path, tiny, monkeypatch, optimizer, mode):
    settings = {"steps": 12, "seed": 3, "batch_size": 32, "checkpoint__every_steps": 6}
    settings |= {"model__batch_norm": True, "model__dropout": 0.3, "clip__mode": mode}
    config = tiny(optimizer, **settings, **LIMITS.get(mode, {}))
    short = interrupt(tmp_path / "short", config)
    by_step = clipping.by_step

    def with_a_new_divisor(optimizer, norm, max_norm, divisor):
        return by_step(optimizer, norm, max_norm, torch.ones(()))

    monkeypatch.setattr(build_optimizer, "gather_once", lambda optimizer: None)
    monkeypatch.setattr(clipping, "by_step", with_a_new_divisor)
    ordinary = interrupt(tmp_path / "ordinary", config)
    assert told(short) == told(ordinary)
    assert {step for _, step in told(short)} == set(range(1, 13))
    assert same(final(short), final(ordinary))
