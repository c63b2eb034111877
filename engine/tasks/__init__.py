"""Tasks: the loss of a batch, its metrics, evaluation and pictures of a split; uses `runs`."""

from engine.config import task_rules
from engine.config.registry import DatasetInfo
from engine.tasks.classification import Classification
from engine.tasks.language import Language
from engine.tasks.regression import Regression
from engine.tasks.task import Task
from presets.schema import RunConfig

__all__ = ["Task", "of"]


def of(config: RunConfig, info: DatasetInfo) -> Task:
    """The task of a run on data of this `info`; `task_rules.check` tells if the two go together."""
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
