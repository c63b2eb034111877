"""The training loop, from a checked configuration to the last evaluation."""

import importlib.metadata
import math
import platform
from contextlib import suppress
from itertools import islice
from typing import Literal

import torch

from engine import configure, losses, registry, seeds, startup
from engine.batches import Batches, to_device
from engine.clipping import clip
from engine.configure import Plan
from engine.device import describe, pick, set_threads
from engine.evaluate import evaluate
from engine.events import Evaluation, RunStarted, number
from engine.journal import Journal
from engine.metrics import MetricBuffer
from engine.steering import Steering
from presets.schema import RunConfig, plain

Outcome = tuple[Literal["done", "stopped"], str]
"""How a run ended, and why, in one line."""

_MAX_EPOCH_LINES = 50
"""For people; a run on full batches has an epoch every step."""


def train(config: RunConfig, journal: Journal, steering: Steering) -> Outcome:
    """Train as `config` says; every step and evaluation goes to `journal`.

    On one CPU the same configuration gives the same numbers, bit for bit. Raises UserError if the
    device is absent, and OSError if the log cannot be written.
    """
    plan = configure.plan(config)
    device = pick(config.device)
    threads = set_threads(config.threads, plan.num_parameters)
    journal.emit(_started(config, plan, device))
    journal.say(f"{describe(device)}, {threads} CPU thread{'s' * (threads > 1)}")

    data = registry.build("dataset", config.dataset)
    val, test = to_device(data.val, device), to_device(data.test, device)
    loss_of = losses.BY_NAME[config.loss]
    torch.manual_seed(config.seed)
    model = registry.build("model", config.model, configure.dataset_info(config)).to(device)
    parameters = list(model.parameters())
    optimizer = startup.build_optimizer(config.optimizer, parameters)
    torch.manual_seed(seeds.training(config.seed))
    batches = Batches(
        data,
        batch_size=plan.batch_size,
        per_epoch=plan.steps_per_epoch,
        seed=config.seed,
        device=device,
    )
    target = config.stop_target()
    step = 0
    outcome: Outcome = ("done", f"all {plan.steps} steps done")

    with MetricBuffer(device, journal) as metrics:
        for x, y in islice(batches.all_epochs(), plan.steps):
            if reason := steering.stop_reason(step):
                outcome = ("stopped", f"{reason} after step {step}")
                break
            step += 1
            logits = model(x)
            loss = loss_of(logits, y, "mean")
            optimizer.zero_grad()
            loss.backward()
            clipped = clip(parameters, config.clip)
            optimizer.step()
            values = {"train/loss": loss, "train/accuracy": losses.accuracy(logits, y)} | clipped
            metrics.record(step, len(y), {**values, "lr": optimizer.param_groups[0]["lr"]})

            if step % plan.steps_per_epoch and step < plan.steps:
                continue
            with metrics.paused():
                means = evaluate(model, *val, loss_of)
                _report(journal, plan, "val", step, means)
            value = means[target.metric.removeprefix("val/")] if target else math.nan
            if target and target.reached(value):
                wanted = f"{target.op} {target.value:g}"
                outcome = ("done", f"{target.metric} {value:.4f} {wanted} reached at step {step}")
                break
    _report(journal, plan, "test", step, evaluate(model, *test, loss_of))
    return outcome


def _started(config: RunConfig, plan: Plan, device: torch.device) -> RunStarted:
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
    )


def _report(
    journal: Journal, plan: Plan, split: Literal["val", "test"], step: int, means: dict[str, float]
) -> None:
    """Log an evaluation, and a line for people unless there are too many of them."""
    epoch = step / plan.steps_per_epoch
    values = {name: number(mean) for name, mean in means.items()}
    seconds = journal.seconds()
    journal.emit(Evaluation(split=split, step=step, epoch=epoch, seconds=seconds, values=values))
    epochs = math.ceil(plan.steps / plan.steps_per_epoch)
    every = math.ceil(epochs / _MAX_EPOCH_LINES)
    if split == "test" or step == plan.steps or round(epoch) % every == 0:
        where = f"epoch {epoch:g}/{epochs}" if epoch.is_integer() else f"step {step}"
        loss, accuracy = means["loss"], means["accuracy"]
        journal.say(f"{where}: {split} loss {loss:.4f}, accuracy {accuracy:.4f}")
