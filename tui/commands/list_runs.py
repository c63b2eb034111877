"""Lists the runs: rows from the index, as a table or as JSON."""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.runs import run_directory
from engine.runs.run_directory import RunDir
from tui.runs.listing import columns
from tui.runs.listing.index import Index
from tui.runs.listing.row import Row
from tui.text import cells, clean

USUAL = ("id", "status", "name", "lr", "progress", "best", "age")


def rows(root: Path, order: str = "") -> list[Row]:
    """The runs in a folder, oldest first or in the order of a column. Only those that changed since
    the last list are read. Raises UserError for a column that does not exist."""
    index = Index(root)
    index.load()
    for _ in index.refresh():
        pass
    found = sorted(index.rows.values(), key=lambda row: row.id)
    if not order:
        return found
    return columns.sort(
        found, columns.column_of(order.removeprefix("-")), descending=order.startswith("-")
    )


def table(found: Sequence[Row], names: str = "") -> list[str]:
    """The lines of the list: a head and a line for each run, in columns. Raises UserError."""
    wanted = columns.chosen(names.replace(",", " ").split() or USUAL, found)
    if not found:
        return []
    lines = columns.table(found, wanted)
    sizes = [[cells(cell) for cell in line] for line in lines]
    widths = [max(each) for each in zip(*sizes, strict=True)]
    faults = [f"  ! {clean(row.fault)}" if row.fault else "" for row in found]
    return [
        "  ".join(map(_padded, line, taken, widths)).rstrip() + fault
        for line, taken, fault in zip(lines, sizes, ["", *faults], strict=True)
    ]


def _padded(cell: str, taken: int, width: int) -> str:
    return cell + " " * (width - taken)


def as_json(root: Path, found: Sequence[Row]) -> Iterator[str]:
    """A JSON object for each run."""
    for row in found:
        yield json.dumps(_facts(RunDir(root / row.id), row))


def _facts(run: RunDir, row: Row) -> dict[str, Any]:
    lr = row.setting("optimizer.lr")
    lr = row.setting("lr") if lr is None else lr
    return {
        "id": row.id,
        "name": row.name,
        "label": row.label,
        "status": row.status,
        "pid": run_directory.pid(run) if row.active else None,
        "model": _named(row, "model"),
        "dataset": _named(row, "dataset"),
        "optimizer": _named(row, "optimizer"),
        "lr": lr if isinstance(lr, int | float) else None,
        "step": row.step,
        "planned_steps": row.planned_steps,
        "best_val_accuracy": row.metric("val/accuracy"),
        "best": {"metric": row.best_of, "value": row.metric(row.best_of)} if row.best_of else None,
        "age_seconds": time.time() - row.started if row.started is not None else None,
        "path": str(run.path.absolute()),
        "fault": row.fault,
    }


def _named(row: Row, key: str) -> str | None:
    """The name of a part; the settings of an own loop may be a single word."""
    found = row.setting(f"{key}.name") or row.setting(key)
    return found if isinstance(found, str) else None
