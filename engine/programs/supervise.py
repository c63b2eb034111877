"""The parent of a training process: it sees how the child ends, and starts it again after a crash.

The parent never imports torch and holds no locks while its child lives, so that the child's death
shows at once. One child trains the whole queue; only after a crash another one is forked.
"""

import math
import mmap
import os
import select
import signal
import struct
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Literal, Self

from msgspec import structs

from engine.config import estimate
from engine.runs import checkpoint, lenient_json, locking, run_directory
from engine.runs.control import StopWatch
from engine.runs.events import KILLED, LogLine, RunEnded, Scalars
from engine.runs.log_reader import LogWriter, lifecycle, tail
from engine.runs.run_directory import Lock, RunDir
from engine.runs.safe_file_access import open_to_append, replace_file
from engine.runs.signs_of_life import identity
from engine.runs.signs_of_life.health import Exit
from engine.runs.signs_of_life.identity import Identity
from presets import UserError

Claim = tuple[RunDir, int]
"""A run and the open file of its lock."""
_FORWARDED = (signal.SIGTERM, signal.SIGINT)
_BROKEN = 3
"""The exit status of a child that could not go through its queue."""
GRACE_SECONDS = 1.0
"""How long a child that is to end at once may take to do so by itself, before it is killed."""
POLL_SECONDS = 0.2
"""Time between two polls of the control folder."""
_REFRESH_SECONDS = 10.0
_CLOSE_SECONDS = 0.5
"""How long the end of a log may take whose engine was killed at once."""


class Whereabouts:
    """The position of the child, in memory that both processes share, so that it is exact at any
    kind of death."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 16)

    def at_run(self, index: int) -> None:
        """Note that the child begins with this run of the queue."""
        struct.pack_into("qq", self._memory, 0, index, 0)

    def at_step(self, step: int) -> None:
        """Note that the child took this step of the run."""
        struct.pack_into("q", self._memory, 8, step)

    def read(self) -> tuple[int, int]:
        """The index of the run, and its last step in the child; 0 before the first."""
        index, step = struct.unpack_from("qq", self._memory)
        return index, step


Work = Callable[[Sequence[Claim], Whereabouts, str, str], int]
"""The work of a child: (claims, whereabouts, name of a signal that came already, how the previous
process died) -> exit status, 0 or 1."""


class Supervisor:
    """The supervisor of a queue of runs, which it brings to its end with as many child processes as
    needed."""

    def __init__(self, claims: Sequence[Claim], work: Work) -> None:
        self._claims = list(claims)
        self._work = work
        self._whereabouts = Whereabouts()
        self._child = 0
        self._received = ""
        """The name of the first signal that came to be passed on."""
        self._signals = 0
        self._hurry = ""
        """Why the child is to end at once; "" while it is not."""
        self._deadline = math.inf
        """The time to kill it, on the monotonic clock."""
        self._killed = False
        """Whether the child was killed from here."""
        self._restarts = 0
        self._died_at: int | None = None
        """The step at which the current run crashed the last time."""

    def run(self) -> int:
        """Work through the queue; returns the exit status, 0 if all runs are done or stopped.
        Returns in each child, too, with that child's status."""
        for number in _FORWARDED:
            signal.signal(number, self._forward)
        status, died = 0, ""
        while self._claims:
            queue = [run for run, _ in self._claims]
            memory_kills = _memory_kills()
            child = self._fork()
            if child is None:
                return self._in_child(died)
            ending = self._wait(child, memory_kills)
            if ending.code in (0, 1):
                status |= ending.code
                for run in queue:
                    self._record(run, ending)
                return status
            index, step = self._whereabouts.read()
            if self._killed:
                self._claims = _claim_again(self._stopped_at_once(queue, index, step))
                died = ""
                continue
            again = self._crashed(queue[index], step, ending)
            self._claims = _claim_again(queue[index if again else index + 1 :])
            died = str(ending) if again else ""
            status |= not again
        return status

    def _fork(self) -> Identity | None:
        """Fork a child; returns its identity, None in the child, where signals stay blocked until
        it has handlers of its own."""
        self._whereabouts.at_run(0)
        for run, file in self._claims:
            run_directory.sign(file, identity.own())
            locking.hand_over(run.path, identity.own())
        signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)
        self._hurry, self._deadline, self._killed = "", math.inf, False
        pid = os.fork()
        if pid == 0:
            return None
        self._child = pid
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
        for _, file in self._claims:
            os.close(file)
        return identity.of(pid)

    def _in_child(self, died: str) -> int:
        try:
            return self._work(self._claims, self._whereabouts, self._received, died)
        except Exception:
            traceback.print_exc()
            return _BROKEN

    def _wait(self, child: Identity, memory_kills: int) -> Exit:
        self._tend(child)
        # Reaped in two steps: a signal is never passed on to whoever gets the number next.
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        self._child = 0
        _, status, used = os.wait4(child.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        kills = code == -signal.SIGKILL and not self._killed and _memory_kills() > memory_kills
        return Exit(
            pid=child.pid,
            began=child.began,
            time=time.time(),
            code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            out_of_memory=kills,
            peak_bytes=used.ru_maxrss * 1024,
        )

    def _tend(self, child: Identity) -> None:
        """Wait for the child's end, and see to it that it comes at once where it is to."""
        runs = [run for run, _ in self._claims]
        watched, watch, refreshed = 0, StopWatch(runs[0]), time.monotonic()
        with _Ending(child.pid) as ending:
            while not ending.wait(POLL_SECONDS):
                now = time.monotonic()
                if (index := self._whereabouts.read()[0]) != watched:
                    watched, watch = index, StopWatch(runs[index])
                if not self._hurry and (why := watch.at_once()):
                    self._end_at_once(why)
                if now >= self._deadline:
                    self._killed, self._deadline = True, math.inf
                    os.kill(child.pid, signal.SIGKILL)
                if now - refreshed > _REFRESH_SECONDS:
                    refreshed = now
                    for run in runs:
                        locking.refresh(run.path)

    def _end_at_once(self, why: str) -> None:
        self._hurry, self._deadline = why, time.monotonic() + GRACE_SECONDS

    def _stopped_at_once(self, queue: Sequence[RunDir], index: int, step: int) -> list[RunDir]:
        """Say in the log that the run's engine was killed; returns the runs to go on with, none
        after signals, which are meant for all."""
        run = queue[index]
        newest = [item.name for item in checkpoint.listed(run)][-1:]
        kept = f"the newest checkpoint is {newest[0]}" if newest else "there is no checkpoint"
        if not has_ended(run):
            _end(run, "stopped", f"{KILLED}{self._hurry}; {kept}", step)
        rest = list(queue[index + 1 :])
        if not self._received:
            return rest
        for waiting in rest:
            _end(waiting, "stopped", "stopped before it started", 0)
        return []

    def _forward(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        self._signals += 1
        if self._signals > 1 and not self._hurry:
            self._end_at_once(f"{name} twice" if name == self._received else f"{name} too")
        self._received = self._received or name
        if self._child:
            os.kill(self._child, number)

    def _record(self, run: RunDir, ending: Exit) -> bool:
        """Record how the process ended, unless the log says how the run did."""
        if has_ended(run):
            return False
        with suppress(OSError):
            replace_file(run.exit_path, lenient_json.encode(ending))
        return True

    def _crashed(self, run: RunDir, step: int, ending: Exit) -> bool:
        """Whether to start this run again."""
        if ending.out_of_memory:
            ending = structs.replace(ending, estimated_bytes=_estimate(run))
        if not self._record(run, ending):
            return False
        _note(run, f"the engine was {ending} after step {step}")
        twice, self._died_at = step == self._died_at, step
        allowed = _max_restarts(run)
        if twice and allowed:
            _end(run, "failed", f"step {step + 1} failed twice: {ending}", step)
        if twice or self._restarts >= allowed or self._received:
            self._restarts, self._died_at = 0, None
            return False
        self._restarts += 1
        _note(run, f"restart {self._restarts} of at most {allowed}")
        return True


def has_ended(run: RunDir) -> bool:
    """Whether the log tells how the run ended."""
    with suppress(OSError):
        return any(isinstance(event, RunEnded) for event in lifecycle(run.events_path)[-1:])
    return False


def _claim_again(runs: Sequence[RunDir]) -> list[Claim]:
    """Lock the remaining runs, without those that another process took up meanwhile."""
    claims: list[Claim] = []
    for run in runs:
        try:
            claims.append((run, run_directory.take(run)))
        except UserError as error:
            print(error, flush=True)
    return claims


def _max_restarts(run: RunDir) -> int:
    with suppress(UserError):
        return run.config().max_restarts
    return 0


def _end(run: RunDir, status: Literal["stopped", "failed"], reason: str, step: int) -> None:
    """End the run in place of its child, which took `step` steps."""
    try:
        lock = Lock(run)
        log = LogWriter(run.events_path)
    except (OSError, UserError) as error:
        _note(run, f"{reason} ({error})")
        return
    seconds = 0.0
    with suppress(OSError):
        for event in tail(run.events_path):
            if isinstance(event, Scalars):
                step, seconds = max(step, event.step[-1]), event.seconds[-1]
    level: Literal["error", "warning"] = "error" if status == "failed" else "warning"
    log.append(LogLine(level=level, message=f"{status}: {reason}"))
    log.append(RunEnded(status=status, reason=reason, step=step, seconds=seconds))
    log.close(_CLOSE_SECONDS)
    lock.release()
    _note(run, f"{status}: {reason}")


class _Ending:
    """A wait with a limit for the end of a child."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._file = -1

    def __enter__(self) -> Self:
        with suppress(OSError, AttributeError):  # an old kernel has no such file
            self._file = os.pidfd_open(self._pid)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file >= 0:
            os.close(self._file)

    def wait(self, seconds: float) -> bool:
        """Wait so long at most; whether the child has ended. It is not reaped."""
        if self._file >= 0:
            select.select([self._file], [], [], seconds)
        else:
            time.sleep(seconds)
        return os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _estimate(run: RunDir) -> int | None:
    """The memory that the run was expected to need, in bytes; None if that cannot be said."""
    try:
        return estimate.needed_bytes(run.config())
    except Exception:  # whatever a plug-in does, the queue goes on
        return None


def _note(run: RunDir, line: str) -> None:
    """Write a line into the run's `engine.log`."""
    with suppress(OSError):
        file = open_to_append(run.engine_log_path)
        try:
            os.write(file, f"{line}\n".encode(errors="replace"))
        finally:
            os.close(file)


def _memory_kills() -> int:
    """A number that grows when the kernel kills a process for lack of memory."""
    kills = 0
    for path in (Path("/proc/vmstat"), *(group / "memory.events" for group in estimate.cgroups())):
        with suppress(OSError, ValueError):
            for line in path.read_text().splitlines():
                name, value = line.split()
                if name == "oom_kill":
                    kills += int(value)
    return kills
