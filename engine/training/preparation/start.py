"""Start a run, or go on with one that has begun, and log which of the two it is."""

import importlib.metadata
import platform
from contextlib import suppress
from pathlib import Path

import torch

from engine.config import configure
from engine.config.configure import Plan
from engine.config.task_rule_table import TaskRules
from engine.runs.events import Parent, Restarted, RunStarted
from engine.runs.journal import Journal
from engine.training.device import describe
from engine.training.saving import starting_point
from engine.training.saving.starting_point import Resumed
from engine.training.state import Training
from engine.training.steering.commands import Steering
from presets import plugins
from presets.schema import RunConfig, plain


def start(
    config: RunConfig,
    *,
    plan: Plan,
    rules: TaskRules,
    training: Training,
    device: torch.device,
    journal: Journal,
    steering: Steering,
    resume: Path | None,
) -> Resumed | None:
    """Put `training` at its starting point and log it; returns the checkpoint of this run that it
    goes on from, None if it takes its first step now.

    Raises UserError, in one line, if the checkpoint at `resume` or that of the parent cannot be
    used.
    """
    resumed, parent = None, None
    if resume is not None:
        resumed = starting_point.resume(resume, training, device)
    elif config.parent is not None:
        parent = starting_point.fork(steering.run, config.parent, training, device)
    if restart := journal.restart:
        journal.emit(
            Restarted(
                step=training.step,
                checkpoint=resumed.checkpoint.name if resumed else "",
                attempt=restart.attempt,
                reason=restart.reason,
                cut_bytes=restart.cut_bytes,
            )
        )
    if resumed is None:
        journal.emit(_started(config, plan, training, device, rules=rules, parent=parent))
        data = configure.dataset_info(config)
        for line in (*data.notes, *data.cautions):
            journal.say(f"{config.dataset.name}: {line}")
    journal.go_on_from(training.step, resumed.seconds if resumed else 0.0)
    steering.begin(training, training.step)
    return resumed


def _started(
    config: RunConfig,
    plan: Plan,
    training: Training,
    device: torch.device,
    *,
    rules: TaskRules,
    parent: Parent | None,
) -> RunStarted:
    task = configure.dataset_info(config).task
    versions = {"torch": str(torch.__version__), "python": platform.python_version()}
    with suppress(importlib.metadata.PackageNotFoundError):  # run from a checkout
        versions["bigmodel-tui"] = importlib.metadata.version("bigmodel-tui")
    versions |= plugins.versions(
        [config.model.type, config.dataset.type, config.optimizer.type, task]
    )
    return RunStarted(
        config=plain(config),
        device=describe(device),
        num_parameters=plan.num_parameters,
        planned_steps=plan.steps,
        steps_per_epoch=plan.steps_per_epoch,
        samples=dict(plan.samples),
        task=task,
        judged_by=rules.best[0],
        judged_best=rules.best[1],
        parameters=training.names,
        versions=versions,
        parent=parent,
    )
