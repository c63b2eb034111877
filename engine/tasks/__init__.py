"""Tasks: how a batch becomes a loss, what is measured, and what a picture of it shows."""

from engine.config import task_rules
from engine.config.registry import DatasetInfo
from engine.tasks.classification import Classification
from engine.tasks.language import Language
from engine.tasks.regression import Regression
from engine.tasks.task import Task
from presets.schema import RunConfig

__all__ = ["Task", "of"]


def of(config: RunConfig, info: DatasetInfo) -> Task:
    """The task of a run; `tasknames.check` says before whether the two go together."""
    match info.task:
        case "regression":
            return Regression(info, predictions=config.predictions)
        case "language":
            return Language(info, smoothing=config.label_smoothing, seed=config.seed)
    return Classification(
        info,
        loss=task_rules.loss_name(config, info.task),
        smoothing=config.label_smoothing,
        predictions=config.predictions,
    )
