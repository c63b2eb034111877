"""Whether model, data and settings of a run suit the task of the data; without torch."""

import functools
from importlib import util
from typing import cast

from msgspec import structs

import presets
from engine.config import plugin_guard, registry
from engine.config.registry import DatasetInfo, Input
from engine.config.task_rule_table import RULES, TaskRules
from presets import ConfigError, unknown
from presets.schema import Component, Loss, RunConfig

_DEFAULT_TASKS = ("classification", "regression")
_WHAT: dict[Input, str] = {
    "numbers": "numbers",
    "symbols": "symbols",
    "frames": "sound",
    "board": "boards",
}


def of(task: str) -> TaskRules:
    """The rules of a task, also of a plug-in's, with the metrics whose packages are installed.
    Raises ConfigError if there is none of that name."""
    if task in RULES:
        rules, absent = RULES[task], lacking(task)
        if not absent:
            return rules
        metrics = tuple(name for name in rules.metrics if name not in absent)
        best = rules.best
        if best[0] in absent:
            best = ("accuracy", "max") if "accuracy" in metrics else ("loss", "min")
        return structs.replace(rules, metrics=metrics, best=best)
    if ":" not in task:
        raise ConfigError(unknown("task", task, [*RULES]))
    return cast("TaskRules", plugin_guard.module("tasks", task, {}).RULES)


def lacking(task: str) -> dict[str, str]:
    """The metrics of a built-in task whose packages are not installed, with these."""
    needed = RULES[task].packages if task in RULES else {}
    return {name: package for name, package in needed.items() if not _installed(package)}


@functools.cache  # asked for at every key of the launch screen
def _installed(package: str) -> bool:
    return util.find_spec(package) is not None


def loss_name(config: RunConfig, task: str) -> Loss:
    """The loss of a run on this task; `auto` is resolved."""
    return of(task).losses[0] if config.loss == "auto" else config.loss


def check(config: RunConfig, data: DatasetInfo) -> None:
    """Raises ConfigError where model, loss, label smoothing or target do not suit the data."""
    rules, name = of(data.task), config.dataset.name
    if not learns(config.model.type, data):
        told = " or ".join(of(each).what for each in learned(config.model.type))
        has = rules.what
        if data.task in learned(config.model.type):
            told += f" from {' or '.join(_WHAT[each] for each in _inputs(config.model.type))}"
            has += f" from {_WHAT[_input(data)]}"
        raise ConfigError(f"model: {config.model.name} learns {told}, but {name} has {has}")
    if loss_name(config, data.task) not in rules.losses:
        allowed = " or ".join(("auto", *rules.losses))
        raise ConfigError(
            f"loss: expected {allowed} for the {rules.what} of {name}, got {config.loss!r}"
        )
    if config.label_smoothing and not rules.smoothing:
        raise ConfigError(
            f"label_smoothing: expected 0, for {name} has {rules.what} and no labels, "
            f"got {config.label_smoothing:g}"
        )
    if config.batch_tokens is not None and not data.tokens:
        raise ConfigError(
            f"batch_tokens: the samples of {name} have one length; expected batch_size instead"
        )
    if config.schedule.type == "range-test" and not rules.loss_tells:
        raise ConfigError(
            f"schedule.type: a range test goes by the loss, which for the {rules.what} of {name} "
            "does not say how good they are; try learning rates in a race, with "
            "--vary optimizer.lr=3e-4,1e-3,3e-3"
        )
    _check_target(config, data.task)


def learned(model_type: str) -> tuple[str, ...]:
    """The tasks that a model of this type can learn."""
    module = registry.module("model", model_type)
    tasks: tuple[str, ...] = getattr(module, "TASKS", _DEFAULT_TASKS)
    return tasks


def learns(model_type: str, data: DatasetInfo) -> bool:
    """Whether a model of this type can learn the task of such data from such inputs."""
    alike = {data.task, of(data.task).like}
    return bool(alike.intersection(learned(model_type))) and _input(data) in _inputs(model_type)


def suited_data(model_type: str) -> str:
    """A built-in data set that a model of this type can learn: digits, or the first in order.
    Raises ConfigError if there is none at hand."""
    problem = ConfigError("no data set at hand that it can learn")
    for name in ("digits", "bible-en", *presets.names("datasets")):
        preset = presets.load("datasets", name)
        if preset.options.get("path") == "" or presets.origin("datasets", name) is not None:
            continue
        component = Component(name=name, type=preset.type, options=dict(preset.options))
        try:
            module = registry.module("dataset", preset.type)
            info: DatasetInfo = module.info(registry.config("dataset", component))
        except ConfigError as error:  # of a package that is not installed
            problem = error
            continue
        if learns(model_type, info):
            return name
    raise problem


def _inputs(model_type: str) -> tuple[Input, ...]:
    module = registry.module("model", model_type)
    usual: Input = "symbols" if learned(model_type) == ("language",) else "numbers"
    inputs: tuple[Input, ...] = getattr(module, "INPUTS", (usual,))
    return inputs


def _input(data: DatasetInfo) -> Input:
    return "symbols" if data.task == "language" else data.input


def _check_target(config: RunConfig, task: str) -> None:
    rules = of(task)
    target = config.stop_target()
    if target is None:
        return
    known = [f"val/{name}" for name in rules.metrics]
    if config.ema_decay is not None:
        known += [f"val/ema_{name}" for name in rules.metrics]
    absent = lacking(task).get(target.metric.removeprefix("val/").removeprefix("ema_"))
    if absent is not None:
        package = absent.replace("_", "-")
        raise ConfigError(
            f"target: {target.metric} needs {package}; pip install 'bigmodel-tui[text]'"
        )
    if target.metric not in known:
        raise ConfigError(
            f"target: expected one of {', '.join(known)} for {config.dataset.name}, "
            f"got {target.metric!r}"
        )
