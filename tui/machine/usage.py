"""Measure by psutil how busy this machine and an engine on it are; without a thread."""

import os
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from engine.runs import run_directory
from tui.machine.gpus import Gpu, Gpus
from tui.runs.run import Run, own

FIRST_SECONDS = 0.2
"""Seconds between the first two readings: a share of time needs two."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """The process that trains a run."""

    pid: int
    cores: float | None
    """How many cores it keeps busy; None in the first sample."""
    memory: int
    """Bytes that are resident."""
    threads: int


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The state of the machine at one moment."""

    time: float
    """Seconds on the monotonic clock."""
    host: str
    cores: tuple[float, ...]
    """For each core, the share of the time in which it worked, 0 to 1."""
    load: tuple[float, ...]
    """Processes that run or wait: means of 1, 5 and 15 minutes; empty where not counted."""
    memory_used: int
    memory_total: int
    swap_used: int
    swap_total: int
    disk_used: int
    disk_total: int
    """Bytes of the disk that holds the runs; 0 where unknown."""
    received: float | None
    """Bytes per second over the network without the loopback; None where they are not counted."""
    sent: float | None
    gpus: tuple[Gpu, ...]
    gpu_problem: str
    """Why no GPUs are seen, and what helps."""
    engine: Engine | None
    engine_problem: str
    """Why the engine's process is not seen."""

    @property
    def busy(self) -> float:
        """Mean share of all cores."""
        return sum(self.cores) / len(self.cores) if self.cores else 0.0


class Sampler:
    """A source of samples, each about the time since the one before."""

    def __init__(self, gpus: Gpus | None = None) -> None:
        self._gpus = gpus or Gpus()
        self._before: _Counters | None = None
        self._engine_before: tuple[int, float, float] | None = None
        """The process, its seconds of work, and when they were read."""

    def sample(self, run: Run) -> Sample:
        """The state of the machine and of the engine of this run. Takes some milliseconds."""
        if self._before is None:
            self._before = _count()
            time.sleep(FIRST_SECONDS)
        before, now = self._before, _count()
        self._before = now
        pid, problem = engine_pid(run)
        engine = self._engine(pid, now.time) if pid is not None else None
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        disk_used, disk_total = _disk(run.path.parent)
        gpus, gpu_problem = self._gpus.read(pid)
        return Sample(
            time=now.time,
            host=socket.gethostname(),
            cores=shares(before.cores, now.cores),
            load=_load(),
            memory_used=memory.total - memory.available,
            memory_total=memory.total,
            swap_used=swap.used,
            swap_total=swap.total,
            disk_used=disk_used,
            disk_total=disk_total,
            received=_rate(before, now, 0),
            sent=_rate(before, now, 1),
            gpus=gpus,
            gpu_problem=gpu_problem,
            engine=engine,
            engine_problem=problem or ("" if engine else "its process has ended"),
        )

    def close(self) -> None:
        """Let go of the GPUs."""
        self._gpus.close()

    def _engine(self, pid: int, now: float) -> Engine | None:
        try:
            process = psutil.Process(pid)
            with process.oneshot():
                worked = sum(process.cpu_times()[:2])
                memory, threads = process.memory_info().rss, process.num_threads()
        except psutil.Error:  # it ended just now
            return None
        cores = None
        if self._engine_before is not None and self._engine_before[0] == pid:
            _, before, then = self._engine_before
            cores = max(0.0, worked - before) / (now - then) if now > then else None
        self._engine_before = pid, worked, now
        return Engine(pid=pid, cores=cores, memory=memory, threads=threads)


def engine_pid(run: Run) -> tuple[int | None, str]:
    """The process that trains the run if it runs on this machine, else why not."""
    if run.read_only:
        return None, "another program trains it"
    holder = run_directory.holder(own(run))
    if holder is None:
        return None, "no engine has begun with it"
    if holder.exists():
        return holder.pid, ""
    if holder.testable:
        return None, "its engine has ended"
    here = socket.gethostname()
    if holder.host == here:
        return None, "its engine ran before this machine was restarted"
    return None, f"its engine is on {holder.host}; this page is about {here}"


@dataclass(frozen=True)
class _Counters:
    """The counters that only grow, and when they were read."""

    time: float
    cores: Sequence[Mapping[str, float]]
    """For each core, seconds by kind of work."""
    network: tuple[int, int] | None
    """Bytes received and sent."""


def _count() -> _Counters:
    cores = [times._asdict() for times in psutil.cpu_times(percpu=True)]
    network = None
    with suppress(OSError, psutil.Error):
        counted = psutil.net_io_counters(pernic=True)
        others = [counts for name, counts in counted.items() if name != "lo"]
        received, sent = sum(c.bytes_recv for c in others), sum(c.bytes_sent for c in others)
        network = (received, sent) if others else None
    return _Counters(time.monotonic(), cores, network)


_IDLE = ("idle", "iowait")
_WITHIN = ("guest", "guest_nice")
"""Linux counts these in `user` and `nice` already."""


def shares(
    before: Sequence[Mapping[str, float]], now: Sequence[Mapping[str, float]]
) -> tuple[float, ...]:
    """For each core, the share of the time between two readings in which it worked."""
    found = []
    for old, new in zip(before, now, strict=False):
        spent = {key: new[key] - old.get(key, 0.0) for key in new if key not in _WITHIN}
        total = sum(spent.values())
        idle = sum(spent.get(key, 0.0) for key in _IDLE)
        found.append(max(0.0, min(1.0, 1 - idle / total)) if total > 0 else 0.0)
    return tuple(found)


def _rate(before: _Counters, now: _Counters, which: int) -> float | None:
    seconds = now.time - before.time
    if before.network is None or now.network is None or seconds <= 0:
        return None
    return max(0.0, (now.network[which] - before.network[which]) / seconds)


def _load() -> tuple[float, ...]:
    try:
        return os.getloadavg()
    except OSError:
        return ()


def _disk(folder: Path) -> tuple[int, int]:
    try:
        usage = psutil.disk_usage(str(folder))
    except OSError:
        return 0, 0
    return usage.used, usage.used + usage.free
