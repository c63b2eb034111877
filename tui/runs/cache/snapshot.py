"""Convert the state of a run to bytes and series for the cache, and back."""

import dataclasses
import functools
import hashlib
import sys
from collections import deque
from types import GenericAlias
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from tui.runs.points.series import Series
from tui.runs.state.store import RunState

_ELSEWHERE = {
    "run",
    "given_name",
    "inherited",
    "metrics",
    "seconds",
    "status",
    "detail",
    "write_trouble",
}
"""Fields that are not packed: they are series, or known better by whoever opens the run."""
_SECONDS = "\0seconds"
"""A name that no metric has, because names from a log are cleaned of NUL."""
_MADE_BY = (
    "engine.runs.event_bounds",
    "engine.runs.events",
    "tui.runs.points.block_sums",
    "tui.runs.cache.column_cache",
    "tui.runs.state.marks_and_notes",
    "tui.runs.state.judging_metric",
    "tui.runs.points.series",
    "tui.runs.cache.snapshot",
    "tui.runs.points.step_column",
    "tui.runs.state.store",
)


def pack(state: RunState) -> bytes:
    """All of a state but its series, as MessagePack. Raises ValueError or TypeError for values that
    cannot be packed."""
    facts = {name: getattr(state, name) for name in _shapes()}
    return msgspec.msgpack.encode(facts, enc_hook=_listed)


def series_of(state: RunState) -> dict[str, Series]:
    """The series of a state by name."""
    return {**state.metrics, _SECONDS: state.seconds}


def restore(state: RunState, packed: bytes, series: dict[str, Series]) -> None:
    """Put what was packed into a new state. Raises msgspec.MsgspecError if it does not fit."""
    facts = msgspec.msgpack.decode(packed)
    for name, shape in _shapes().items():
        value = msgspec.convert(facts[name], _plain(shape))
        setattr(state, name, _filled(getattr(state, name), value, shape))
    metrics = dict(series)
    state.seconds = metrics.pop(_SECONDS)
    state.metrics = metrics


@functools.cache
def code_hash() -> bytes:
    """A hash of the code that makes a state from a log; a cache made by other code is not used.

    Raises OSError where the code is not in files.
    """
    digest = hashlib.sha256(sys.version.encode())
    for name in _MADE_BY:
        __import__(name)
        with open(sys.modules[name].__file__ or "", "rb") as file:
            digest.update(file.read())
    return digest.digest()


@functools.cache
def _shapes() -> dict[str, Any]:
    hints = get_type_hints(RunState)
    names = [field.name for field in dataclasses.fields(RunState)]
    return {name: hints[name] for name in names if name not in _ELSEWHERE}


def _listed(value: object) -> object:
    if isinstance(value, deque):
        return list(value)
    raise TypeError(f"a state holds no {type(value).__name__}")


def _plain(shape: Any) -> Any:
    """The same type with lists in place of deques."""
    origin, arguments = get_origin(shape), get_args(shape)
    if origin is deque:
        return GenericAlias(list, tuple(map(_plain, arguments)))
    if origin is dict:
        return GenericAlias(dict, tuple(map(_plain, arguments)))
    return shape


def _filled(empty: Any, value: Any, shape: Any) -> Any:
    """A value in the container that a new state has for it."""
    if isinstance(empty, deque):
        return deque(value, maxlen=empty.maxlen)
    if get_origin(shape) is dict and get_origin(get_args(shape)[1]) is deque:
        from tui.runs.state.store import MAX_PROBES

        return {key: deque(entries, maxlen=MAX_PROBES) for key, entries in value.items()}
    return value
