"""A table in a CSV file, of which one column is predicted from the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from engine.config import dataset_preview
from engine.config.registry import DatasetInfo, Split, Splits
from engine.datasets import _user_files
from engine.datasets._tables import cells as column_cells
from engine.datasets._tables import notes, plan, reading
from engine.datasets._tables.columns import Column, Decimal
from engine.datasets._tables.plan import Input, Missing, Plan, Task, Understood, Wanted
from engine.datasets._tables.reading import Header
from presets import ConfigError
from presets.schema import Config as Base

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Config(Base, frozen=True):
    """A column is given by its name, or by its number from 1 on."""

    path: str = ""
    """The file; `~` is the home of the user."""
    target: str | int = ""
    """The column to predict; empty for the last one."""
    task: Task = "auto"
    """`auto`: regression if the target column holds numbers only, else classification; classes
    that are written as numbers need `classification`."""
    inputs: tuple[str | int, ...] = ()
    """The columns to predict from; empty for all others but a nameless one that numbers the
    rows."""
    ignore: tuple[str | int, ...] = ()
    """Columns that are left out, such as an identifier. Nothing in them is checked."""
    header: Header = "auto"
    """Whether the first row has the names of the columns; `auto`: as the columns go on below."""
    missing: Missing = "refuse"
    """What becomes of rows with missing values: `drop` them; fill numbers with the `mean` of the
    training rows;
    `category`: with the mean and a further input of 0 or 1 that says so. A missing word is one of
    its own in both; a row without a target is always left out."""
    decimal: Decimal = "auto"
    """The decimal mark; `auto`: as the columns say."""


class _Facts(Struct, frozen=True):
    """What is remembered of a table."""

    plan: Plan
    notes: tuple[str, ...]
    cautions: tuple[str, ...]


def info(config: Config) -> DatasetInfo:
    facts = _user_files.remembered(
        _facts, _user_files.located(config.path, "a CSV file"), config.header, _wanted(config)
    )
    made = facts.plan
    return DatasetInfo(
        input_shape=(sum(each.features for each in made.inputs),),
        num_outputs=1 if made.regression else len(made.classes),
        task="regression" if made.regression else "classification",
        samples=made.samples,
        names=(made.target,) if made.regression else made.classes,
        notes=facts.notes,
        cautions=facts.cautions,
    )


def build(config: Config) -> Splits:
    """70, 15 and 15 % of the rows, by a hash of their number. Columns of numbers, and a target of
    numbers, get mean 0 and deviation 1 over the training rows; of a column of words each word
    becomes an input of 0 or 1."""
    import numpy as np

    path = _user_files.located(config.path, "a CSV file")
    found = _understood(path, config.header, _wanted(config))
    made, rows = found.plan, np.array(found.rows)
    split = np.array([reading.split_of(row) for row in found.rows])
    train = split == "train"
    x = np.concatenate(
        [_features(found.columns[each.name], each, rows, train) for each in made.inputs], axis=1
    )
    target = found.columns[made.target]
    y = (
        _features(target, Input(made.target), rows, train)
        if made.regression
        else _places(target, made.classes, rows)
    )
    parts = {name: Split(x[split == name], y[split == name]) for name in made.samples}
    return Splits(train=parts["train"], val=parts["val"], test=parts["test"])


def columns(config: Config) -> list[str]:
    """The names of the columns to predict from."""
    path = _user_files.located(config.path, "a CSV file")
    facts = _user_files.remembered(_facts, path, config.header, _wanted(config))
    return [each.name for each in facts.plan.inputs]


def row(config: Config, cells: Mapping[str, str]) -> NDArray[np.float32]:
    """What a model is given for a row of the columns to predict from, (1, features). A cell that is
    not there counts as missing. Raises ConfigError, in one line, for one that cannot be."""
    import numpy as np

    path = _user_files.located(config.path, "a CSV file")
    found = _understood(path, config.header, _wanted(config))
    names = [each.name for each in found.plan.inputs]
    if unknown := [name for name in cells if name not in names]:
        raise ConfigError(f"row: expected columns of {', '.join(names)}; got {unknown[0]!r}")
    total = len(found.columns[found.plan.target].cells)
    rows = np.array([*found.rows, total])  # the row of a person comes behind those of the file
    train = np.array([*(reading.split_of(each) == "train" for each in found.rows), False])
    parts = []
    for each in found.plan.inputs:
        column = _with_cell(found.columns[each.name], each, cells.get(each.name, "").strip())
        parts.append(_features(column, each, rows, train))
    return np.concatenate(parts, axis=1)[-1:]


def target_scale(config: Config) -> tuple[float, float]:
    """Mean and deviation of a target of numbers over the training rows."""
    import numpy as np

    path = _user_files.located(config.path, "a CSV file")
    found = _understood(path, config.header, _wanted(config))
    values = np.array(found.columns[found.plan.target].values)[found.rows]
    train = values[[reading.split_of(each) == "train" for each in found.rows]]
    return float(train.mean()), float(train.std()) or 1.0


def _with_cell(column: Column, made: Input, cell: str) -> Column:
    """A column with one more cell. Raises ConfigError for one that it cannot have."""
    if made.words:
        if cell not in made.words:
            raise ConfigError(f"row: {made.name}: expected {_some(made.words)}, got {cell!r}")
        return structs.replace(column, cells=[*column.cells, cell])
    value = float("nan")
    if cell:
        read = column_cells.numbers([cell], ".") or column_cells.numbers([cell], ",")
        known = column_cells.dates([cell]) if column.kind == "dates" else read and read.values
        if not known:
            raise ConfigError(f"row: {made.name}: expected a number, got {cell!r}")
        value = known[0]
    values = [*column.values, value]
    return structs.replace(column, cells=[*column.cells, cell], values=values)


def _some(words: Sequence[str], most: int = 6) -> str:
    shown = ", ".join(word or "(nothing)" for word in words[:most])
    return f"{shown}, ..." if len(words) > most else shown


def _features(
    column: Column, made: Input, rows: NDArray[np.int64], train: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """(rows, features) of a column, normalised by its training rows."""
    import numpy as np

    if made.words:
        return np.eye(len(made.words), dtype=np.float32)[_places(column, made.words, rows)]
    values = np.array(column.values)[rows]
    lacking = np.isnan(values)
    known = values[train & ~lacking]
    values[lacking] = known.mean() if len(known) else 0.0
    deviation = values[train].std()
    # A column that is constant in training, but for rounding, says nothing; it becomes 0 there.
    varies = deviation > 1e-12 * np.abs(values).max()
    scaled: NDArray[np.float64] = (values - values[train].mean()) / (deviation if varies else 1.0)
    features = scaled.astype(np.float32)[:, None]
    return np.concatenate([features, lacking[:, None]], axis=1) if made.flagged else features


def _places(column: Column, words: tuple[str, ...], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each cell among the words, (rows,)."""
    import numpy as np

    place = {word: number for number, word in enumerate(words)}
    return np.array([place[column.cells[row]] for row in rows], dtype=np.int64)


def _wanted(config: Config) -> Wanted:
    return Wanted(
        config.target,
        config.task,
        config.inputs,
        config.ignore,
        config.missing,
        config.decimal,
    )


def _understood(path: Path, header: Header, wanted: Wanted) -> Understood:
    return plan.understand(reading.read(path, header), wanted, f"dataset.path: {str(path)!r}")


def _facts(path: Path, header: Header, wanted: Wanted) -> _Facts:
    found = _understood(path, header, wanted)
    return _Facts(found.plan, notes.notes(found, wanted), notes.cautions(found, wanted))


def sample(config: Config) -> dataset_preview.Rows:
    names, rows = reading.beginning(
        _user_files.located(config.path, "a CSV file"), config.header, dataset_preview.MOST_ROWS
    )
    return dataset_preview.Rows(tuple(names), tuple(map(tuple, rows)))
