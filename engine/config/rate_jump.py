"""What another length makes of the learning rate where a run goes on; pure, without torch.

A schedule is stretched over all steps of a run: one that has fallen to its end rises again where
more steps are planned.
"""

from msgspec import Struct

from engine.config import configure, registry, schedules
from engine.config.configure import Plan
from presets.schema import RunConfig

LEAST_CHANGE = 1.1
"""Factor by which the rate has to change to be worth a word."""


class Jump(Struct, frozen=True, kw_only=True):
    """A sudden change of the learning rate, because a schedule has another length."""

    step: int
    """The last step of the old plan that was taken."""
    before: float
    """The learning rate at that step."""
    after: float
    """The learning rate at the next step."""
    schedule: str
    steps_before: int
    steps_after: int

    def __str__(self) -> str:
        rises = "rises" if self.after > self.before else "falls"
        return (
            f"learning rate {rises} from {self.before:.3g} to {self.after:.3g} after step "
            f"{self.step}: {self.schedule} over {self.steps_after} steps, not {self.steps_before}"
        )


def jump(
    before: RunConfig, after: RunConfig, step: int, *, rate: float | None = None
) -> Jump | None:
    """The change of the learning rate after `step` steps of `before`, where `after` goes on.

    `rate` is the learning rate at that step, if it is known from the log. None where the length
    changes nothing that is worth a word, or the schedule is another one, which a person chose.
    """
    if step < 1 or before.schedule != after.schedule:
        return None
    plans = configure.plan(before), configure.plan(after)
    if plans[0].steps == plans[1].steps:
        return None
    lrs = _lr(before), _lr(after)
    if lrs[0] is None or lrs[1] is None:
        return None
    old = _factor(before, plans[0], lrs[0], step)
    new = _factor(after, plans[1], lrs[1], step + 1)
    # What the old plan would do in the next step anyway is no sudden change.
    change = new / _factor(before, plans[0], lrs[0], step + 1)
    ended = step >= plans[0].steps  # then the schedule falls on, as it would have
    if 1 / LEAST_CHANGE < change < LEAST_CHANGE or (ended and change < 1):
        return None
    return Jump(
        step=step,
        before=lrs[0] * old if rate is None else rate,
        after=lrs[1] * new if rate is None else rate * new / old,
        schedule=before.schedule.type,
        steps_before=plans[0].steps,
        steps_after=plans[1].steps,
    )


def _factor(config: RunConfig, plan: Plan, lr: float, step: int) -> float:
    return schedules.factor(
        config.schedule, step, lr=lr, steps=plan.steps, steps_per_epoch=plan.steps_per_epoch
    )


def _lr(config: RunConfig) -> float | None:
    lr = getattr(registry.config("optimizer", config.optimizer), "lr", None)
    return float(lr) if isinstance(lr, int | float) and lr > 0 else None
