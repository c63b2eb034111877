"""Races for tests: tiny ones, and runs of them written as an engine would."""

import hashlib
from collections.abc import Sequence

from engine.config import configure
from engine.race import plan, spec
from engine.race.directory import RaceDir
from engine.race.plan import PlannedRun
from engine.race.spec import RaceSpec
from engine.runs import run_directory
from engine.runs.events import Evaluation, NonFinite, Origin, RunEnded, Scalars
from engine.runs.log_reader import LogWriter
from presets.schema import plain

TINY = {"dataset.samples": 96, "device": "cpu", "threads": 1, "batch_size": 32}

TARGET = "val/accuracy >= 0.9"
CURVES = [
    [[0.5, 0.92, 0.95], [0.9, 0.93, 0.94], [0.1, 0.95, 0.96]],
    [[0.5, 0.6, 0.65], [0.6, 0.6, 0.62], [0.1, 0.2, 0.3]],
]
"""Values of the metric at each evaluation, by lane and seed; adam alone reaches the target."""


def tiny(*optimizers: str, budget: int = 20, seeds: int = 2, **options) -> RaceSpec:
    """A race of milliseconds: mlp on 96 points of the spirals; a name twice is a lane twice."""
    configs = {}
    for name in optimizers or ("adam", "sgd"):
        label = name if name not in configs else f"{name} #2"
        configs[label] = configure.resolve(
            model="mlp", dataset="spirals", optimizer=name, settings=TINY
        )
    return spec.build(configs, budget=budget, seeds=seeds, **options)


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def origin(planned: PlannedRun) -> Origin:
    """What a fair lane publishes."""
    return Origin(
        weights_sha256=hashed(f"weights {planned.number}"),
        data_sha256=hashed("data"),
        batches_sha256=hashed(f"batches {planned.number}"),
    )


def write_run(
    race: RaceDir,
    made: RaceSpec,
    planned: PlannedRun,
    values: Sequence[float],
    *,
    began: Origin | None = None,
    diverged_at: int | None = None,
    status: str | None = "done",
) -> None:
    """One run with these validation values at every tenth step, a step taking 0.01 s."""
    run = race.run(planned.name)
    run_directory.make(run, plain(planned.config(made)))
    log = LogWriter(run.events_path)
    log.append(began or origin(planned))
    for index, value in enumerate(values, 1):
        step = 10 * index
        column = {"train/loss": [1 / step], "clipped": [float(index % 2)], "grad_norm": [1.0]}
        log.append(Scalars(step=[step], seconds=[step / 50], values=column))
        log.append(
            Evaluation(
                split="val",
                step=step,
                epoch=1.0,
                seconds=step / 50,
                training_seconds=step / 100,
                values={"accuracy": value, "loss": 1 - value},
            )
        )
    if diverged_at is not None:
        log.append(
            NonFinite(
                step=diverged_at,
                quantity="loss",
                value="nan",
                layer="",
                policy="stop",
                checkpoint="",
            )
        )
        status = "stopped"
    if status == "done":
        log.append(
            Evaluation(
                split="test",
                step=10 * len(values),
                epoch=1.0,
                seconds=1.0,
                values={"accuracy": values[-1], "loss": 0.1},
            )
        )
    if status is not None:
        log.append(RunEnded(status=status, reason="as told", step=10 * len(values), seconds=1.0))
    log.close()


def write_race(race: RaceDir, made: RaceSpec, curves: Sequence[Sequence[Sequence[float]]]) -> None:
    """All final runs: `curves[lane][seed]`."""
    for planned in plan.finals(made):
        write_run(race, made, planned, curves[planned.lane][planned.number])
