"""Tasks: the loss of a batch, its metrics, evaluation and pictures of a split; uses `runs`."""

import importlib

from engine.config import plugin_guard, task_rules
from engine.config.registry import Codec, DatasetInfo
from engine.tasks.task import Task
from presets.schema import RunConfig

__all__ = ["Task", "of"]


def of(config: RunConfig, info: DatasetInfo, codec: Codec | None = None) -> Task:
    """The task of a run on data of this `info`, whose text has this `codec`; `task_rules.check`
    tells if the two go together."""
    rules = task_rules.of(info.task)
    if ":" in info.task:
        module = plugin_guard.module("tasks", info.task, {})
    else:
        module = importlib.import_module(f"engine.tasks.{info.task.replace('-', '_')}")
    task: Task = module.build(config, info, codec)
    task.rules = rules
    return task
