"""Writes a run as a TensorBoard event file, with the message classes of our reader."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from presets import UserError
from tui.commands.export.tables import columns, headings
from tui.plots.x_scale import scale_of
from tui.runs.foreign import protobuf, tensorboard
from tui.runs.foreign.event_file import framed
from tui.runs.points.series import Floats
from tui.runs.state.store import RunState

VALUES_PER_EVENT = 30
"""How many values an event may have; readers skip events longer than 30 long-named values."""


def write(state: RunState, folder: Path) -> Path:
    """Write an event file into a folder, which is made if need be; returns its path.

    Raises UserError if the libraries are missing, or if the folder has other event files, which
    TensorBoard would take for the same run. Raises OSError if it cannot be written.
    """
    protobuf.require()
    folder.mkdir(parents=True, exist_ok=True)
    safe_id = re.sub(r"[^\w.-]+", "-", state.id, flags=re.ASCII)[-100:]
    path = folder / f"events.out.tfevents.{int(_start(state)):010d}.{safe_id}"
    if any(other != path for other in tensorboard.files(folder)):
        raise UserError(f"{folder}: has event files of another run; name a folder of its own")
    with path.open("wb") as file:
        for message in events(state):
            file.write(framed(message))
    return path


def events(state: RunState) -> Iterator[bytes]:
    """The messages of the file: the version of the format, then every value, by step.

    Values are in single precision: the one field that all readers know has no more.
    """
    make = tensorboard.event_class()
    yield make(wall_time=_start(state), file_version=b"brain.Event:2").SerializeToString()
    names = [name for name in columns(state) if name in state.metrics]
    tags = [heading.encode() for heading in headings(names)]
    series = [state.metrics[name] for name in names]
    if not names:
        return
    steps = np.concatenate([each.steps for each in series])
    values = _single(np.concatenate([each.values for each in series]))
    which = np.repeat(np.arange(len(series)), [len(each) for each in series])
    order = np.argsort(steps, kind="stable")
    steps = steps[order]
    moments = _moments(state, steps)
    for begin, end in _stretches(steps):
        event = make(wall_time=float(moments[begin]), step=int(steps[begin]))
        for place in order[begin:end].tolist():
            event.summary.value.add(tag=tags[which[place]], simple_value=float(values[place]))
        yield event.SerializeToString()


def _stretches(steps: Floats) -> Iterator[tuple[int, int]]:
    """Begin and end of the values of each event: one step's, at most `VALUES_PER_EVENT`."""
    borders = [0, *(np.flatnonzero(np.diff(steps)) + 1).tolist(), len(steps)]
    for first, last in pairwise(borders):
        for begin in range(first, last, VALUES_PER_EVENT):
            yield begin, min(begin + VALUES_PER_EVENT, last)


def _single(values: Floats) -> Floats:
    with np.errstate(over="ignore"):  # too large values become infinite
        return values.astype(np.float32).astype(np.float64)


def _start(state: RunState) -> float:
    return state.clock[0].zero if state.clock else 0.0


def _moments(state: RunState, steps: Floats) -> Floats:
    """The time of each step, in seconds since the epoch."""
    scale = scale_of(state, "wall")
    if scale is None:
        return np.full(len(steps), _start(state))
    return scale.to_x(steps)
