"""The parent of a training process: it sees how the child ends, and starts it again after a crash.

The parent never imports torch and holds no locks while its child lives, so that the child's death
shows at once. One child trains the whole queue; only after a crash another one is forked.
"""

import mmap
import os
import signal
import struct
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from engine.runs import identity, plain_json, run_directory
from engine.runs.access import replace_file
from engine.runs.events import LogLine, RunEnded, Scalars
from engine.runs.health import Exit
from engine.runs.identity import Identity
from engine.runs.log_reader import LogWriter, lifecycle, tail
from engine.runs.run_directory import Lock, RunDir
from presets import UserError

Claim = tuple[RunDir, int]
"""A run and the open file of its lock."""
_FORWARDED = (signal.SIGTERM, signal.SIGINT)
_BROKEN = 3
"""The exit status of a child that could not go through its queue."""


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
            again = self._crashed(queue[index], step, ending)
            self._claims = _claim_again(queue[index if again else index + 1 :])
            died = str(ending) if again else ""
            status |= not again
        return status

    def _fork(self) -> Identity | None:
        """Fork a child; returns its identity, None in the child, where signals stay blocked until
        it has handlers of its own."""
        self._whereabouts.at_run(0)
        for _, file in self._claims:
            run_directory.sign(file, identity.own())
        signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)
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
        # Reaped in two steps: a signal is never passed on to whoever gets the number next.
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        self._child = 0
        code = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
        return Exit(
            pid=child.pid,
            began=child.began,
            time=time.time(),
            code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            out_of_memory=code == -signal.SIGKILL and _memory_kills() > memory_kills,
        )

    def _forward(self, number: int, frame: FrameType | None) -> None:
        self._received = self._received or signal.Signals(number).name
        if self._child:
            os.kill(self._child, number)

    def _record(self, run: RunDir, ending: Exit) -> bool:
        """Record how the process ended, unless the log says how the run did."""
        if has_ended(run):
            return False
        with suppress(OSError):
            replace_file(run.exit_path, plain_json.encode(ending))
        return True

    def _crashed(self, run: RunDir, step: int, ending: Exit) -> bool:
        """Whether to start this run again."""
        if not self._record(run, ending):
            return False
        _note(run, f"the engine was {ending} after step {step}")
        twice, self._died_at = step == self._died_at, step
        allowed = _max_restarts(run)
        if twice and allowed:
            _give_up(run, f"step {step + 1} failed twice: {ending}")
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


def _give_up(run: RunDir, reason: str) -> None:
    """End the run in place of its child."""
    try:
        lock = Lock(run)
        log = LogWriter(run.events_path)
    except (OSError, UserError) as error:
        _note(run, f"{reason} ({error})")
        return
    blocks = [event for event in tail(run.events_path) if isinstance(event, Scalars)]
    step, seconds = (blocks[-1].step[-1], blocks[-1].seconds[-1]) if blocks else (0, 0.0)
    log.append(LogLine(level="error", message=f"failed: {reason}"))
    log.append(RunEnded(status="failed", reason=reason, step=step, seconds=seconds))
    log.close()
    lock.release()
    _note(run, f"failed: {reason}")


def _note(run: RunDir, line: str) -> None:
    """Write a line into the run's `engine.log`."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    with suppress(OSError):
        file = os.open(run.engine_log_path, flags, 0o600)
        try:
            os.write(file, f"{line}\n".encode(errors="replace"))
        finally:
            os.close(file)


def _memory_kills() -> int:
    """How many processes the kernel has killed for lack of memory since it was started."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            name, value = line.split()
            if name == "oom_kill":
                return int(value)
    return 0
