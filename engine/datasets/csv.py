"""A table in a CSV file; one column is predicted from the others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

import presets
from engine.config import samples
from engine.config.registry import DatasetInfo, Split, Splits
from engine.datasets import _files, _tables
from presets import ConfigError
from presets.schema import Config as Base

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Config(Base, frozen=True):
    path: str = ""
    """Path of the file, which has a header; `~` is the user's home directory."""
    target: str = ""
    """Name of the column to predict; empty for the last one."""
    task: Literal["auto", "classification", "regression"] = "auto"
    """`auto`: regression if the target column has only numbers, else classification; classes that
    are written as numbers need `classification`."""
    ignore: tuple[str, ...] = ()
    """Names of columns that are left out, such as an identifier."""


class _Plan(Struct, frozen=True):
    """The use of the columns of a table."""

    target: str
    regression: bool
    classes: tuple[str, ...]
    inputs: tuple[tuple[str, tuple[str, ...]], ...]
    """Names of the input columns, each with its different texts, none if it has numbers."""
    samples: dict[str, int]

    @property
    def features(self) -> int:
        """The number of inputs of a model."""
        return sum(len(words) or 1 for _, words in self.inputs)


def info(config: Config) -> DatasetInfo:
    plan = _files.remembered(
        _plan, _files.located(config.path, "a CSV file"), config.target, config.task, config.ignore
    )
    return DatasetInfo(
        input_shape=(plan.features,),
        num_outputs=1 if plan.regression else len(plan.classes),
        task="regression" if plan.regression else "classification",
        samples=plan.samples,
        names=(plan.target,) if plan.regression else plan.classes,
    )


def build(config: Config) -> Splits:
    """The rows in splits of 70, 15 and 15 %, by a hash of their number. Columns of numbers, target
    included, are scaled to mean 0 and standard deviation 1 over the training rows; each word of a
    column of words becomes an input that is 0 or 1."""
    import numpy as np

    path = _files.located(config.path, "a CSV file")
    plan = _plan(path, config.target, config.task, config.ignore)
    table = _tables.read(path)
    cells = dict(zip(table.names, table.columns, strict=True))
    split = np.array([_tables.split_of(row) for row in range(len(table.columns[0]))])
    train = split == "train"
    inputs = [_features(cells[name], words, train) for name, words in plan.inputs]
    x = np.concatenate(inputs, axis=1)
    target = cells[plan.target]
    y: NDArray[Any] = (
        _features(target, (), train) if plan.regression else _places(target, plan.classes)
    )
    parts = {name: Split(x[split == name], y[split == name]) for name in plan.samples}
    return Splits(train=parts["train"], val=parts["val"], test=parts["test"])


def _features(
    column: list[str], words: tuple[str, ...], train: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """(rows, features) of a column, normalised by its training rows."""
    import numpy as np

    if words:
        return np.eye(len(words), dtype=np.float32)[_places(column, words)]
    values = np.array(_tables.numbers(column))
    deviation = values[train].std()
    # A column that is constant in training, but for rounding, says nothing; it becomes 0 there.
    varies = deviation > 1e-12 * np.abs(values).max()
    scaled: NDArray[np.float64] = (values - values[train].mean()) / (deviation if varies else 1.0)
    return scaled.astype(np.float32)[:, None]


def _places(column: list[str], words: tuple[str, ...]) -> NDArray[np.int64]:
    """The place of each cell in `words`, int64 (rows,)."""
    import numpy as np

    place = {word: number for number, word in enumerate(words)}
    return np.array([place[cell] for cell in column], dtype=np.int64)


def _plan(path: Path, target: str, task: str, ignore: tuple[str, ...]) -> _Plan:
    table = _tables.read(path)
    where = f"dataset.path: {str(path)!r}"
    for key, names in (("target", [target] if target else []), ("ignore", list(ignore))):
        for name in names:
            if name not in table.names:
                raise ConfigError(f"dataset.{key}: {presets.unknown('column', name, table.names)}")
    target = target or table.names[-1]
    if target in ignore:
        raise ConfigError(f"dataset.ignore: has the target {target!r}")
    cells = dict(zip(table.names, table.columns, strict=True))
    is_number = _tables.numbers(cells[target]) is not None
    if task == "regression" and not is_number:
        first = next(cell for cell in cells[target] if _tables.numbers([cell]) is None)
        raise ConfigError(
            f"dataset.task: regression needs numbers, but column {target!r} has {first!r:.40}"
        )
    regression = task == "regression" or (task == "auto" and is_number)
    inputs = tuple(
        (name, () if _tables.numbers(column) else tuple(_tables.words(column, name, where)))
        for name, column in cells.items()
        if name != target and name not in ignore
    )
    if not inputs:
        raise ConfigError("dataset.ignore: leaves no column to predict from")
    return _Plan(
        target=target,
        regression=regression,
        classes=() if regression else _classes(cells[target], target),
        inputs=inputs,
        samples=_samples(len(table.columns[0])),
    )


def _classes(column: list[str], name: str) -> tuple[str, ...]:
    classes = sorted(set(column))
    if not 2 <= len(classes) <= _tables.MAX_CLASSES:
        raise ConfigError(
            f"dataset.target: column {name!r} has {len(classes)} different classes; expected 2 to "
            f"{_tables.MAX_CLASSES}"
        )
    return tuple(classes)


def _samples(rows: int) -> dict[str, int]:
    samples = {"train": 0, "val": 0, "test": 0}
    for row in range(rows):
        samples[_tables.split_of(row)] += 1
    return samples


def sample(config: Config) -> samples.Rows:
    """The first rows of the file."""
    names, rows = _tables.beginning(_files.located(config.path, "a CSV file"), samples.MOST_ROWS)
    return samples.Rows(tuple(names), tuple(map(tuple, rows)))
