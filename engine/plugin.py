"""The public face for plug-ins: all that a package of models, data sets, ... imports.

Names here stay where they are, whatever moves behind them. ARCHITECTURE.md shows plug-ins. What
needs torch is imported when it is asked for, so that a plug-in's module can be read without.
"""

import importlib
from typing import TYPE_CHECKING, Any

from engine.config.registry import Codec, Cost, DatasetInfo, Source, Split, Splits
from engine.config.task_rule_table import TaskRules
from engine.training.updates.parameter_groups import Groups, tuned
from presets import ConfigError
from presets.schema import Config, Count, Fraction, NonNegative, Positive

if TYPE_CHECKING:
    from engine.tasks.classification import Classification
    from engine.tasks.held_out_split import HeldOut
    from engine.tasks.language import Language
    from engine.tasks.regression import Regression
    from engine.tasks.task import Task, evaluating

__all__ = [
    "Classification",
    "Codec",
    "Config",
    "ConfigError",
    "Cost",
    "Count",
    "DatasetInfo",
    "Fraction",
    "Groups",
    "HeldOut",
    "Language",
    "NonNegative",
    "Positive",
    "Regression",
    "Source",
    "Split",
    "Splits",
    "Task",
    "TaskRules",
    "evaluating",
    "tuned",
]

_WITH_TORCH = {
    "Classification": "engine.tasks.classification",
    "HeldOut": "engine.tasks.held_out_split",
    "Language": "engine.tasks.language",
    "Regression": "engine.tasks.regression",
    "Task": "engine.tasks.task",
    "evaluating": "engine.tasks.task",
}


def __getattr__(name: str) -> Any:
    if name in _WITH_TORCH:
        return getattr(importlib.import_module(_WITH_TORCH[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
