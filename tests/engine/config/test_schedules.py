"""Learning-rate schedules equal their formulas, and stay within what they promise."""

import math
from itertools import pairwise
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.config import schedules
from engine.config.schedules import Plateau
from presets.schema import Schedule, ScheduleType

STEPS, PER_EPOCH, LR = 100, 20, 0.5


def factors(steps=STEPS, lr=LR, **settings):
    """Of every step, counted from 1."""
    schedule = Schedule(**settings)
    return [
        schedules.factor(schedule, step, lr=lr, steps=steps, steps_per_epoch=PER_EPOCH)
        for step in range(1, steps + 1)
    ]


def test_linear_and_cosine_after_a_warmup():
    for kind, shape in (("linear", lambda p: 1 - p), ("cosine", lambda p: math.cos(p * math.pi))):
        found = factors(type=kind, warmup_steps=10, final_factor=0.1)
        assert found[:10] == pytest.approx([step / 10 for step in range(1, 11)])
        for index in range(10, STEPS):
            share = shape((index - 10) / 89)
            share = share if kind == "linear" else (1 + share) / 2
            assert found[index] == pytest.approx(0.1 + 0.9 * share)


def test_the_stairs_of_step_and_the_curve_of_exponential():
    stairs = factors(type="step", gamma=0.5, every_epochs=2)
    assert stairs == [0.5 ** (index // PER_EPOCH // 2) for index in range(STEPS)]
    curve = factors(type="exponential", gamma=0.5, every_epochs=2)
    assert curve[40] == pytest.approx(0.5)
    assert curve[1] / curve[0] == pytest.approx(0.5 ** (1 / 40))


def test_warm_up_stable_decay():
    found = factors(type="wsd", warmup_steps=20, decay_share=0.25)
    assert found[19:80] == [1.0] * 61
    falls = 0.25 * 79  # of the 79 steps after the first one at full rate
    for index in range(80, STEPS):
        assert found[index] == pytest.approx(max(schedules.LEAST, (99 - index) / falls))


def test_one_cycle_rises_and_falls_once():
    found = factors(type="one-cycle", rise_share=0.3, start_factor=0.04)
    assert found[0] == pytest.approx(0.04)
    top = found.index(max(found))
    assert (top, found[top]) == (29, pytest.approx(1.0))
    assert found[:30] == sorted(found[:30])
    assert found[29:] == sorted(found[29:], reverse=True)


ENDS = {
    "linear": {"final_factor": 0.1},
    "cosine": {"final_factor": 0.1},
    "wsd": {"final_factor": 0.1},
    "one-cycle": {"start_factor": 1000.0},
    "range-test": {"min_lr": 1e-3, "max_lr": 0.05},
}
"""Settings with which a schedule's last factor is 0.1, where it is said to end with a value."""


@pytest.mark.parametrize("warmup", [0, 1, 7])
@pytest.mark.parametrize("steps", [9, 10, 100, 1001])
@pytest.mark.parametrize("kind", get_args(ScheduleType))
def test_first_peak_and_last_step_have_the_values_that_are_said(kind, steps, warmup):
    found = factors(steps, type=kind, warmup_steps=warmup, **ENDS.get(kind, {}))
    if kind in ENDS:
        assert found[-1] == pytest.approx(0.1)
    if kind not in ("one-cycle", "range-test"):
        assert max(found) == 1.0
        assert found[max(0, warmup - 1)] == 1.0
    if kind == "range-test":
        assert found[warmup] == pytest.approx(2e-3 * 50 ** (warmup / (steps - 1)))
    if warmup:
        assert found[0] == pytest.approx(1 / warmup)


class Torch:
    """The factors of torch's own schedulers at each step."""

    def __init__(self, make, steps=STEPS, every=1, metrics=None):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        scheduler = make(optimizer)
        self.factors = []
        for step in range(1, steps + 1):
            self.factors.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if step % every == 0:
                scheduler.step(*([metrics[step // every - 1]] if metrics else []))


LR_SCHEDULER = torch.optim.lr_scheduler


@pytest.mark.parametrize("steps", [2, 10, 11, 97, 300])
@pytest.mark.parametrize("rise", [0.1, 0.3, 0.5])
def test_one_cycle_is_that_of_torch(steps, rise):
    found = factors(steps, type="one-cycle", rise_share=rise)
    if rise * steps > 1:  # else torch has a rise that ends before it begins
        torchs = Torch(
            lambda optimizer: LR_SCHEDULER.OneCycleLR(
                optimizer, max_lr=1.0, total_steps=steps, pct_start=rise, cycle_momentum=False
            ),
            steps,
        )
        assert found == pytest.approx(torchs.factors)
    assert found[-1] == pytest.approx(4e-6)


def test_the_other_schedules_are_those_of_torch():
    last = STEPS - 1
    theirs = [
        (
            {"type": "cosine", "final_factor": 0.2},
            lambda o: LR_SCHEDULER.CosineAnnealingLR(o, T_max=last, eta_min=0.2),
            1,
        ),
        (
            {"type": "linear", "final_factor": 0.2},
            lambda o: LR_SCHEDULER.LinearLR(o, start_factor=1.0, end_factor=0.2, total_iters=last),
            1,
        ),
        (
            {"type": "step", "gamma": 0.5, "every_epochs": 2},
            lambda o: LR_SCHEDULER.StepLR(o, step_size=2, gamma=0.5),
            PER_EPOCH,
        ),
        (
            {"type": "exponential", "gamma": 0.5, "every_epochs": 1},
            lambda o: LR_SCHEDULER.ExponentialLR(o, gamma=0.5 ** (1 / PER_EPOCH)),
            1,
        ),
    ]
    for settings, make, every in theirs:
        assert factors(**settings) == pytest.approx(Torch(make, every=every).factors), settings


def test_plateau_is_that_of_torch():
    """Torch counts the evaluations that it bears: one fewer than those after which it acts."""
    losses = [1.0, 0.9, 0.95, 0.9, 0.91, 0.8, 0.8, 0.9, 0.85, 0.81, 0.7, 0.9]
    torchs = Torch(
        lambda o: LR_SCHEDULER.ReduceLROnPlateau(
            o, factor=0.5, patience=2, threshold=0.0, cooldown=0
        ),
        len(losses),
        metrics=losses,
    )
    state, found = Plateau(), []
    for loss in losses:
        found.append(0.5**state.drops)
        state = state.evaluated(loss, patience=3)
    assert found == torchs.factors


def test_inverse_square_root():
    found = factors(type="inverse-sqrt", warmup_steps=16)
    assert found[15] == 1.0
    assert found[63] == pytest.approx(0.5)


def test_a_range_test_has_its_own_rates():
    rates = [LR * f for f in factors(type="range-test", min_lr=1e-5, max_lr=1.0)]
    assert (rates[0], rates[-1]) == (pytest.approx(1e-5), pytest.approx(1.0))
    ratios = [second / first for first, second in pairwise(rates)]
    assert ratios == pytest.approx([10 ** (5 / 99)] * 99)


def test_plateau_falls_after_patience_and_not_below_its_least():
    state = Plateau()
    for loss in (1.0, 0.9, 0.95, math.nan, 0.9):
        state = state.evaluated(loss, patience=3)
    assert (state.best, state.worse, state.drops) == (0.9, 0, 1)
    state = state.evaluated(0.8, patience=3)
    assert (state.best, state.worse, state.drops) == (0.8, 0, 1)
    schedule = Schedule(type="plateau", gamma=0.1, final_factor=0.05)
    plan = {"lr": LR, "steps": STEPS, "steps_per_epoch": PER_EPOCH}
    found = [schedules.factor(schedule, 1, drops=drops, **plan) for drops in (0, 1, 2)]
    assert found == [1.0, 0.1, 0.05]


@given(
    kind=st.sampled_from(get_args(ScheduleType)),
    steps=st.integers(1, 10**6),
    warmup=st.integers(0, 1000),
    at=st.floats(0, 1),
    gamma=st.floats(1e-3, 1.0),
    final=st.floats(0, 1),
)
def test_a_factor_is_always_positive_and_finite(  # noqa: PLR0917 (drawn by hypothesis)
    kind, steps, warmup, at, gamma, final
):
    schedule = Schedule(type=kind, warmup_steps=warmup, gamma=gamma, final_factor=final)
    step = 1 + int(at * 2 * (steps - 1))  # also after the end, when a command made the run longer
    value = schedules.factor(schedule, step, lr=0.1, steps=steps, steps_per_epoch=7)
    assert 0 < value < math.inf
    if kind != "range-test":
        assert value <= 1.0


@given(steps=st.integers(1, 5000), points=st.integers(2, 200))
def test_a_preview_has_both_ends(steps, points):
    shown = schedules.curve(
        Schedule(type="cosine"), lr=0.1, steps=steps, steps_per_epoch=7, points=points
    )
    assert (shown[0][0], shown[-1][0]) == (1, steps)
    assert len(shown) <= points
    assert shown[0][1] == pytest.approx(0.1)
