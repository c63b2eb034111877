"""The training loop, from a checked configuration to the last evaluation."""

import importlib.metadata
import math
import platform
from contextlib import suppress
from pathlib import Path
from typing import Literal

import torch

from engine import configure, losses, origin, registry, seeds, startup
from engine.batches import Batches, to_device
from engine.checkpoint import Checkpoint
from engine.clipping import clip, gradient_norms
from engine.configure import Plan
from engine.device import describe, pick, set_threads
from engine.evaluate import evaluate
from engine.events import Evaluation, Parent, Restarted, RunStarted, number
from engine.guards import Guard, Outcome
from engine.journal import Journal
from engine.metrics import MetricBuffer
from engine.saver import Saver
from engine.steering import Steering
from engine.training import Training
from presets.schema import RunConfig, Target, plain

_MAX_EPOCH_LINES = 50
"""For people; a run on full batches has an epoch every step."""


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
    data = registry.build("dataset", config.dataset)
    val, test = to_device(data.val, device), to_device(data.test, device)
    loss_of = losses.BY_NAME[config.loss]
    training = _build(config, plan, device)
    model, optimizer, parameters = training.model, training.optimizer, training.parameters
    batches = Batches(
        data,
        batch_size=plan.batch_size,
        per_epoch=plan.steps_per_epoch,
        seed=config.seed,
        device=device,
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
    journal.say(f"{describe(device)}, {threads} CPU thread{'s' * (threads > 1)}")
    target = config.stop_target()
    guard = Guard(training, config, device)
    outcome: Outcome | None = None

    with (
        MetricBuffer(device, journal, inspect=guard.inspect) as metrics,
        Saver(
            run=steering.run,
            journal=journal,
            training=training,
            device=device,
            policy=config.checkpoint,
            settle=metrics.drain,
            resumed=resumed,
        ) as saver,
    ):
        while outcome is None:
            if steering.waiting(training.step):
                with metrics.paused():
                    metrics.drain()  # the log has every step before the answer to a command
                    reason = None if guard.noticed else steering.obey(training, saver)
                if reason:
                    outcome = ("stopped", f"{reason} after step {training.step}")
                    continue
            if guard.noticed:
                metrics.drain()
                outcome = guard.act(journal, steering, saver.last_good)
                continue
            if training.step >= training.steps and not steering.paused:
                outcome = ("done", f"all {training.steps} steps done")
                continue

            training.step += 1
            x, y = batches.at(training.step)
            guard.before()
            logits = model(x)
            loss = loss_of(logits, y, "mean")
            optimizer.zero_grad()
            loss.backward()
            norms = gradient_norms(parameters)
            clipped = clip(parameters, training.clip, norms)
            if guard.allows(loss, clipped["grad_norm"], norms):
                optimizer.step()
            values = {"train/loss": loss, "train/accuracy": losses.accuracy(logits, y)} | clipped
            metrics.record(training.step, len(y), {**values, "lr": training.lr})
            journal.progress(training.step)

            if training.evaluation_due and guard.settled(metrics):
                with metrics.paused(), journal.busy("evaluating"):
                    means = evaluate(model, *val, loss_of)
                    _report(journal, training, "val", means)
                    saver.evaluated(means)
                outcome = _reached(target, means, training.step)
            if saver.due and guard.settled(metrics):
                with metrics.paused():
                    saver.save_due()
        saver.finish("end" if outcome[0] == "done" else "stop")
    with journal.busy("evaluating"):
        _report(journal, training, "test", evaluate(model, *test, loss_of))
    return outcome


def _build(config: RunConfig, plan: Plan, device: torch.device) -> Training:
    """Model and optimizer as they are before the first step; sets the random streams."""
    torch.manual_seed(config.seed)
    model = registry.build("model", config.model, configure.dataset_info(config)).to(device)
    parameters = list(model.parameters())
    optimizer = startup.build_optimizer(config.optimizer, parameters)
    torch.manual_seed(seeds.training(config.seed))
    return Training(
        model=model,
        parameters=parameters,
        optimizer=optimizer,
        optimizer_type=config.optimizer.type,
        steps_per_epoch=plan.steps_per_epoch,
        steps=plan.steps,
        clip=config.clip,
    )


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
        resumed, seconds = origin.resume(resume, training, device)
    elif config.parent is not None:
        parent = origin.fork(steering.run, config.parent, training, device)
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
        journal.emit(_started(config, plan, device, parent))
    journal.go_on_from(training.step, seconds)
    steering.begin(training, training.step)
    return resumed


def _started(
    config: RunConfig, plan: Plan, device: torch.device, parent: Parent | None
) -> RunStarted:
    versions = {"torch": str(torch.__version__), "python": platform.python_version()}
    with suppress(importlib.metadata.PackageNotFoundError):  # run from a checkout
        versions["bigmodel-tui"] = importlib.metadata.version("bigmodel-tui")
    return RunStarted(
        config=plain(config),
        device=describe(device),
        num_parameters=plan.num_parameters,
        planned_steps=plan.steps,
        steps_per_epoch=plan.steps_per_epoch,
        samples=dict(plan.samples),
        versions=versions,
        parent=parent,
    )


def _reached(target: Target | None, means: dict[str, float], step: int) -> Outcome | None:
    value = means[target.metric.removeprefix("val/")] if target else math.nan
    if target is None or not target.reached(value):
        return None
    return (
        "done",
        f"{target.metric} {value:.4f} {target.op} {target.value:g} reached at step {step}",
    )


def _report(
    journal: Journal, training: Training, split: Literal["val", "test"], means: dict[str, float]
) -> None:
    """Log an evaluation, and a line for people unless there are too many of them."""
    step = training.step
    epoch = step / training.steps_per_epoch
    values = {name: number(mean) for name, mean in means.items()}
    seconds = journal.seconds()
    journal.emit(Evaluation(split=split, step=step, epoch=epoch, seconds=seconds, values=values))
    epochs = math.ceil(training.steps / training.steps_per_epoch)
    every = math.ceil(epochs / _MAX_EPOCH_LINES)
    if split == "test" or step == training.steps or round(epoch) % every == 0:
        where = f"epoch {epoch:g}/{epochs}" if epoch.is_integer() else f"step {step}"
        loss, accuracy = means["loss"], means["accuracy"]
        journal.say(f"{where}: {split} loss {loss:.4f}, accuracy {accuracy:.4f}")
