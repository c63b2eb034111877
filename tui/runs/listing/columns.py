"""The columns of a list of runs: which there are, how a person names them, what they show; pure.

A person names a column by a word such as `status`, by a setting such as `optimizer.lr`, or by
a metric with `best:` or `last:`, such as `last:train/loss`.
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.runs.run_directory import NOT_SAVED
from presets import UserError
from tui.runs.listing.row import Row
from tui.runs.state.summary import age
from tui.text import cells, clean, count, duration, fixed, number

MAX_COLUMNS = 20
_METRIC_WIDTH, _SETTING_WIDTH = 9, 10
_WIDEST = 24
"""Maximum width of a chosen column, in cells."""


@dataclass(frozen=True)
class Column:
    """A column: its name, its width, and how its cells are made from a row."""

    name: str
    """What a person types to choose it."""
    width: int
    """Width in cells; 0 takes what is left."""
    show: Callable[[Row], str]
    key: Callable[[Row], Any]
    """The value that sorts; runs without one come last in either direction."""
    right: bool = False
    rank: int = 0
    """Columns of a higher rank go first where the terminal is narrow."""
    title: str = ""
    """The words over it; the name if empty."""

    @property
    def head(self) -> str:
        return self.title or self.name


def _status(row: Row) -> str:
    """The status; of a run that ended without being saved only that, which matters most."""
    return "not saved" if row.status in NOT_SAVED else clean(row.status)


def _progress(row: Row) -> str:
    planned = "" if row.planned_steps is None else f"/{count(row.planned_steps)}"
    return f"{count(row.step)}{planned}"


def _age(row: Row) -> float | None:
    return None if row.started is None else time.time() - row.started


def _remarks(row: Row) -> str:
    return " ".join([*(f"#{tag}" for tag in row.tags), row.note])


NAME = Column("name", 0, lambda row: clean(row.label), lambda row: row.label.lower())
BEST = Column("best", 8, lambda row: fixed(row.best), lambda row: row.best, right=True)
COLUMNS = (
    NAME,
    Column("status", 11, _status, lambda row: row.status),
    Column("progress", 15, _progress, lambda row: row.progress, right=True, rank=1),
    BEST,
    Column("time", 8, lambda row: duration(row.seconds), lambda row: row.seconds, right=True),
    Column("age", 7, lambda row: age(_age(row)), _age, right=True),
    Column("device", 18, lambda row: clean(row.device), lambda row: row.device, rank=2),
    Column("tags", 24, lambda row: clean(_remarks(row)), _remarks, rank=3, title="tags, note"),
)
"""Those that are shown if nobody chose others."""
MORE = (
    Column("id", 30, lambda row: clean(row.id), lambda row: row.id),
    Column("step", 8, lambda row: count(row.step), lambda row: row.step, right=True),
)
_KNOWN = {column.name: column for column in (*COLUMNS, *MORE)}


def chosen(names: Sequence[str], rows: Iterable[Row]) -> tuple[Column, ...]:
    """The columns of these names for these rows; `COLUMNS` if there are no names.

    The title of the column `best` names the metric; where the runs are judged by several, its cells
    do. Raises UserError for more than `MAX_COLUMNS`.
    """
    if len(names) > MAX_COLUMNS:
        raise UserError(f"columns: expected at most {MAX_COLUMNS}, got {len(names)}")
    found = [column_of(name) for name in dict.fromkeys(names)] or list(COLUMNS)
    if names and NAME not in found:
        found.insert(0, NAME)
    metrics = list(dict.fromkeys(row.best_of for row in rows if row.best_of))
    return tuple(_naming(column, metrics) for column in found)


def column_of(name: str) -> Column:
    """The column that a person names. Raises UserError."""
    if name in _KNOWN:
        return _KNOWN[name]
    which, colon, metric = name.partition(":")
    if colon and which in ("best", "last") and metric:
        return _metric(metric, last=which == "last")
    if colon or not name:
        known = ", ".join(_KNOWN)
        raise UserError(
            f"columns: expected {known}, a setting such as optimizer.lr, or a metric such as "
            f"best:val/loss or last:train/loss, got {clean(name, 80)!r}"
        )
    return _setting(name)


def _naming(column: Column, metrics: Sequence[str]) -> Column:
    if column is not BEST or not metrics:
        return column
    if len(metrics) == 1:
        title = f"best {clean(metrics[0], 80)}"
        return replace(column, title=title, width=_room(title, BEST.width))
    width = _room("x" * max(map(cells, metrics)), 0) + BEST.width
    return replace(column, width=width, show=_best_of)


def _best_of(row: Row) -> str:
    return f"{clean(row.best_of)} {fixed(row.best)}" if row.best_of else "-"


def _metric(name: str, *, last: bool) -> Column:
    title = f"{'last' if last else 'best'} {clean(name, 80)}"
    return Column(
        f"{'last' if last else 'best'}:{name}",
        _room(title, _METRIC_WIDTH),
        lambda row: number(row.metric(name, last=last)),
        lambda row: row.metric(name, last=last),
        right=True,
        rank=1,
        title=title,
    )


def _setting(key: str) -> Column:
    def value(row: Row) -> Any:
        found = row.values(key)
        return found[0] if found else None

    def sorting(row: Row) -> Any:
        found = value(row)
        if isinstance(found, int | float):
            return (0, float(found), "")
        return None if found is None else (1, 0.0, str(found).lower())

    def show(row: Row) -> str:
        found = value(row)
        if found is None:
            return "-"
        return number(found) if isinstance(found, float) else clean(str(found), 80)

    return Column(key, _room(clean(key, 80), _SETTING_WIDTH), show, sorting, right=True, rank=1)


def _room(title: str, least: int) -> int:
    """The width of a column under this title, which has an arrow where it sorts."""
    return max(least, min(_WIDEST, cells(title) + 2))


def sort(rows: Iterable[Row], column: Column, *, descending: bool) -> list[Row]:
    """Rows in the order of a column; those without a value last, equal ones by id."""
    known = [(row, column.key(row)) for row in rows]
    with_value = [pair for pair in known if not _is_missing(pair[1])]
    with_value.sort(key=lambda pair: pair[0].id)
    with_value.sort(key=lambda pair: pair[1], reverse=descending)
    return [row for row, _ in with_value] + [row for row, key in known if _is_missing(key)]


def _is_missing(key: Any) -> bool:
    return key is None or key == "" or (isinstance(key, float) and math.isnan(key))


def table(rows: Sequence[Row], columns: Sequence[Column]) -> list[list[str]]:
    """The cells of a plain table: the titles, then a line for each run."""
    return [[column.head for column in columns], *([c.show(row) for c in columns] for row in rows)]
