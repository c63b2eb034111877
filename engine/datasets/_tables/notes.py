"""What was made of a table, in lines for people."""

from collections.abc import Iterator, Sequence

from engine.datasets._tables import columns
from engine.datasets._tables.plan import Understood, Wanted

_FEW = 20
"""So many different whole numbers at most may well be classes."""
_NAMED = 6
"""Columns that are named in a line."""


def notes(found: Understood, wanted: Wanted) -> tuple[str, ...]:
    """What was made of the columns, a line each."""
    return (_task(found, wanted), *_notes(found))


def cautions(found: Understood, wanted: Wanted) -> tuple[str, ...]:
    """What may be meant otherwise, and which setting says so, a line each."""
    return tuple(_cautions(found, wanted))


def _task(found: Understood, wanted: Wanted) -> str:
    plan, column = found.plan, found.columns[found.plan.target]
    task = "regression" if plan.regression else f"classification, {len(plan.classes)} classes"
    if wanted.task != "auto":
        why = "as dataset.task says"
    elif plan.regression:
        why = f"for it has {column.kind} only"
    else:
        why = "for it has words"
    return f"predicts {plan.target}: {task}, {why}"


def _notes(found: Understood) -> Iterator[str]:
    form = found.table.form
    used = {each.name: found.columns[each.name] for each in found.plan.inputs}
    if form.header and form.why:
        yield form.why
    kinds = {
        "numbers": [name for name in used if used[name].kind == "numbers"],
        "dates, as seconds since 1970": [n for n in used if used[n].kind == "dates"],
        "words": [
            f"{name} ({len(used[name].words)})" for name in used if used[name].kind == "words"
        ],
    }
    told = [f"{_some(names)}: {kind}" for kind, names in kinds.items() if names]
    yield f"from {'; '.join(told)}"
    used = found.columns
    if written := [f"{name} ({used[name].written})" for name in used if used[name].written]:
        yield f"numbers written otherwise: {_some(written)}"
    if counting := [name for name in used if _counts_rows(used[name].values)]:
        yield f"{_some(counting)} counts the rows; dataset.ignore leaves it out"
    filled = {name: column.cells.count("") for name, column in used.items()}
    told = [f"{name} ({count})" for name, count in filled.items() if count]
    if told and len(found.rows) == len(found.table.lines):
        yield f"missing values: {_some(told)}, {_filling(found)}"


def _cautions(found: Understood, wanted: Wanted) -> Iterator[str]:
    form, plan = found.table.form, found.plan
    if wanted.task == "auto":
        yield from _doubtful_task(found)
    if not form.header and form.why:
        yield form.why
    for name in plan.unused:
        if any(columns.blanked(found.table.columns[form.names.index(name)])):
            yield f"{name} numbers the rows and is left out; dataset.inputs takes columns by number"
        else:
            yield f"{name} is empty and left out"
    if gone := len(found.table.lines) - len(found.rows):
        lacking = [
            f"{name} ({column.cells.count('')})"
            for name, column in found.columns.items()
            if "" in column.cells
        ]
        yield f"{gone} rows are left out for missing values: {_some(lacking)}"
        if wanted.missing != "drop" and len(lacking) > 1:
            yield f"missing values of other columns than the target: {_filling(found)}"
    for name, column in found.columns.items():
        if column.stray is not None:
            line = found.table.lines[column.stray]
            yield (
                f"{name} is taken for words: {column.cells[column.stray]!r:.30} in row {line} is "
                "no number"
            )


def _doubtful_task(found: Understood) -> Iterator[str]:
    name = found.plan.target
    column = found.columns[name]
    if column.kind == "words":
        return
    different = sorted({column.values[row] for row in found.rows})
    if len(different) > _FEW or any(value % 1 for value in different):
        return
    shown = [f"{value:g}" for value in different]
    told = ", ".join(shown) if len(shown) < 5 else f"{shown[0]} to {shown[-1]}"
    yield f"regression: {name} has numbers ({told}); for classes: dataset.task=classification"


def _filling(found: Understood) -> str:
    ways = []
    if any(not each.words and "" in found.columns[each.name].cells for each in found.plan.inputs):
        flagged = any(each.flagged for each in found.plan.inputs)
        mark = ", with a further input that says so" if flagged else ""
        ways.append(f"filled with the mean of the training rows{mark}")
    if any("" in each.words for each in found.plan.inputs):
        ways.append("of words a word of their own")
    return "; ".join(ways)


def _counts_rows(values: Sequence[float]) -> bool:
    first = values[0] if values else -1
    return first in (0, 1) and all(value == first + row for row, value in enumerate(values))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
