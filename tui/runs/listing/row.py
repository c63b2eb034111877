"""The summary of a run that the list of runs shows and filters by; small and immutable."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from engine.runs.run_directory import ENDED
from presets.dotted_keys import flatten
from tui.runs import meta
from tui.runs.state.store import RunState

_packer = msgspec.msgpack.Encoder()


class Row(Struct, frozen=True, kw_only=True, gc=False, array_like=True):
    """The summary of one run in the list of runs."""

    id: str
    stamp: tuple[int, ...]
    """Sizes and modification times of the files that the row was made from."""
    label: str
    """The name that a person gave, else what differs from the other runs."""
    status: str
    step: int
    planned_steps: int | None
    best: float | None
    """Best value of the metric that the run is judged by."""
    best_of: str
    """The metric whose best value `best` is."""
    seconds: float
    started: float | None
    """Seconds since the epoch."""
    device: str
    name: str
    note: str
    tags: tuple[str, ...]
    settings: msgspec.Raw
    """The configuration with dotted keys, packed: most rows are never asked for it."""
    metrics: msgspec.Raw
    """By name the best value and the last one; packed."""
    fault: str = ""
    """Which of its files cannot be read, and why; "" if all can."""

    @property
    def active(self) -> bool:
        """Whether an engine works on it, or will."""
        return self.status not in ENDED

    @property
    def unreadable(self) -> bool:
        """Whether some of its files could not be read: a change of their permissions may mend that,
        which the stamp does not tell."""
        return self.status == "unreadable" or bool(self.fault)

    @property
    def progress(self) -> float:
        """The share of planned steps that is done, 0 to 1."""
        return min(1.0, self.step / self.planned_steps) if self.planned_steps else 0.0

    @property
    def text(self) -> str:
        """The text in which words of a filter are searched, in lower case."""
        words = (self.label, self.id, self.status, self.device, self.note, *self.tags)
        return " ".join(words).lower()

    def values(self, key: str) -> Sequence[Any]:
        """The values under a key of a filter: of a property, a setting or a metric.

        A setting is also found by the last part of its key, and a part by its name: `lr`,
        `optimizer`.
        """
        if (read := _PROPERTIES.get(key)) is not None:
            value = read(self)
            return [] if value is None else list(value) if isinstance(value, tuple) else [value]
        settings = _facts(bytes(self.settings))
        if names := _names(tuple(settings), key):
            return [settings[name] for name in names]
        metrics = _facts(bytes(self.metrics))
        return [metrics[key][0]] if key in metrics else []

    def metric(self, name: str, *, last: bool = False) -> float | None:
        """The best value of a metric, or the last one; None if it has none."""
        values = _facts(bytes(self.metrics)).get(name)
        value = values[last] if values else math.nan
        return None if math.isnan(value) else float(value)

    def setting(self, key: str) -> Any:
        """The setting with this dotted key; None if the run has none."""
        return _facts(bytes(self.settings)).get(key)


_PROPERTIES: dict[str, Callable[[Row], Any]] = {
    "id": lambda row: row.id,
    "name": lambda row: row.label,
    "status": lambda row: row.status,
    "step": lambda row: row.step,
    "progress": lambda row: row.progress,
    "best": lambda row: row.best,
    "seconds": lambda row: row.seconds,
    "device": lambda row: row.device,
    "note": lambda row: row.note,
    "tag": lambda row: row.tags,
}


@functools.lru_cache(maxsize=1024)
def _names(settings: tuple[str, ...], key: str) -> tuple[str, ...]:
    """The settings that a key of a filter means; most runs have the same ones."""
    for name in (key, f"{key}.name"):
        if name in settings:
            return (name,)
    return tuple(name for name in settings if name.endswith(f".{key}"))


@functools.lru_cache(maxsize=40_000)
def _facts(packed: bytes) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.msgpack.decode(packed)
    return facts


def row_of(
    state: RunState, remarks: meta.Remarks, stamp: tuple[int, ...] = (), fault: str = ""
) -> Row:
    """Sum up a run; `fault` says which of its files cannot be read."""
    if state.status == "unreadable":
        fault = fault or state.detail
    metrics = _summed_up(state)
    chosen = state.judged_by
    config = state.started.config if state.started else state.config
    return Row(
        id=state.id,
        stamp=stamp,
        label=state.id,
        status=state.status,
        step=state.step,
        planned_steps=state.planned_steps,
        best=metrics[chosen][0] if chosen else None,
        best_of=chosen,
        seconds=state.elapsed,
        started=state.started.time if state.started else None,
        device=state.started.device if state.started else str(state.config.get("device", "")),
        name=remarks.name or str(config.get("name") or ""),
        note=f"! {fault}" if fault else remarks.note,
        tags=remarks.tags,
        settings=msgspec.Raw(_packer.encode(flatten(config))),
        metrics=msgspec.Raw(_packer.encode(metrics)),
        fault=fault,
    )


def _summed_up(state: RunState) -> dict[str, tuple[float, float]]:
    """Best and last value of each metric; NaN where it has none that is finite."""
    summed = {}
    for name in state.metrics:
        best, last = state.best(name), state.last(name)
        summed[name] = best[1] if best else math.nan, math.nan if last is None else last
    return summed
