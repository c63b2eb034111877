"""The status of a run, derived from its log, its lock, its heartbeat and its process."""

import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import msgspec
from msgspec import Struct

from engine.runs import run_directory
from engine.runs.events import RunEnded, RunStarted
from engine.runs.run_directory import RunDir, Status
from engine.runs.safe_file_access import open_regular
from engine.runs.signs_of_life import heartbeat
from engine.runs.signs_of_life.heartbeat import Beat
from engine.runs.signs_of_life.identity import Identity

SILENT_SECONDS = 3.0
"""Seconds without a heartbeat after which a stopped process counts as stalled."""
HELD_SECONDS = 10.0
"""The same for a running process: a library may block the interpreter for seconds."""
STARTING_SECONDS = 60.0
"""The same before the first step, while libraries of gigabytes are loaded."""
FRESH_SECONDS = 10.0
"""Age of a heartbeat, in seconds, up to which an engine on another machine counts as alive."""
MIN_STALL_SECONDS = 30.0
STALL_STEPS = 20.0
"""No progress for so many times the mean step is a stall, if it is `MIN_STALL_SECONDS` or more."""
FIRST_STEP_SECONDS = 300.0
"""Seconds without progress that are a stall before a mean is known: the first step may compile the
model."""


@dataclass(frozen=True)
class Health:
    """The status of a run, with a detail in words."""

    status: Status
    detail: str = ""
    """The detail in one line, such as "killed by signal 9"; "" if there is none."""
    unsaved: str = ""
    """What its engine could not write until now, where the log does not say it; "" if nothing."""


class Exit(Struct, frozen=True, kw_only=True):
    """The end of a process, as its parent saw it."""

    pid: int
    began: int
    """The start of the process, as in its `Identity`."""
    time: float
    code: int | None = None
    signal: int | None = None
    out_of_memory: bool = False
    """Whether the kernel killed a process for lack of memory meanwhile."""
    peak_bytes: int | None = None
    """The most memory that the process held."""
    estimated_bytes: int | None = None
    """The memory that the run was expected to need; known after a lack of it."""

    def __str__(self) -> str:
        if self.signal is None:
            return f"ended without a word, with exit status {self.code}"
        likely = f"; out of memory likely{self._sizes()}" if self.out_of_memory else ""
        return f"killed by signal {self.signal}{likely}"

    def _sizes(self) -> str:
        held = f"it held {self.peak_bytes / 1e9:.3g} GB" if self.peak_bytes else ""
        need = self.estimated_bytes
        wanted = f"its need was estimated at {need / 1e9:.3g} GB" if need else ""
        said = ", ".join(filter(None, (held, wanted)))
        return f" ({said})" if said else ""


def read_exit(run: RunDir, process: Identity | None) -> Exit | None:
    """The end of this process; None if nobody saw it."""
    with suppress(OSError, msgspec.MsgspecError, UnicodeError):
        with open_regular(run.exit_path) as file:
            seen = msgspec.json.decode(file.read(4096), type=Exit)
        if process is None or (seen.pid, seen.began) == (process.pid, process.began):
            return seen
    return None


def examine(
    run: RunDir,
    *,
    alive: bool,
    started: RunStarted | None,
    ended: RunEnded | None,
    paused: bool = False,
) -> Health:
    """The status of a run and its detail.

    As with `run_directory.status`, call `locked` before reading the log that `started`, `ended` and
    `paused` are taken from.
    """
    simple = run_directory.status(run, alive=alive, started=started, ended=ended, paused=paused)
    if ended is not None or simple in ("queued", "never started"):
        return Health(simple)
    beat, holder = heartbeat.read(run), run_directory.holder(run)
    if not alive and started is None and holder is not None and holder.exists():
        return Health("queued")  # the engine died with a run before; its parent takes this one up
    if alive:
        return _of_living(simple, beat, holder)
    fresh = beat is not None and abs(beat.age()) < FRESH_SECONDS
    if holder is not None and not holder.same_boot:
        return _of_far(run, holder, beat, fresh=fresh, started=started, paused=paused)
    if beat is not None and beat.ended:
        why = beat.log_trouble or "the disk was too slow"
        lost = f"the end of its log is missing ({why})"
        unsaved = f"{beat.unsaved}; {lost}" if beat.unsaved else lost
        status = run_directory.ended_status(_ended(beat.ended), saved=False)
        return Health(status, f"{beat.reason}; {unsaved}", unsaved)
    seen = read_exit(run, holder)
    return Health("crashed", str(seen) if seen else "nobody saw how its engine ended")


def _ended(text: str) -> Literal["done", "stopped", "failed"]:
    return "done" if text == "done" else "stopped" if text == "stopped" else "failed"


def _of_far(
    run: RunDir,
    holder: Identity,
    beat: Beat | None,
    *,
    fresh: bool,
    started: RunStarted | None,
    paused: bool,
) -> Health:
    """The health of a run that no process here holds, and whose engine ran under another kernel."""
    if fresh:
        status = run_directory.status(run, alive=True, started=started, ended=None, paused=paused)
        return Health(status, f"on {holder.host}")
    if holder.host == socket.gethostname():
        return Health("crashed", "the machine was restarted")
    silence = f", silent for {_seconds(time.time() - beat.time)}" if beat else ""
    return Health("unreachable", f"on {holder.host}{silence}")


def _of_living(simple: Status, beat: Beat | None, holder: Identity | None) -> Health:
    if beat is None:
        return Health(simple)
    silent = beat.age()
    if holder is not None and not holder.same_boot:  # the lock reaches over from another machine
        if silent < FRESH_SECONDS:
            return Health(simple, f"on {holder.host}")
        return Health("unreachable", f"on {holder.host}, silent for {_seconds(silent)}")
    if stall := _stall(simple, beat, holder, silent):
        return Health("stalled", stall)
    if unsaved := _unsaved(beat):
        return Health(simple, unsaved, unsaved)
    return Health(simple, beat.resting if beat.resting != simple else "")


def _unsaved(beat: Beat) -> str:
    """What a living engine cannot write now, or could not; "" if nothing."""
    if not beat.log_trouble:
        return beat.unsaved
    lost = f", {beat.log_dropped} lost" if beat.log_dropped else ""
    waiting = f"{beat.log_waiting} records wait{lost}"
    log = f"its log cannot be written: {beat.log_trouble}; {waiting}"
    return f"{log}; {beat.unsaved}" if beat.unsaved else log


def _stall(simple: Status, beat: Beat, holder: Identity | None, silent: float) -> str:
    """Why the engine is stalled, and for how long; "" if it is not stalled."""
    stopped = holder is not None and holder.testable and holder.state() in ("T", "t")
    if silent > SILENT_SECONDS and stopped:
        return f"its process is stopped (SIGSTOP), for {_seconds(silent)}"
    limit = STARTING_SECONDS if simple == "starting" or not beat.step else HELD_SECONDS
    if silent > limit:
        return f"its process is frozen, for {_seconds(silent)}"
    if simple != "running" or beat.resting:
        return ""
    idle = time.monotonic() - beat.progress
    mean = beat.step_seconds
    longest = max(MIN_STALL_SECONDS, STALL_STEPS * mean) if mean else FIRST_STEP_SECONDS
    return f"alive, no progress for {_seconds(idle)}" if idle > longest else ""


def _seconds(seconds: float) -> str:
    return f"{max(0, int(seconds))} s"
