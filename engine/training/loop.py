"""The training loop, from a checked configuration to the last evaluation."""

import importlib.metadata
import math
import platform
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch

from engine import tasks
from engine.config import configure, estimate, peaks, registry
from engine.config.configure import Plan
from engine.config.registry import DatasetInfo
from engine.runs.checkpoint import Checkpoint
from engine.runs.events import Evaluation, Parent, Restarted, RunStarted, number
from engine.runs.journal import Journal
from engine.tasks import Task
from engine.training import fingerprint
from engine.training.assemble import assemble
from engine.training.batches import Batches, Tensors, stays_on_host, to_device
from engine.training.device import describe, pick, set_threads
from engine.training.passes import Passes, Tally
from engine.training.precision import set_precision
from engine.training.recording.diagnostics import Diagnostics
from engine.training.recording.metrics import MetricBuffer
from engine.training.recording.profiling import Profiler
from engine.training.recording.weight_path import WeightPath
from engine.training.saving import starting_point
from engine.training.saving.saver import Saver
from engine.training.state import Training
from engine.training.steering.commands import Steering
from engine.training.steering.non_finite import Guard, Outcome
from engine.training.steering.range_test import RangeTest
from engine.training.updates.clipping import gradient_norms
from presets import plugins
from presets.schema import RunConfig, Target, plain

_MAX_EPOCH_LINES = 50
"""For people; a run on full batches has an epoch every step."""


class Gallery:
    """Says when an evaluation should also show pictures: they fill the log, and after an hour one
    more minute changes little. About a hundred in a run, however long."""

    def __init__(self) -> None:
        self._next = 0.0

    def wants(self, seconds: float) -> bool:
        """Whether pictures are due so many seconds after the run's start."""
        if seconds < self._next:
            return False
        self._next = 1.1 * seconds + 0.5
        return True


def train(  # noqa: PLR0915 (the loop stays in one piece)
    config: RunConfig, journal: Journal, steering: Steering, resume: Path | None = None
) -> Outcome:
    """Train as `config` says; every step and evaluation goes to `journal`.

    `resume` is the checkpoint to go on from. On one CPU the same configuration gives the same
    numbers, bit for bit, however often the run was interrupted. Raises UserError if the device is
    absent, or a checkpoint cannot be used.
    """
    plan = configure.plan(config)
    device = pick(config.device)
    threads = set_threads(config.threads, plan.num_parameters)
    set_precision(config.precision, device)
    data = registry.build("dataset", config.dataset)
    val, test = to_device(data.val, device), to_device(data.test, device)
    info = configure.dataset_info(config)
    task = tasks.of(config, info)
    training = assemble(config, plan, device)
    scaler = training.scaler
    batches = Batches(
        data,
        batch_size=plan.batch_size,
        per_epoch=plan.steps_per_epoch,
        seed=config.seed,
        device=device,
        on_host=stays_on_host(config.data_on, data.train, device),
    )
    resumed = _begin(
        config,
        plan=plan,
        training=training,
        device=device,
        journal=journal,
        steering=steering,
        resume=resume,
    )
    if config.fingerprint and resumed is None:
        journal.emit(fingerprint.of(training.model, data, config, plan))
    way = WeightPath(steering.run, training.model, journal, wanted=config.keep_weights)
    if resumed is None:
        way.keep(training.step)
    journal.say(f"{describe(device)}, {threads} CPU thread{'s' * (threads > 1)}")
    target = config.stop_target()
    passes, tally = Passes(config, training, task, device), Tally()
    guard, profiler = Guard(training, config, device), Profiler(steering.run, journal, device)
    range_test = RangeTest() if training.is_range_test else None
    evaluate = partial(
        _evaluate,
        training=training,
        passes=passes,
        task=task,
        journal=journal,
        gallery=Gallery(),
    )
    outcome: Outcome | None = None

    with (
        MetricBuffer(
            device,
            journal,
            inspect=range_test.after(guard.inspect) if range_test else guard.inspect,
            unit=task.unit,
            utilisation=_utilisation(config, info, task, device),
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
            device=device,
            policy=config.checkpoint,
            best=task.best,
            settle=metrics.drain,
            resumed=resumed,
        ) as saver,
    ):
        ready = partial(
            _ready,
            training=training,
            steering=steering,
            guard=guard,
            range_test=range_test,
            journal=journal,
            metrics=metrics,
            profiler=profiler,
            saver=saver,
        )
        while (outcome := outcome or ready()) is None:
            training.step += 1
            training.set_lr()
            batch = batches.at(training.step)
            guard.before()
            diagnostics.begin(training.step)
            for parameter in training.parameters:
                parameter.grad = None  # as zero_grad does, without its bookkeeping
            for x, y, share in passes.parts(*batch):
                output, loss = passes.forward(x, y)
                passes.backward(loss, share)
                tally.add(share, loss, task.metrics(output, y))
            values: dict[str, Any] = tally.take()
            if scaler:
                scaler.unscale()
            norms = gradient_norms(training.parameters)
            diagnostics.gradients(partial(passes.half, *batch), len(batch[1]))
            values |= training.clipper(norms)
            if scaler:
                values |= scaler.update(values["grad_norm"])
            if guard.allows(values, norms):
                training.update(partial(passes.again, *batch))
            diagnostics.end()
            metrics.record(training.step, task.size(batch[1]), {**values, "lr": training.lr})
            journal.progress(training.step)
            if profiler.active:
                with metrics.paused():
                    profiler.step(training.step)

            if training.evaluation_due and guard.settled(metrics):
                with metrics.paused(), journal.busy("evaluating"):
                    means = evaluate("val", val, training_seconds=metrics.training_seconds)
                    saver.evaluated(means)
                    way.keep(training.step)
                outcome = _reached(target, means, training.step)
            if saver.due and guard.settled(metrics):
                with metrics.paused():
                    saver.save_due()
        profiler.close(training.step)
        saver.finish("end" if outcome[0] == "done" else "stop")
    if not training.is_range_test:
        with journal.busy("evaluating"):
            evaluate("test", test)
    return outcome


def _ready(
    *,
    training: Training,
    steering: Steering,
    guard: Guard,
    range_test: RangeTest | None,
    journal: Journal,
    metrics: MetricBuffer,
    profiler: Profiler,
    saver: Saver,
) -> Outcome | None:
    """Between two steps: obey commands, act on what is not finite, wait while the run is paused.

    Returns how the run ends, None if another step is to be taken.
    """
    while True:
        if steering.waiting(training.step):
            with metrics.paused():
                metrics.drain()  # the log has every step before the answer to a command
                reason = None if guard.noticed else steering.obey(training, saver, profiler)
            if reason:
                return ("stopped", f"{reason} after step {training.step}")
        if guard.noticed:
            metrics.drain()
            if outcome := guard.act(journal, steering, saver.last_good):
                return outcome
        elif range_test and range_test.reason:
            return ("done", range_test.reason)
        elif training.step >= training.steps:
            return ("done", f"all {training.steps} steps done")
        else:
            return None


def _begin(
    config: RunConfig,
    *,
    plan: Plan,
    training: Training,
    device: torch.device,
    journal: Journal,
    steering: Steering,
    resume: Path | None,
) -> Checkpoint | None:
    """Log the beginning; returns the checkpoint of this run that it goes on from, if any."""
    resumed, parent, seconds = None, None, 0.0
    if resume is not None:
        resumed, seconds = starting_point.resume(resume, training, device)
    elif config.parent is not None:
        parent = starting_point.fork(steering.run, config.parent, training, device)
    if restart := journal.restart:
        journal.emit(
            Restarted(
                step=training.step,
                checkpoint=resumed.name if resumed else "",
                attempt=restart.attempt,
                reason=restart.reason,
                cut_bytes=restart.cut_bytes,
            )
        )
    if resumed is None:
        journal.emit(_started(config, plan, training, device, parent))
        data = configure.dataset_info(config)
        for line in (*data.notes, *data.cautions):
            journal.say(f"{config.dataset.name}: {line}")
    journal.go_on_from(training.step, seconds)
    steering.begin(training, training.step)
    return resumed


def _started(
    config: RunConfig,
    plan: Plan,
    training: Training,
    device: torch.device,
    parent: Parent | None,
) -> RunStarted:
    versions = {"torch": str(torch.__version__), "python": platform.python_version()}
    with suppress(importlib.metadata.PackageNotFoundError):  # run from a checkout
        versions["bigmodel-tui"] = importlib.metadata.version("bigmodel-tui")
    versions |= plugins.versions([config.model.type, config.dataset.type, config.optimizer.type])
    return RunStarted(
        config=plain(config),
        device=describe(device),
        num_parameters=plan.num_parameters,
        planned_steps=plan.steps,
        steps_per_epoch=plan.steps_per_epoch,
        samples=dict(plan.samples),
        task=configure.dataset_info(config).task,
        parameters=training.names,
        versions=versions,
        parent=parent,
    )


def _utilisation(
    config: RunConfig, data: DatasetInfo, task: Task, device: torch.device
) -> float | None:
    """The share of the device's peak that one unit a second would use; None where it is unknown."""
    if device.type == "cpu":
        return None
    peak = peaks.flops(torch.cuda.get_device_name(device), config.precision)
    units = data.input_shape[0] if task.unit == "tokens" else 1
    return None if peak is None else estimate.flops_per_sample(config) / units / peak


def _evaluate(
    split: Literal["val", "test"],
    tensors: Tensors,
    *,
    training: Training,
    passes: Passes,
    task: Task,
    journal: Journal,
    gallery: Gallery,
    training_seconds: float | None = None,
) -> dict[str, float]:
    """Log the means over a split, and what its samples look like; returns the means."""
    x, y = tensors
    with training.ready_to_evaluate(), passes.autocast():
        means = task.evaluate(training.model, x, y)
        pictures = []
        if gallery.wants(journal.seconds()) or training.step >= training.steps or split == "test":
            pictures = task.pictures(training.model, x, y, step=training.step, split=split)
        if training.ema is not None:
            with training.ema.in_place():
                averaged = task.evaluate(training.model, x, y)
            means |= {f"ema_{name}": value for name, value in averaged.items()}
    _report(journal, training, split, means, training_seconds)
    for event in pictures:
        journal.emit(event)
    if split == "val" and (changed := training.evaluated(means["loss"])):
        journal.say(changed)
    return means


def _reached(target: Target | None, means: dict[str, float], step: int) -> Outcome | None:
    value = means.get(target.metric.removeprefix("val/"), math.nan) if target else math.nan
    if target is None or not target.reached(value):
        return None
    return (
        "done",
        f"{target.metric} {value:.4f} {target.op} {target.value:g} reached at step {step}",
    )


def _report(
    journal: Journal,
    training: Training,
    split: Literal["val", "test"],
    means: dict[str, float],
    training_seconds: float | None,
) -> None:
    """Log an evaluation, and a line for people unless there are too many of them."""
    step = training.step
    epoch = step / training.steps_per_epoch
    values = {name: number(mean) for name, mean in means.items()}
    seconds = journal.seconds()
    journal.emit(
        Evaluation(
            split=split,
            step=step,
            epoch=epoch,
            seconds=seconds,
            training_seconds=training_seconds,
            values=values,
        )
    )
    epochs = math.ceil(training.steps / training.steps_per_epoch)
    every = math.ceil(epochs / _MAX_EPOCH_LINES)
    if split == "test" or step == training.steps or round(epoch) % every == 0:
        where = f"epoch {epoch:g}/{epochs}" if epoch.is_integer() else f"step {step}"
        said = ", ".join(f"{name.replace('_', ' ')} {mean:.4f}" for name, mean in means.items())
        journal.say(f"{where}: {split} {said}")
