"""Learning-rate schedules equal their formulas, and stay within what they promise."""

import math
from itertools import pairwise
from typing import get_args

import pytest
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
            share = shape((index - 10) / 90)
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
    assert found[90] == pytest.approx(0.5)
    assert found[-1] == pytest.approx(1 / 20)


def test_one_cycle_rises_and_falls_once():
    found = factors(type="one-cycle", rise_share=0.3, start_factor=0.04)
    assert found[0] == pytest.approx(0.04)
    top = found.index(max(found))
    assert (top, found[top]) == (30, pytest.approx(1.0))
    assert found[:31] == sorted(found[:31])
    assert found[30:] == sorted(found[30:], reverse=True)


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
