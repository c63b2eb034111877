"""A learning rate that jumps because a run goes on with another number of steps is told."""

import pytest

from engine.config import configure
from engine.config.rate_jump import jump
from presets.schema import RunConfig


def config(schedule: str, steps: int, **more: object) -> RunConfig:
    settings = {"schedule.type": schedule, "steps": steps, **more}
    return configure.resolve(settings={k.replace("__", "."): v for k, v in settings.items()})


@pytest.mark.parametrize("schedule", ["linear", "cosine", "one-cycle", "wsd"])
def test_a_finished_schedule_that_is_lengthened_rises(schedule: str) -> None:
    found = jump(config(schedule, 400), config(schedule, 800), 400)
    assert found is not None
    assert found.after > 2 * found.before
    assert f"after step 400: {schedule} over 800 steps, not 400" in str(found)
    assert str(found).startswith("learning rate rises from ")


@pytest.mark.parametrize("schedule", ["constant", "step", "exponential", "plateau", "inverse-sqrt"])
def test_a_schedule_that_does_not_depend_on_the_length_has_no_jump(schedule: str) -> None:
    assert jump(config(schedule, 400), config(schedule, 800), 400) is None


def test_what_is_known_of_the_rate_is_what_is_told() -> None:
    found = jump(config("cosine", 400), config("cosine", 800), 400, rate=1e-5)
    assert found is not None
    assert found.before == 1e-5
    assert jump(config("cosine", 400), config("cosine", 400), 400) is None
    assert jump(config("cosine", 400), config("linear", 800), 400) is None  # a person chose it
    assert jump(config("cosine", 400), config("cosine", 800), 0) is None
