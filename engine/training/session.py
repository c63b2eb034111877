"""All that takes part in the training of one run, made ready for the loop."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from engine import tasks
from engine.config import configure, registry
from engine.runs.events import References
from engine.runs.journal import Journal
from engine.tasks import Task
from engine.tasks.held_out_split import HeldOut
from engine.training.batches import Batches, Experienced, batches_of
from engine.training.device import describe, pick, set_threads
from engine.training.evaluation import Evaluator
from engine.training.passes import Passes
from engine.training.precision import set_precision
from engine.training.preparation import origin_hashes
from engine.training.preparation.assemble import assemble
from engine.training.preparation.start import start
from engine.training.recording import flop_utilisation
from engine.training.recording.layer_diagnostics import Diagnostics
from engine.training.recording.metric_buffer import MetricBuffer
from engine.training.recording.profiling import Profiler
from engine.training.recording.weight_path import WeightPath
from engine.training.saving.judged_weights import Judge
from engine.training.saving.saver import Saver
from engine.training.saving.snapshot import Observer, observe_on
from engine.training.saving.starting_point import Resumed
from engine.training.state import Training
from engine.training.steering.commands import Steering
from engine.training.steering.non_finite import Guard
from engine.training.steering.range_test import RangeTest
from presets.schema import RunConfig


@dataclass(frozen=True, kw_only=True)
class Session:
    """The collaborators of the training loop, for one run in one process."""

    training: Training
    """What the steps change: model, optimizer, schedule, clipping, number of steps."""
    task: Task
    batches: Batches | Experienced
    passes: Passes
    guard: Guard
    """Keeps what is not finite from the weights."""
    range_test: RangeTest | None
    """In a learning-rate range test."""
    evaluator: Evaluator
    steering: Steering
    """Commands and signals from outside."""
    journal: Journal
    metrics: MetricBuffer
    diagnostics: Diagnostics
    profiler: Profiler
    weight_path: WeightPath
    saver: Saver


@dataclass(frozen=True, kw_only=True)
class _Started:
    """A run at its starting point, before anything is recorded of its steps."""

    device: torch.device
    task: Task
    training: Training
    batches: Batches | Experienced
    val: HeldOut
    test: HeldOut
    weight_path: WeightPath
    judge: Judge
    passes: Passes
    resumed: Resumed | None
    """Set if it goes on from a checkpoint of its own."""


@contextmanager
def open_session(
    config: RunConfig, journal: Journal, steering: Steering, resume: Path | None
) -> Iterator[Session]:
    """Build what `config` names, put it at its starting point and log that.

    On leaving the context everything that was recorded is in the log and the best state is on the
    disk, also after an exception. Raises UserError, in one line, if the device is absent, parts do
    not go together, or a checkpoint cannot be used.
    """
    run = _started(config, journal, steering, resume)
    training, task, device = run.training, run.task, run.device
    passes, guard = run.passes, Guard(training, config, device)
    evaluator = Evaluator(
        training=training,
        judge=run.judge,
        autocast=passes.autocast,
        task=task,
        journal=journal,
        val=run.val,
        test=run.test,
        target=config.stop_target(),
    )
    observers: dict[str, Observer] = {"evaluator": evaluator, "guard": guard}
    if isinstance(run.batches, Experienced):
        observers["experience"] = run.batches
    range_test = RangeTest() if training.is_range_test else None
    with (
        MetricBuffer(
            device,
            journal,
            inspect=range_test.after(guard.inspect) if range_test else guard.inspect,
            unit=task.rules.unit,
            utilisation=flop_utilisation.of_one_unit(config, task.rules.unit, device),
        ) as metrics,
        closing(
            Diagnostics(
                training.model,
                training.named,
                config.diagnostics,
                journal,
                device,
                hooks=not config.compile,
            )
        ) as diagnostics,
        Saver(
            run=steering.run,
            journal=journal,
            training=training,
            judge=run.judge,
            observers=observers,
            device=device,
            policy=config.checkpoint,
            best=task.rules.best,
            settle=metrics.drain,
            resumed=run.resumed.checkpoint if run.resumed else None,
        ) as saver,
    ):
        observers |= {"metrics": metrics, "diagnostics": diagnostics}
        observe_on(_remembered(run.resumed), observers)
        yield Session(
            training=training,
            task=task,
            batches=run.batches,
            passes=passes,
            guard=guard,
            range_test=range_test,
            evaluator=evaluator,
            steering=steering,
            journal=journal,
            metrics=metrics,
            diagnostics=diagnostics,
            profiler=Profiler(steering.run, journal, device),
            weight_path=run.weight_path,
            saver=saver,
        )


def _remembered(resumed: Resumed | None) -> dict[str, Any]:
    """What the observers of a run go on from. The clock of training always begins here; in an older
    checkpoint all time counts as training."""
    if resumed is None:
        return {"metrics": {}}
    metrics = {"training_seconds": resumed.seconds, **resumed.observers.get("metrics", {})}
    return {**resumed.observers, "metrics": metrics}


def _started(
    config: RunConfig, journal: Journal, steering: Steering, resume: Path | None
) -> _Started:
    plan = configure.plan(config)
    device = pick(config.device)
    threads = set_threads(config.threads, plan.num_parameters)
    set_precision(config.precision, device)
    data = registry.build("dataset", config.dataset)
    val, test = HeldOut(data.val, device), HeldOut(data.test, device, final=True)
    task = tasks.of(config, configure.dataset_info(config), data.codec)
    training = assemble(config, plan, device)
    batches = batches_of(
        data, config, plan, model=training.model, device=device, count_units=task.units
    )
    resumed = start(
        config,
        plan=plan,
        rules=task.rules,
        training=training,
        device=device,
        journal=journal,
        steering=steering,
        resume=resume,
    )
    if config.fingerprint and resumed is None:
        journal.emit(origin_hashes.of(training.model, data, config, plan))
    passes = Passes(config, training, task, device)
    judge = Judge(training, device, samples=batches.calibration, autocast=passes.autocast)
    weight_path = WeightPath(
        steering.run,
        training.model,
        journal,
        judged=judge.judged,
        wanted=config.keep_weights,
    )
    if resumed is None:
        weight_path.keep(training.step)
    if resumed is None and (found := task.references(data.train, val)):
        journal.emit(References(values=found))
    for remark in filter(None, (passes.remark, *task.remarks)):
        journal.say(remark)
    journal.say(f"{describe(device)}, {threads} CPU thread{'s' * (threads > 1)}")
    return _Started(
        device=device,
        task=task,
        training=training,
        batches=batches,
        val=val,
        test=test,
        weight_path=weight_path,
        judge=judge,
        passes=passes,
        resumed=resumed,
    )
