"""Runs recorded on disk as an engine would write them, and a wait with a deadline."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.config import configure
from engine.runs import run_directory
from engine.runs.events import AnyEvent, Evaluation, LogLine, RunEnded, RunStarted, Scalars
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import RunDir
from presets.schema import plain

FIXTURES = Path(__file__).parents[1] / "tui" / "fixtures"
"""Runs that an engine recorded, and logs of other programs."""
IDS = {
    "adam": "20261123-1427-mlp-digits-adam-9ef0",
    "sgd": "20261123-1428-mlp-digits-sgd-6a87",
    "failed": "20261123-1429-mlp-digits-adam-a36d",
    "damaged": "20261123-1430-mlp-digits-sgd-77c1",
}


def wait_for(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Poll until `what()` is true, and return it; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (result := what()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return result


def record(
    root: Path,
    run_id: str,
    *,
    steps: int = 6,
    started_at: float = 1_700_000_000.0,
    status: str | None = "done",
    reason: str = "10 epochs",
    task: str = "classification",
    **settings: Any,
) -> RunDir:
    """Write a run as an engine would: `steps` optimizer steps, an evaluation after every second.

    The loss falls as 1 / step; every third step was clipped.
    """
    config = configure.resolve(settings={"steps": steps, **settings})
    run = RunDir(root / run_id)
    made = run_directory.create(root, config)
    made.path.rename(run.path)
    log = LogWriter(run.events_path)
    log.append(
        RunStarted(
            time=started_at,
            config=plain(config),
            device="cpu",
            num_parameters=59338,
            planned_steps=steps,
            steps_per_epoch=2,
            samples={"train": 64, "val": 10, "test": 10},
            task=task,
        )
    )
    for step in range(1, steps + 1):
        log.append(_scalars(step))
        if step % 2 == 0:
            log.append(_evaluation("val", step))
    if status == "done":
        log.append(_evaluation("test", steps))
    if status is not None:
        log.append(LogLine(level="info", message="finished"))
        log.append(RunEnded(status=status, reason=reason, step=steps, seconds=steps / 8))
    else:
        run.lock_path.touch()  # an engine was here
    log.close()
    return run


def extended(
    name: str, *events: AnyEvent, status: str | None = "done", task: str = "classification"
) -> RunDir:
    """A recorded run under `runs` with more in its log."""
    run = record(Path("runs"), name, status=status, task=task)
    log = LogWriter(run.events_path)
    for event in events:
        log.append(event)
    log.close()
    return run


def _scalars(step: int) -> Scalars:
    values = {
        "train/loss": [1 / step],
        "train/accuracy": [1 - 1 / (step + 1)],
        "grad_norm": [2.0 / step],
        "clipped": [float(step % 3 == 0)],
        "lr": [1e-3],
        "samples_per_second": [32000.0],
    }
    return Scalars(step=[step], seconds=[step / 8], values=values)


def _evaluation(split: str, step: int) -> Evaluation:
    values = {"loss": 2 / step, "accuracy": 1 - 1 / (step + 1)}
    return Evaluation(split=split, step=step, epoch=step / 2, seconds=step / 8, values=values)
