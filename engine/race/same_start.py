"""Checks that the lanes of a race began alike, by the hashes that their runs recorded."""

from collections.abc import Sequence

from engine.race.results import RaceResults, RunResult


def mismatches(results: RaceResults) -> list[str]:
    """A line for each run whose start or batches are not those of the first lane with its seed.

    Initial weights are compared between lanes with the same model. Empty if the race is fair as
    far as it has got.
    """
    found: list[str] = []
    for stage in (results.trials, results.finals):
        by_number: dict[int, list[RunResult]] = {}
        for run in stage:
            if run.origin is not None:
                by_number.setdefault(run.planned.number, []).append(run)
        for runs in by_number.values():
            found += _among(results, runs)
    return found


def _among(results: RaceResults, runs: Sequence[RunResult]) -> list[str]:
    found = []
    lanes = results.spec.lanes
    for run in runs[1:]:
        first = runs[0]
        assert first.origin is not None
        assert run.origin is not None
        where = f"{lanes[run.planned.lane].label} and {lanes[first.planned.lane].label}"
        if run.origin.data_sha256 != first.origin.data_sha256:
            found.append(f"{where}: different data, seed {run.planned.number}")
        elif run.origin.batches_sha256 != first.origin.batches_sha256:
            found.append(f"{where}: different batches, seed {run.planned.number}")
    by_model: dict[str, RunResult] = {}
    for run in runs:
        model = str(lanes[run.planned.lane].run_config().model)
        before = by_model.setdefault(model, run)
        assert run.origin is not None
        assert before.origin is not None
        if run.origin.weights_sha256 != before.origin.weights_sha256:
            where = f"{lanes[run.planned.lane].label} and {lanes[before.planned.lane].label}"
            found.append(f"{where}: different initial weights, seed {run.planned.number}")
    return found


def hashes(results: RaceResults) -> list[tuple[int, str, str, str]]:
    """The verified hashes: (seed, weights, data, batches), from the first lane's final runs."""
    return [
        (
            run.planned.number,
            run.origin.weights_sha256,
            run.origin.data_sha256,
            run.origin.batches_sha256,
        )
        for run in results.of(0)
        if run.origin is not None
    ]
