"""Every optimizer with every way to clip: a run that was killed equals a whole one, bit for bit."""

from random import Random
from typing import get_args

import pytest
import pytorch_optimizer  # noqa: F401 (once here, and not in each forked process)

from engine.runs.events import Restarted
from engine.runs.log_reader import read_all
from presets.schema import ClipMode
from support.every_step import CLIPS, PAIRS, is_quick, settings_of
from support.forked import of, told
from support.resuming import check_equal, interrupt

STEPS = 14


def test_no_way_to_clip_is_missing():
    assert list(CLIPS) == list(get_args(ClipMode))


@pytest.mark.figure("resume after a kill, optimizers x clip modes", asked="bit-identical")
@pytest.mark.parametrize(
    ("optimizer", "clip"),
    [pytest.param(*pair, marks=[pytest.mark.slow] * (not is_quick(*pair))) for pair in PAIRS],
)
def test_an_interrupted_run_equals_a_whole_one(tmp_path, tiny, optimizer, clip):
    """Killed between evaluations and checkpoints. Sophia's 11th step estimates curvature anew."""
    settings = {"steps": STEPS, "seed": 3, "checkpoint__every_steps": 4}
    config = tiny(optimizer, **settings, **settings_of(optimizer, clip))
    whole = interrupt(tmp_path / "whole", config)
    assert {step for _, step in told(whole)} == set(range(1, STEPS + 1))
    step = Random(f"{optimizer} {clip}").choice((5, 7, 10, 11, 13))
    run = interrupt(tmp_path / "cut", config, step)
    (restarted,) = of(Restarted, read_all(run.events_path))
    assert restarted.step == 4 * ((step - 1) // 4)
    assert restarted.checkpoint == f"step-{restarted.step:08d}"
    check_equal(run, whole)
