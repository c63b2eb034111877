"""The public face for plug-ins: all that a package of models, data sets, ... imports.

Names here stay where they are, whatever moves behind them. ARCHITECTURE.md shows two plug-ins.
"""

from engine.config.registry import Codec, Cost, DatasetInfo, Source, Split, Splits
from engine.config.rules import TaskRules
from engine.training.updates.parameter_groups import Groups, tuned
from presets import ConfigError
from presets.schema import Config, Count, Fraction, NonNegative, Positive

__all__ = [
    "Codec",
    "Config",
    "ConfigError",
    "Cost",
    "Count",
    "DatasetInfo",
    "Fraction",
    "Groups",
    "NonNegative",
    "Positive",
    "Source",
    "Split",
    "Splits",
    "TaskRules",
    "tuned",
]
