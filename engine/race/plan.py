"""The runs of a race, from its settings and the results of its trials; pure."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.race.spec import RaceSpec, trial_lrs
from presets.schema import RunConfig

Stage = Literal["trial", "final"]

TUNING_SEED = 4_000_000_000
"""The seed of all trials, far from the seeds of the final runs, which are fresh."""


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """One run of a race."""

    name: str
    """The name of its directory under `runs`."""
    lane: int
    stage: Stage
    number: int
    """The number of the trial, or the seed of a final run."""
    lr: float | None
    """A learning rate of its own; None for the lane's."""

    def config(self, spec: RaceSpec, device: str | None = None) -> RunConfig:
        """The configuration of the run."""
        changes: dict[str, Any] = {"seed": TUNING_SEED if self.stage == "trial" else self.number}
        if self.lr is not None:
            changes["optimizer__lr"] = self.lr
        if device is not None:
            changes["device"] = device
        if self.stage == "trial":
            changes["keep_weights"] = False
        return spec.lanes[self.lane].run_config(**changes)


def trials(spec: RaceSpec) -> list[PlannedRun]:
    """The tuning runs of all lanes, in turns: each lane's first, each lane's second, ..."""
    drawn = [trial_lrs(lane, spec.tier, spec.num_trials, spec.rate_span) for lane in spec.lanes]
    return [
        PlannedRun(
            name=_name(spec, lane, "trial", number),
            lane=lane,
            stage="trial",
            number=number,
            lr=drawn[lane][number],
        )
        for number in range(spec.num_trials)
        for lane in range(len(spec.lanes))
    ]


def finals(spec: RaceSpec, best_lrs: Mapping[int, float] | None = None) -> list[PlannedRun]:
    """The runs that count, seed by seed. `best_lrs` are learning rates by lane, for tiers that
    tune."""
    return [
        PlannedRun(
            name=_name(spec, lane, "final", seed),
            lane=lane,
            stage="final",
            number=seed,
            lr=None if best_lrs is None else best_lrs.get(lane),
        )
        for seed in range(spec.seeds)
        for lane in range(len(spec.lanes))
    ]


def best_lrs(spec: RaceSpec, reached: Mapping[str, float]) -> dict[int, float]:
    """The learning rate of each lane's best trial; `reached` has the best validation value by name
    of the run. A trial that reached nothing finite does not count; a lane without any keeps its
    default."""
    sign = 1.0 if spec.better == "max" else -1.0
    found: dict[int, tuple[float, float]] = {}
    for run in trials(spec):
        value = reached.get(run.name, math.nan)
        if run.lr is None or not math.isfinite(value):
            continue
        if run.lane not in found or sign * value > found[run.lane][0]:
            found[run.lane] = (sign * value, run.lr)
    return {lane: lr for lane, (_, lr) in found.items()}


def _name(spec: RaceSpec, lane: int, stage: Stage, number: int) -> str:
    slug = re.sub(r"[^A-Za-z0-9]+", "-", spec.lanes[lane].label).strip("-")[:40]
    return f"{stage}-{lane:03d}-{slug}-{'s' if stage == 'final' else 't'}{number:04d}"
