"""Learning-rate schedules: factors of the optimizer's `lr`, as functions of the step."""

import math

from msgspec import Struct, structs

from presets.schema import Schedule

LEAST = 1e-12
"""The smallest factor: a learning rate of 0 could not be changed by a factor any more."""
_ONE_CYCLE_END = 1e-4
"""The last factor of `one-cycle`, relative to its first one."""


def factor(  # noqa: PLR0911 (one line for each type)
    schedule: Schedule, step: int, *, lr: float, steps: int, steps_per_epoch: int, drops: int = 0
) -> float:
    """What the optimizer's `lr` is multiplied with at `step` (1 to `steps`); always > 0.

    `drops` counts how often `plateau` lowered the rate; see `Plateau`. The last step has the value
    that the schedule is said to end with; after it the factor stays what it was there.

    cosine: Loshchilov and Hutter 2017, arXiv:1608.03983, without restarts. one-cycle: Smith and
    Topin 2018, arXiv:1708.07120, with the same steps as torch's OneCycleLR. wsd: Hu et al. 2024,
    arXiv:2404.06395. inverse-sqrt: Vaswani et al. 2017, arXiv:1706.03762. range-test: Smith 2017,
    arXiv:1506.01186.
    """
    warmup = schedule.warmup_steps
    if step <= warmup:
        return step / warmup
    done = min(step, steps) - 1
    # Of what follows the warm-up: 0 at its first step and 1 at its last.
    progress = max(0, done - warmup) / max(1, steps - 1 - warmup)
    final = schedule.final_factor
    match schedule.type:
        case "linear":
            return max(LEAST, _between(1.0, final, progress))
        case "cosine":
            return max(LEAST, _cosine(1.0, final, progress))
        case "one-cycle":
            return max(LEAST, _one_cycle(schedule, max(0, done - warmup), steps - warmup))
        case "step":
            falls = float(done // steps_per_epoch // schedule.every_epochs)
            return max(LEAST, float(schedule.gamma**falls))
        case "exponential":
            falls = done / steps_per_epoch / schedule.every_epochs
            return max(LEAST, float(schedule.gamma**falls))
        case "wsd":
            fallen = (progress - (1 - schedule.decay_share)) / schedule.decay_share
            return max(LEAST, _between(1.0, final, max(0.0, fallen)))
        case "plateau":
            return max(LEAST, final, float(schedule.gamma**drops))
        case "inverse-sqrt":
            return math.sqrt(max(1, warmup) / (done + 1))
        case "range-test":
            rise = done / max(1, steps - 1)
            return float(schedule.min_lr * (schedule.max_lr / schedule.min_lr) ** rise / lr)
    return 1.0


class Plateau(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The memory of a `plateau` schedule of the evaluations so far."""

    best: float | None = None
    """The smallest validation loss so far."""
    worse: int = 0
    """Evaluations since then, or since the learning rate fell."""
    drops: int = 0
    """How often the learning rate fell."""

    def evaluated(self, loss: float, patience: int) -> "Plateau":
        """The memory after another evaluation; a loss that is NaN counts as worse."""
        if self.best is None or loss < self.best:
            return structs.replace(self, best=loss, worse=0)
        if self.worse + 1 < patience:
            return structs.replace(self, worse=self.worse + 1)
        return structs.replace(self, worse=0, drops=self.drops + 1)


def curve(
    schedule: Schedule, *, lr: float, steps: int, steps_per_epoch: int, points: int = 120
) -> list[tuple[int, float]]:
    """The (step, learning rate) pairs at evenly spread steps, including the first and the last
    one."""
    shown = sorted({1 + round(i * (steps - 1) / max(1, points - 1)) for i in range(points)})
    return [
        (step, lr * factor(schedule, step, lr=lr, steps=steps, steps_per_epoch=steps_per_epoch))
        for step in shown
    ]


def changes(schedule: Schedule) -> bool:
    """Whether the learning rate ever differs from the optimizer's `lr`."""
    return schedule.type != "constant" or schedule.warmup_steps > 0


def _between(first: float, last: float, progress: float) -> float:
    return first + (last - first) * progress


def _cosine(first: float, last: float, progress: float) -> float:
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * progress))


def _one_cycle(schedule: Schedule, done: int, steps: int) -> float:
    """The factor after `done` of `steps` steps, as torch.optim.lr_scheduler.OneCycleLR has it: the
    rise includes both its ends, so that `rise_share` of all steps end with the peak."""
    start, last = schedule.start_factor, max(1, steps) - 1
    peak = schedule.rise_share * (last + 1) - 1
    if done <= peak:
        return _cosine(start, 1.0, done / peak if peak else 1.0)
    return _cosine(1.0, start * _ONE_CYCLE_END, (done - peak) / (last - peak))
