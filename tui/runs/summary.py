"""Summarise a run as plain data and as text; pure functions of its state."""

import math
import time
from typing import Any

from presets.dotted_keys import flatten
from tui.runs.store import RunState, section
from tui.text import clean, count, duration, number

Plain = dict[str, Any]

_COLUMNS = ("id", "status", "name", "lr", "step", "best val/accuracy", "age")


def plain_number(value: float) -> float | str:
    """A number for JSON, which lacks NaN and infinities: those become "nan", "inf", "-inf"."""
    return value if math.isfinite(value) else str(value)


def row(state: RunState, *, pid: int | None, fault: str = "") -> Plain:
    """A run as an entry of a list; `pid` is that of a living engine, since numbers are reused.
    `fault` says which of its files cannot be read."""
    if state.status == "unreadable":
        fault = fault or state.detail
    config = state.config
    lr = section(config, "optimizer").get("lr", config.get("lr"))
    started = state.started
    age = time.time() - started.time if started else None
    return {
        "id": state.id,
        "name": state.given_name or str(state.config.get("name") or ""),
        "status": state.status,
        "pid": pid if state.active else None,
        "model": _named(config, "model"),
        "dataset": _named(config, "dataset"),
        "optimizer": _named(config, "optimizer"),
        "lr": lr if isinstance(lr, int | float) else None,
        "step": state.step,
        "planned_steps": state.planned_steps,
        "best_val_accuracy": _best(state, "val/accuracy"),
        "age_seconds": age,
        "path": str(state.run.path.absolute()),
        "fault": fault,
    }


def summary(state: RunState, *, pid: int | None) -> Plain:
    """Everything about a run that fits on a page."""
    started = state.started
    return {
        "id": state.id,
        "name": state.given_name or str(state.config.get("name") or ""),
        "status": state.status,
        "reason": state.outcome(),
        "pid": pid if state.active else None,
        "device": started.device if started else None,
        "num_parameters": started.num_parameters if started else None,
        "config": state.config,
        "steps": state.step,
        "planned_steps": state.planned_steps,
        "seconds": state.elapsed,
        "best": _bests(state),
        "last": {name: plain_number(value) for name, value in _lasts(state).items()},
        "test": {
            name.removeprefix("test/"): plain_number(value)
            for name, value in _lasts(state).items()
            if name.startswith("test/")
        },
        "path": str(state.run.path.absolute()),
        "events_path": str(state.run.events_path.absolute()),
        "damaged": state.damaged,
    }


def _named(config: Plain, key: str) -> str | None:
    """The name of a part; the settings of an own loop may be a single word."""
    value = config.get(key)
    name = value.get("name") if isinstance(value, dict) else value
    return name if isinstance(name, str) else None


def _lasts(state: RunState) -> dict[str, float]:
    lasts = {name: series.last for name, series in state.metrics.items()}
    return {name: value for name, value in lasts.items() if value is not None}


def _best(state: RunState, metric: str) -> float | None:
    best = state.best(metric)
    return best[1] if best else None


def _bests(state: RunState) -> dict[str, Plain]:
    """Best step and value of metrics with a good direction, except of the test set."""
    chosen = [
        name
        for name in state.metrics
        if name.endswith(("/loss", "/accuracy")) and not name.startswith("test/")
    ]
    bests = {name: state.best(name) for name in chosen}
    return {name: {"step": best[0], "value": best[1]} for name, best in bests.items() if best}


def table(rows: list[Plain]) -> list[str]:
    """The lines of `ls`: a head and a line for each run, in columns."""
    if not rows:
        return []
    cells = [list(_COLUMNS), *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_COLUMNS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def _cells(row: Plain) -> list[str]:
    step = str(row["step"])
    if row["planned_steps"] is not None:
        step += f"/{row['planned_steps']}"
    lr = row["lr"]
    return [
        clean(row["id"]),
        row["status"],
        clean(row["name"] or str(row["optimizer"] or "-"), 24),
        number(lr) if isinstance(lr, int | float) else "-",
        step,
        number(row["best_val_accuracy"]),
        age(row["age_seconds"]) + (f"  ! {clean(row['fault'])}" if row["fault"] else ""),
    ]


def age(seconds: float | None) -> str:
    """How long ago, in one unit: 12 s, 5 min, 3 h, 9 d."""
    if seconds is None:
        return "-"
    for limit, size, unit in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h")):
        if seconds < limit:
            return f"{max(0, int(seconds / size))} {unit}"
    return f"{int(seconds / 86400)} d"


def page(facts: Plain) -> list[str]:
    """The lines of `show`."""
    planned = facts["planned_steps"]
    steps = count(facts["steps"]) + (f" of {count(planned)}" if planned is not None else "")
    head = {
        "run": facts["id"],
        "name": facts["name"],
        "status": facts["status"] + (f": {facts['reason']}" if facts["reason"] else ""),
        "process": facts["pid"],
        "device": facts["device"],
        "parameters": count(facts["num_parameters"]) if facts["num_parameters"] else None,
        "steps": f"{steps} in {duration(facts['seconds'])}",
        "log": facts["events_path"],
        "damaged": f"{facts['damaged']} lines of the log skipped" if facts["damaged"] else None,
    }
    lines = [f"{key:<12}{clean(str(value))}" for key, value in head.items() if value]
    lines += ["", "configuration"]
    lines += [f"  {clean(key):<25} {clean(str(value))}" for key, value in flat(facts["config"])]
    best = facts["best"]
    lines += ["", f"{'metric':<28}{'last':<12}best"]
    for name, value in facts["last"].items():
        where = best.get(name)
        text = f"{number(where['value'])} at step {where['step']}" if where else ""
        lines.append(f"  {clean(name):<25} {number(float(value)):<12}{text}".rstrip())
    return lines


def flat(tree: Plain) -> list[tuple[str, Any]]:
    """The settings of a configuration that have a value, with dotted keys."""
    return [(key, value) for key, value in flatten(tree).items() if value not in (None, "")]
