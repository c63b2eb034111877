"""Summarise a run as plain data and as text; pure functions of its state."""

import math
from typing import Any

from presets.dotted_keys import flatten
from tui.runs.state.store import RunState
from tui.text import cells, clean, column, count, duration, number

Plain = dict[str, Any]


def plain_number(value: float) -> float | str:
    """A number for JSON, which lacks NaN and infinities: those become "nan", "inf", "-inf"."""
    return value if math.isfinite(value) else str(value)


def summary(state: RunState, *, pid: int | None) -> Plain:
    """Everything about a run that fits on a page."""
    started = state.started
    return {
        "id": state.id,
        "name": state.given_name or str(state.config.get("name") or ""),
        "status": state.status,
        "reason": state.outcome(),
        "unsaved": state.unsaved,
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
        "references": _references(state),
        "path": str(state.run.path.absolute()),
        "events_path": str(state.run.events_path.absolute()),
        "damaged": state.damaged,
        "fallen": state.fallen,
    }


def _lasts(state: RunState) -> dict[str, float]:
    lasts = {name: series.last for name, series in state.metrics.items()}
    return {name: value for name, value in lasts.items() if value is not None}


def _bests(state: RunState) -> dict[str, Plain]:
    """Best step and value of losses and of what the run is judged by, except of the test set."""
    chosen = [
        name
        for name in state.metrics
        if (name.endswith(("/loss", "/accuracy")) or name == state.judged_by)
        and not name.startswith("test/")
    ]
    bests = {name: state.best(name) for name in chosen}
    return {name: {"step": best[0], "value": best[1]} for name, best in bests.items() if best}


def _references(state: RunState) -> dict[str, Plain]:
    """What trivial ways reach on the validation set: metric, then name and value."""
    found: dict[str, Plain] = {}
    for each in state.references:
        found.setdefault(f"val/{each.metric}", {})[each.name] = plain_number(float(each.value))
    return found


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
        "went back": f"{facts['fallen']} values skipped" if facts["fallen"] else None,
    }
    lines = [f"{column(key, 12)}{clean(str(value))}" for key, value in head.items() if value]
    lines += ["", "configuration"]
    lines += [f"  {_wide(key)} {clean(str(value))}" for key, value in flat(facts["config"])]
    best = facts["best"]
    lines += ["", f"{'metric':<28}{'last':<12}best"]
    for name, value in facts["last"].items():
        where = best.get(name)
        text = f"{number(where['value'])} at step {where['step']}" if where else ""
        lines.append(f"  {_wide(name)} {number(float(value)):<12}{text}".rstrip())
    return [*lines, *_trivial(facts["references"])]


def _trivial(references: Plain) -> list[str]:
    """The lines of what a model has to beat."""
    lines = ["", "to beat"] if references else []
    for metric, values in references.items():
        words = ", ".join(f"{clean(name)} {number(float(v))}" for name, v in values.items())
        lines.append(f"  {_wide(metric)} {words}")
    return lines


def _wide(name: str) -> str:
    """A name in a column of 25 cells, or whole where it is longer."""
    return column(clean(name), max(25, cells(clean(name))))


def flat(tree: Plain) -> list[tuple[str, Any]]:
    """The settings of a configuration that have a value, with dotted keys."""
    return [(key, value) for key, value in flatten(tree).items() if value not in (None, "")]
