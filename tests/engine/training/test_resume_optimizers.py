"""Every optimizer with every way to clip: a run that was killed equals a whole one, bit for bit."""

from itertools import product
from random import Random
from typing import get_args

import pytest
import pytorch_optimizer  # noqa: F401 (once here, and not in each forked process)

from engine.runs.events import Restarted
from engine.runs.log_reader import read_all
from presets.schema import ClipMode
from support.forked import of, told
from support.optimizing import PRESETS
from support.resuming import check_equal, interrupt

CLIPS = {
    "none": {},
    "norm": {"clip__threshold": 0.5},
    "value": {"clip__threshold": 0.01},
    "parameter": {"clip__threshold": 0.1},
    "agc": {"clip__ratio": 0.01},
    "autoclip": {"clip__percentile": 50},
    "zclip": {"clip__z_score": 0.5},
}
"""Limits that some steps exceed."""
PAIRS = list(product(PRESETS, CLIPS))
STEPS = 14
OWN = {
    "gd": {"batch_size": "full"},
    "lbfgs": {"optimizer__max_iter": 4},
    "sparse-adam": {"model": "gru-char", "dataset": "bible-en", "batch_size": 4},
}
"""What an optimizer needs."""
MLP = {"model__batch_norm": True, "model__dropout": 0.3}
SPARSE_GRU = {"model__sparse": True, "model__hidden": 8, "model__dropout": 0.3}


def test_no_way_to_clip_is_missing():
    assert list(CLIPS) == list(get_args(ClipMode))


def is_quick(optimizer, clip):
    """One of each optimizer and some of each way to clip; all others are slow tests."""
    return (PRESETS.index(optimizer) - list(CLIPS).index(clip)) % len(CLIPS) == 0


@pytest.mark.figure("resume after a kill, optimizers x clip modes", asked="bit-identical")
@pytest.mark.parametrize(
    ("optimizer", "clip"),
    [pytest.param(*pair, marks=[pytest.mark.slow] * (not is_quick(*pair))) for pair in PAIRS],
)
def test_an_interrupted_run_equals_a_whole_one(tmp_path, tiny, optimizer, clip):
    """Killed between evaluations and checkpoints. Sophia's 11th step estimates curvature anew."""
    settings = {"steps": STEPS, "seed": 3, "batch_size": 32, "checkpoint__every_steps": 4}
    settings |= SPARSE_GRU if optimizer == "sparse-adam" else MLP
    settings |= {"clip__mode": clip, **CLIPS[clip], **OWN.get(optimizer, {})}
    config = tiny(optimizer, **settings)
    whole = interrupt(tmp_path / "whole", config)
    assert {step for _, step in told(whole)} == set(range(1, STEPS + 1))
    step = Random(f"{optimizer} {clip}").choice((5, 7, 10, 11, 13))
    run = interrupt(tmp_path / "cut", config, step)
    (restarted,) = of(Restarted, read_all(run.events_path))
    assert restarted.step == 4 * ((step - 1) // 4)
    assert restarted.checkpoint == f"step-{restarted.step:08d}"
    check_equal(run, whole)
