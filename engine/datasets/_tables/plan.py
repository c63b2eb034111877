"""What becomes of the columns of a table: which one is predicted, from which, as what."""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

import presets
from engine.datasets._tables import columns, reading
from engine.datasets._tables.columns import Column, Decimal
from engine.datasets._tables.reading import Table
from presets import ConfigError

MAX_WORDS = 64
"""Different texts in a column of words at most."""
MAX_CLASSES = 1000
MIN_ROWS = 40
"""Enough for every split to have rows; see `reading.split_of`."""

Missing = Literal["refuse", "drop", "mean", "category"]
Task = Literal["auto", "classification", "regression"]


class Wanted(Struct, frozen=True):
    """What a person says of a table."""

    target: str | int
    task: Task
    inputs: tuple[str | int, ...]
    ignore: tuple[str | int, ...]
    missing: Missing
    decimal: Decimal


class Input(Struct, frozen=True):
    """A column to predict from."""

    name: str
    words: tuple[str, ...] = ()
    """Its different texts, each of which becomes an input; "" stands for a missing one."""
    flagged: bool = False
    """Whether a further input says which of its numbers are missing."""

    @property
    def features(self) -> int:
        """How many numbers it becomes."""
        return len(self.words) or 1 + self.flagged


class Plan(Struct, frozen=True):
    """What becomes of the columns."""

    target: str
    regression: bool
    classes: tuple[str, ...]
    inputs: tuple[Input, ...]
    samples: dict[str, int]
    unused: tuple[str, ...]
    """Columns that are left out although nobody said so."""


class Understood(Struct, frozen=True):
    """A plan with the cells that it is for."""

    plan: Plan
    table: Table
    columns: dict[str, Column]
    """Those that are used, with the cells of all rows."""
    rows: list[int]
    """The rows that are used, counted from 0."""


def understand(table: Table, wanted: Wanted, where: str) -> Understood:
    """Decide what becomes of a table. ConfigError, in one line, if it cannot be used; of columns
    that are not used nothing is checked."""
    target, names, unused = _choose(table, wanted)
    cells = {name: columns.blanked(_cells(table, name)) for name in (target, *names)}
    used = columns.understand(cells, wanted.decimal, where)
    empty = [name for name in names if used[name].kind == "empty"]
    names = [name for name in names if name not in empty]
    if not names:
        raise ConfigError("dataset.ignore: leaves no column to predict from")
    if used[target].kind == "empty":
        raise ConfigError(f"dataset.target: column {target!r} has no values")
    used = {name: used[name] for name in (target, *names)}
    for name, column in used.items():
        _check_size(name, column, table, where)
    rows = _rows(used, target, wanted, table, where)
    regression = _is_regression(used[target], target, wanted.task)
    plan = Plan(
        target=target,
        regression=regression,
        classes=() if regression else _classes(used[target], rows, target),
        inputs=tuple(_input(name, used[name], rows, wanted.missing, where) for name in names),
        samples=_samples(rows, where),
        unused=(*unused, *empty),
    )
    return Understood(plan, table, used, rows)


def _cells(table: Table, name: str) -> list[str]:
    return table.columns[table.form.names.index(name)]


def _choose(table: Table, wanted: Wanted) -> tuple[str, list[str], list[str]]:
    """The target, what it may be predicted from, and what is left out unasked."""
    ignored = {_named("ignore", given, table) for given in wanted.ignore}
    asked = [_named("inputs", given, table) for given in wanted.inputs]
    index = [name for name in (_index(table),) if name and name not in (*ignored, *asked)]
    usable = [name for name in table.form.names if name not in index]
    if wanted.target == "":
        filled = (name for name in reversed(usable) if any(columns.blanked(_cells(table, name))))
        target = next(filled, usable[-1])
    else:
        target = _named("target", wanted.target, table)
    for key, others in (("ignore", ignored), ("inputs", asked)):
        if target in others:
            raise ConfigError(f"dataset.{key}: has the target {target!r}")
    names = [name for name in asked or usable if name not in {target, *ignored}]
    return target, list(dict.fromkeys(names)), [name for name in index if name != target]


def _named(key: str, given: str | int, table: Table) -> str:
    """A column by its name, or by its number from 1 on."""
    names = table.form.names
    if str(given) in names:
        return str(given)
    number = int(given) if str(given).isdecimal() else 0
    if 1 <= number <= len(names):
        return names[number - 1]
    if isinstance(given, int):
        raise ConfigError(f"dataset.{key}: expected a column from 1 to {len(names)}, got {given}")
    raise ConfigError(f"dataset.{key}: {presets.unknown('column', given, names)}")


def _index(table: Table) -> str | None:
    """The first column if it numbers the rows, as pandas and R write it: without a name."""
    form, column = table.form, table.columns[0] if table.columns else []
    name = form.names[0]
    nameless = 0 in form.unnamed or name.startswith("Unnamed: 0")
    if not nameless or not all(cell.isascii() and cell.isdigit() for cell in column):
        return None
    numbers = [int(cell) for cell in column]
    if form.header:
        return name if len(set(numbers)) == len(numbers) else None
    # Without names every column is nameless: only what counts the rows is one.
    counts = bool(numbers) and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return name if counts and numbers[0] in (0, 1) and len(form.names) > 2 else None


def _check_size(name: str, column: Column, table: Table, where: str) -> None:
    for row, value in enumerate(column.values):
        if abs(value) > columns.MAX_NUMBER:
            raise ConfigError(
                f"{where}: row {table.lines[row]}, column {name!r}: expected a number up to "
                f"{columns.MAX_NUMBER:g}, got {column.cells[row]!r:.40}"
            )


def _rows(
    used: Mapping[str, Column], target: str, wanted: Wanted, table: Table, where: str
) -> list[int]:
    """The rows that are used: those that know the target and, unless they are filled, all else."""
    if wanted.missing == "refuse":
        _refuse_missing(used, table, where)
    asked = used.values() if wanted.missing == "drop" else [used[target]]
    gone = {row for column in asked for row, cell in enumerate(column.cells) if not cell}
    rows = [row for row in range(len(table.lines)) if row not in gone]
    if len(rows) < MIN_ROWS:
        without = f" without a missing value of {len(table.lines)}" if gone else ""
        after = " after the header" if table.form.header else ""
        raise ConfigError(
            f"{where}: has {len(rows)} rows{without}; expected at least {MIN_ROWS}{after}"
        )
    return rows


def _refuse_missing(used: Mapping[str, Column], table: Table, where: str) -> None:
    lacking = {name: column.cells.count("") for name, column in used.items()}
    if not any(lacking.values()):
        return
    row, name = min(
        (column.cells.index(""), name) for name, column in used.items() if lacking[name]
    )
    told = ", ".join(f"{name!r} {lacking[name]}" for name in list(lacking)[:4] if lacking[name])
    written = _cells(table, name)[row]
    raise ConfigError(
        f"{where}: row {table.lines[row]}, column {name!r}: missing value, got {written!r:.40} "
        f"(missing in all: {told}); dataset.missing=drop, mean or category says what to make of "
        "them, dataset.ignore leaves a column out"
    )


def _is_regression(column: Column, target: str, task: Task) -> bool:
    numeric = column.kind != "words"
    if task == "regression" and not numeric:
        first = column.cells[column.stray] if column.stray is not None else column.words[0]
        raise ConfigError(
            f"dataset.task: regression needs numbers, but column {target!r} has {first!r:.40}"
        )
    return task == "regression" or (task == "auto" and numeric)


def _classes(column: Column, rows: Sequence[int], name: str) -> tuple[str, ...]:
    classes = sorted({column.cells[row] for row in rows})
    if not 2 <= len(classes) <= MAX_CLASSES:
        raise ConfigError(
            f"dataset.target: column {name!r} has {len(classes)} different classes; expected 2 to "
            f"{MAX_CLASSES}"
        )
    return tuple(classes)


def _input(name: str, column: Column, rows: Sequence[int], missing: Missing, where: str) -> Input:
    if column.kind != "words":
        return Input(name, flagged=missing == "category" and "" in column.cells)
    different = sorted({column.cells[row] for row in rows})
    if len(different) > MAX_WORDS:
        first = column.cells[column.stray] if column.stray is not None else column.words[0]
        raise ConfigError(
            f"{where}: column {name!r} has {len(different)} different texts, such as "
            f"{first!r:.40}; expected numbers or at most {MAX_WORDS} texts; dataset.ignore leaves "
            "a column out"
        )
    return Input(name, tuple(different))


def _samples(rows: Sequence[int], where: str) -> dict[str, int]:
    samples = {"train": 0, "val": 0, "test": 0}
    for row in rows:
        samples[reading.split_of(row)] += 1
    for split, count in samples.items():
        if not count:
            raise ConfigError(f"{where}: {split} gets none of the {len(rows)} rows that are used")
    return samples
