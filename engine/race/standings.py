"""The standings of a race: a row for each lane, and a verdict about the first one."""

import math
from dataclasses import dataclass

from engine.config import estimate
from engine.race import statistics
from engine.race.results import RaceResults, RunResult
from engine.race.statistics import Ratio, Spread
from presets import ConfigError


@dataclass(frozen=True, kw_only=True)
class Row:
    """The results of a lane over its seeds."""

    lane: int
    label: str
    steps: Spread | None
    """Steps to the target; None while there is no target."""
    seconds: Spread | None
    """Training seconds to the target; None while there is no target."""
    held: Spread | None
    """Steps until the target held for as many evaluations as the race asks."""
    best: Spread
    """The best value of the validation metric, as a cost, so that a miss is infinity; see
    `value`."""
    final: Spread
    test: Spread
    step_seconds: float
    """Median over seeds of the mean training time of a step; NaN if unknown."""
    optimizer_bytes: int | None
    """Estimated size of the optimizer's state, in bytes."""
    clipped_share: float
    """Share of all steps that were clipped; NaN where nothing is."""
    speed_up: Ratio | None
    """Speed-up over the reference lane; None for that lane itself, and where it is unknown."""
    lr: float | None
    """The learning rate that it ran with."""
    trouble: str
    """Why some of its runs did not end well, in one line; "" if all did."""
    sign: float
    """-1 where a large value is good, else 1: the factor in `best`, `final` and `test`."""

    def value(self, number: float) -> float:
        """A quantile of `best`, `final` or `test` as the metric itself; infinity for a miss."""
        return self.sign * number if math.isfinite(number) else math.inf


@dataclass(frozen=True, kw_only=True)
class Standings:
    """The ranking of a race: rows in order, and the verdict."""

    rows: tuple[Row, ...]
    final: bool
    """Whether the race is over. Until then the ranking is provisional: it may turn when learning
    rates fall."""
    winner: str | None
    """The label of a lane that is clearly ahead; None if none is."""
    verdict: str
    """The verdict, in one sentence."""


def standings(results: RaceResults) -> Standings:
    """Rank the lanes of a race as far as it has got."""
    spec = results.spec
    costs = {
        lane.label: statistics.spread(list(results.costs(index).values()))
        for index, lane in enumerate(spec.lanes)
        if results.costs(index)
    }
    rows = {lane.label: _row(results, index) for index, lane in enumerate(spec.lanes)}
    ties = {label: rows[label].best.median for label in costs}
    ranked = statistics.ranking(costs, ties)
    winner = statistics.winner(ranked, costs)
    unranked = [label for label in rows if label not in costs]
    return Standings(
        rows=tuple(rows[label] for label in (*ranked, *unranked)),
        final=results.ended,
        winner=winner if results.ended else None,
        verdict=_verdict(results, ranked, costs, winner),
    )


def _verdict(
    results: RaceResults, ranked: list[str], costs: dict[str, Spread], winner: str | None
) -> str:
    spec = results.spec
    if not results.ended:
        done = sum(run.ended for run in (*results.trials, *results.finals))
        return f"{done} of {spec.num_runs} runs are over; the ranking is provisional"
    tier = "untuned" if spec.tier == "quick" else f"{spec.num_trials} tuning trials for each"
    if len(spec.lanes) == 1:
        return f"one lane, nothing to compare ({tier})"
    first = costs[ranked[0]]
    if not math.isfinite(first.median):
        return f"no lane reached the target in most of its runs ({tier})"
    if not first.has_interval:
        return f"one seed: no intervals, so no winner is named; {ranked[0]} was first ({tier})"
    if winner is None:
        rivals = [label for label in ranked[1:] if first.overlaps(costs[label])]
        return (
            f"nobody is clearly ahead: {_some([ranked[0], *rivals])} are within each other's "
            f"spread over {first.of} seeds, so which is first may be chance; more seeds may "
            f"tell ({tier})"
        )
    return (
        f"{winner} is clearly ahead: its spread over {first.of} seeds is apart from that of all "
        f"others ({tier})"
    )


def _some(labels: list[str], most: int = 4) -> str:
    """Some labels in words: "adam, sgd and momentum"."""
    if len(labels) > most:
        return f"{', '.join(labels[:most])} and {len(labels) - most} more"
    return f"{', '.join(labels[:-1])} and {labels[-1]}"


def _row(results: RaceResults, lane: int) -> Row:
    spec = results.spec
    runs = [run for run in results.of(lane) if run.ended]
    sign = -1.0 if results.larger else 1.0
    reference = next(
        index for index, each in enumerate(spec.lanes) if each.label == spec.reference_lane
    )
    test = spec.metric.replace("val/", "test/", 1)
    has_target = results.goal is not None
    return Row(
        lane=lane,
        label=spec.lanes[lane].label,
        steps=_spread(results.to_target(lane)) if has_target else None,
        seconds=_spread(results.to_target(lane, "seconds")) if has_target else None,
        held=_spread(results.to_target(lane, hold=spec.hold)) if has_target else None,
        best=statistics.spread(
            [_miss(sign * run.best(spec.metric, larger=results.larger)) for run in runs]
        ),
        final=statistics.spread([_miss(sign * run.final(spec.metric)) for run in runs]),
        test=statistics.spread([_miss(sign * run.test.get(test, math.nan)) for run in runs]),
        step_seconds=_median([run.step_seconds for run in runs]),
        optimizer_bytes=_optimizer_bytes(results, lane),
        clipped_share=_median([run.clipped_share for run in runs]),
        speed_up=None
        if not has_target or lane == reference
        else statistics.speed_up(results.to_target(reference), results.to_target(lane)),
        lr=results.lrs.get(lane, _lr(results, lane)),
        trouble=_trouble(runs),
        sign=sign,
    )


def _spread(costs: dict[int, float]) -> Spread:
    return statistics.spread(list(costs.values()))


def _miss(cost: float) -> float:
    return math.inf if math.isnan(cost) else cost


def _median(values: list[float]) -> float:
    return statistics.quantile([value for value in values if math.isfinite(value)], 0.5)


def _lr(results: RaceResults, lane: int) -> float | None:
    lr = results.spec.lanes[lane].run_config().optimizer.options.get("lr")
    return float(lr) if isinstance(lr, int | float) else None


def _optimizer_bytes(results: RaceResults, lane: int) -> int | None:
    try:
        return estimate.memory(results.spec.lanes[lane].run_config()).optimizer
    except ConfigError:
        return None  # of a plug-in that is not here


def _trouble(runs: list[RunResult]) -> str:
    diverged = [run for run in runs if run.diverged_at is not None]
    if diverged:
        steps = sorted(run.diverged_at or 0 for run in diverged)
        return f"diverged in {len(diverged)} of {len(runs)} runs, first at step {steps[0]}"
    bad = [run for run in runs if run.status != "done"]
    return f"{len(bad)} of {len(runs)} runs {bad[0].status}: {bad[0].reason}" if bad else ""
