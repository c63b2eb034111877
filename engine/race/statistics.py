"""Statistics of a race's results; pure functions of numbers.

A miss is infinity, shown as DNF, so a median is finite as long as more than half of the seeds
reached the target.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
_SEED = 8128

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A median with its interquartile range; infinity stands for a miss."""

    median: float
    low: float
    """The first quartile."""
    high: float
    """The third quartile."""
    reached: int
    """The number of finite values."""
    of: int
    """The number of all values."""

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval; one run has none."""
        return self.of > 1

    def overlaps(self, other: "Spread") -> bool:
        """Whether the interquartile ranges have a value in common."""
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """A speed-up over the reference lane, with a 95 % bootstrap interval over seeds."""

    value: float
    low: float
    high: float


def quantile(values: Sequence[float], share: float) -> float:
    """The quantile by linear interpolation between the two nearest of the sorted values, as
    `numpy.quantile` computes it by default; infinity counts as a number larger than all others. NaN
    without values."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    weight = place - below
    low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    return low if weight == 0 or low == high else low + weight * (high - low)


def spread(values: Sequence[float]) -> Spread:
    """The median and quartiles of values; NaN counts as a miss."""
    known = [math.inf if math.isnan(value) else value for value in values]
    return Spread(
        median=quantile(known, 0.5),
        low=quantile(known, 0.25),
        high=quantile(known, 0.75),
        reached=sum(map(math.isfinite, known)),
        of=len(known),
    )


def crossing(values: Sequence[float], goal: float, *, larger: bool, hold: int = 1) -> int | None:
    """The index of the first value at or beyond `goal` that is followed by `hold - 1` such values.

    NaN never reaches a goal.
    """
    reached = [value >= goal if larger else value <= goal for value in values]
    for index in range(len(reached) - hold + 1):
        if all(reached[index : index + hold]):
            return index
    return None


def speed_up(reference: Mapping[int, float], lane: Mapping[int, float]) -> Ratio | None:
    """Median cost of the reference over that of a lane, by seed: above 1 the lane is faster.

    The interval is that of 2,000 bootstrap resamples of the seeds both have run, resampled
    together (Efron and Tibshirani 1993). None with fewer than two seeds in common, or where the
    median of either is a miss: as many as half of its runs, or more, missed.
    """
    seeds = sorted(reference.keys() & lane.keys())
    if len(seeds) < 2:
        return None
    of_reference = np.array([reference[seed] for seed in seeds])
    of_lane = np.array([lane[seed] for seed in seeds])
    if any(math.isinf(quantile(costs.tolist(), 0.5)) for costs in (of_reference, of_lane)):
        return None
    value = _ratio(of_reference, of_lane)
    chosen = np.random.default_rng(_SEED).integers(0, len(seeds), (RESAMPLES, len(seeds)))
    ratios = [_ratio(of_reference[rows], of_lane[rows]) for rows in chosen]
    known = [ratio for ratio in ratios if not math.isnan(ratio)]
    return Ratio(value=value, low=quantile(known, 0.025), high=quantile(known, 0.975))


def _ratio(reference: Floats, lane: Floats) -> float:
    above, below = quantile(reference.tolist(), 0.5), quantile(lane.tolist(), 0.5)
    if math.isinf(above) and math.isinf(below):
        return math.nan
    return 0.0 if math.isinf(below) else above / below if below else math.inf


def ranking(costs: Mapping[str, Spread], ties: Mapping[str, float]) -> list[str]:
    """The labels by median cost, smallest first; then by the number of seeds that reached the
    target, then by `ties`, smallest first, then by label, so that the order of the input never
    matters."""
    return sorted(
        costs,
        key=lambda label: (costs[label].median, -_share(costs[label]), ties[label], label),
    )


def winner(ranked: Sequence[str], costs: Mapping[str, Spread]) -> str | None:
    """The first of a ranking, if its interquartile range lies below those of all others."""
    if not ranked or not math.isfinite(costs[ranked[0]].median):
        return None
    first = costs[ranked[0]]
    if not first.has_interval or any(first.overlaps(costs[label]) for label in ranked[1:]):
        return None
    return ranked[0]


def _share(cost: Spread) -> float:
    return cost.reached / cost.of if cost.of else 0.0


def profile(costs: Sequence[Mapping[str, float]], factors: Sequence[float]) -> dict[str, Floats]:
    """Performance profiles (Dolan and More 2002): for each label, the share of workloads on which
    it needs at most `factor` times what the best one needs.

    `costs` has one mapping a workload, infinity for a miss; labels that were not in all of them
    are left out. Values are float64 (len(factors),).
    """
    if not costs:
        return {}
    labels = set.intersection(*(set(workload) for workload in costs))
    best = [min(workload[label] for label in labels) if labels else math.inf for workload in costs]
    found = {}
    for label in sorted(labels):
        ratios = [
            workload[label] / least if math.isfinite(workload[label]) and least > 0 else math.inf
            for workload, least in zip(costs, best, strict=True)
        ]
        found[label] = np.array([np.mean([ratio <= f for ratio in ratios]) for f in factors])
    return found


def band(rows: Sequence[Floats]) -> tuple[Floats, Floats, Floats]:
    """Median and quartiles of several curves on one grid, NaN as a miss: float64 (n,) each.

    Curves may be of different lengths; where fewer go on, those that do count.
    """
    length = max(map(len, rows), default=0)
    table = np.full((len(rows), length), np.nan)
    for row, values in zip(table, rows, strict=True):
        row[: len(values)] = values
    with np.errstate(all="ignore"):
        known = np.isfinite(table).any(axis=0)
        low, median, high = np.full((3, length), np.nan)
        if known.any():
            finite = np.where(np.isfinite(table), table, np.nan)[:, known]
            low[known], median[known], high[known] = np.nanquantile(finite, (0.25, 0.5, 0.75), 0)
    return median, low, high
