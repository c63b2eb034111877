"""The rules of each task: what it measures and what it asks of a run; without torch."""

from typing import Literal

from engine.config import registry
from engine.config.registry import DatasetInfo, Task
from presets import ConfigError
from presets.schema import Loss, RunConfig

Unit = Literal["samples", "tokens"]

METRICS: dict[Task, tuple[str, ...]] = {
    "classification": ("loss", "accuracy"),
    "regression": ("loss", "mae", "r2"),
    "language": ("loss", "bits_per_char"),
}
"""The means over a validation or test set by task, the loss first."""
BEST: dict[Task, tuple[str, Literal["max", "min"]]] = {
    "classification": ("accuracy", "max"),
    "regression": ("loss", "min"),
    "language": ("loss", "min"),
}
"""The validation mean, by task, that decides which checkpoint is the best."""
UNITS: dict[Task, Unit] = {
    "classification": "samples",
    "regression": "samples",
    "language": "tokens",
}
"""The unit of throughput, by task."""

_LOSSES: dict[Task, tuple[Loss, ...]] = {  # the first one is that of `auto`
    "classification": ("cross_entropy", "mse"),
    "regression": ("mse",),
    "language": ("cross_entropy",),
}
_DEFAULT_TASKS: tuple[Task, ...] = ("classification", "regression")
WHAT: dict[Task, str] = {
    "classification": "classes",
    "regression": "numbers",
    "language": "text",
}
"""What the data of a task has, in a word."""


def loss_name(config: RunConfig, task: Task) -> Loss:
    """The loss of a run on this task; `auto` is resolved."""
    return _LOSSES[task][0] if config.loss == "auto" else config.loss


def check(config: RunConfig, data: DatasetInfo) -> None:
    """Raises ConfigError where model, loss, label smoothing or target do not suit the data."""
    task = data.task
    tasks = learned(config.model.type)
    if task not in tasks:
        what = " or ".join(WHAT[each] for each in tasks)
        raise ConfigError(
            f"model: {config.model.name} learns {what}, but {config.dataset.name} has {WHAT[task]}"
        )
    if loss_name(config, task) not in _LOSSES[task]:
        allowed = " or ".join(("auto", *_LOSSES[task]))
        raise ConfigError(
            f"loss: expected {allowed} for the {WHAT[task]} of {config.dataset.name}, "
            f"got {config.loss!r}"
        )
    if config.label_smoothing and task == "regression":
        raise ConfigError(
            f"label_smoothing: expected 0, for {config.dataset.name} has numbers and no labels, "
            f"got {config.label_smoothing:g}"
        )
    _check_target(config, task)


def learned(model_type: str) -> tuple[Task, ...]:
    """The tasks that a model of this type can learn."""
    module = registry.module("model", model_type)
    tasks: tuple[Task, ...] = getattr(module, "TASKS", _DEFAULT_TASKS)
    return tasks


def _check_target(config: RunConfig, task: Task) -> None:
    target = config.stop_target()
    if target is None:
        return
    known = [f"val/{name}" for name in METRICS[task]]
    if config.ema_decay is not None:
        known += [f"val/ema_{name}" for name in METRICS[task]]
    if target.metric not in known:
        raise ConfigError(
            f"target: expected one of {', '.join(known)} for {config.dataset.name}, "
            f"got {target.metric!r}"
        )
