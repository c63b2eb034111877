"""A range test ends where the loss leaves its valley."""

import math

from engine.runs.events import Evaluation, RunEnded, Scalars
from engine.training.steering.range_test import RangeTest


def watch(losses, block=7):
    test = RangeTest()
    inspect = test.after(lambda steps, columns: len(steps))
    for first in range(0, len(losses), block):
        part = losses[first : first + block]
        steps = list(range(first + 1, first + 1 + len(part)))
        columns = {"train/loss": part, "lr": [10.0 ** (step / 50 - 5) for step in steps]}
        assert inspect(steps, columns) == len(part)
        if test.reason:
            return steps[-1]
    return None


def test_it_goes_on_through_noise_and_ends_at_the_rise():
    valley = [2.3 - 2.0 * min(1.0, step / 120) + 0.05 * math.sin(step) for step in range(150)]
    assert watch(valley) is None
    rising = valley + [0.3 * 1.2**step for step in range(50)]
    assert 150 < watch(rising) < 185


def test_what_does_not_count_is_not_seen():
    test = RangeTest()
    inspect = test.after(lambda steps, columns: 0)
    columns = {"train/loss": [1.0] * 20 + [1e9], "lr": [1.0] * 21}
    inspect(list(range(1, 22)), columns)
    assert not test.reason


def test_a_run_that_looks_for_a_rate_leaves_nothing_else(train, tiny, tmp_path):
    # Losses are looked at block by block: after the rise there is time for several blocks.
    config = tiny("sgd", steps=2000, schedule__type="range-test", schedule__max_lr=1e4)
    events = train(config)
    (ended,) = [event for event in events if isinstance(event, RunEnded)]
    assert ended.status in ("done", "stopped")
    assert ended.step < 2000
    assert not [event for event in events if isinstance(event, Evaluation)]
    assert not list(tmp_path.glob("*/checkpoints/*"))
    scalars = [event for event in events if isinstance(event, Scalars)]
    rates = [lr for event in scalars for lr in event.values["lr"]]
    assert rates == sorted(rates)
    assert rates[0] == 1e-6
