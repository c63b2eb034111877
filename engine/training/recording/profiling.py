"""Profile some steps of a run with torch.profiler: a trace, and the most expensive operations."""

import gzip
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import torch
from msgspec import Struct
from torch.profiler import ProfilerActivity

from engine.runs.events import Operation, Profiled
from engine.runs.journal import Journal
from engine.runs.run_directory import RunDir
from engine.runs.safe_file_access import replacing
from presets import UserError

STEPS = 20
"""Steps that a request profiles."""
TOP = 20
"""Operations that are reported."""
FOLDER = "profiles"
"""The folder of the traces, in that of the run."""

_ON_DEVICE = frozenset({"kernel", "gpu_memcpy", "gpu_memset"})


class _Facts(Struct, frozen=True):
    """The arguments of an entry of the trace."""

    id: int = msgspec.field(name="External id", default=-1)
    """The same for an operation and the kernels that it started."""


class _Entry(Struct, frozen=True):
    """A span of the trace; entries that are metadata or arrows lack some fields."""

    name: str = ""
    cat: str = ""
    ts: float = 0.0
    """Its start, in microseconds."""
    dur: float = 0.0
    """Microseconds."""
    tid: Any = None
    args: _Facts = _Facts()


class _Trace(Struct, frozen=True):
    """A trace in Chrome's format."""

    entries: list[_Entry] = msgspec.field(name="traceEvents")


class Profiler:
    """A profiler of one run, which records some steps on request and never ends the run.

    It costs nothing in between. Profiled steps take longer, but their numbers are the same, bit for
    bit.
    """

    def __init__(self, run: RunDir, journal: Journal, device: torch.device) -> None:
        self._run = run
        self._journal = journal
        self._device = device
        self._profile: torch.profiler.profile | None = None
        self._first_step = self._last_step = 0

    @property
    def active(self) -> bool:
        """Whether steps are being profiled; a second request has to wait."""
        return self._profile is not None

    def begin(self, step: int, steps: int = STEPS) -> None:
        """Profile the `steps` steps after step `step`. Raises UserError if steps are being profiled
        already, or if torch cannot profile on this machine."""
        if self.active:
            raise UserError(f"steps {self._first_step} to {self._last_step} are being profiled")
        activities = [ProfilerActivity.CPU]
        if self._device.type == "cuda":
            activities.append(ProfilerActivity.CUDA)
        profile = torch.profiler.profile(activities=activities)
        try:
            with self._journal.busy("profiling"):  # the tracer takes seconds to load
                profile.start()
        except RuntimeError as error:
            raise UserError(f"torch cannot profile here: {_line(error)}") from None
        self._profile = profile
        self._first_step, self._last_step = step + 1, step + steps

    def step(self, step: int) -> None:
        """Call after each step while `active`; logs the result once the last one is done."""
        if step >= self._last_step:
            self._finish(step)

    def close(self, step: int) -> None:
        """Log what was profiled until now, if anything, since the run ends after `step` steps."""
        if self._profile is not None and step < self._first_step:
            self._profile.stop()
            self._profile = None
        elif self._profile is not None:
            self._finish(step)

    def _finish(self, step: int) -> None:
        profile, self._profile = self._profile, None
        if profile is None:
            return
        with self._journal.busy("profiling"):
            try:
                profile.stop()
                operations, name = self._save(profile)
            # Neither a full disk nor a fault of the tracer ends a training run.
            except (OSError, RuntimeError, msgspec.MsgspecError) as error:
                self._warn(error)
                return
        self._journal.emit(
            Profiled(first_step=self._first_step, last_step=step, operations=operations, trace=name)
        )

    def _save(self, profile: torch.profiler.profile) -> tuple[list[Operation], str]:
        """The operations, and the name of the trace within the run. Raises OSError."""
        folder = self._run.path / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        name = f"{FOLDER}/step-{self._first_step:08d}.json.gz"
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder))
        try:
            profile.export_chrome_trace(str(draft / "trace.json"))
            # The tracer tells of a disk that fails on standard error only: see for ourselves.
            trace = (draft / "trace.json").read_bytes()
            operations = top_operations(trace)
            with (
                replacing(self._run.path / name) as file,
                gzip.GzipFile("", "wb", 1, file, mtime=0) as packed,
            ):
                packed.write(trace)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return operations, name

    def _warn(self, error: Exception) -> None:
        if isinstance(error, msgspec.MsgspecError):
            line = "the trace is damaged or incomplete, as on a full disk"
        elif isinstance(error, OSError):
            line = error.strerror or str(error)
        else:
            line = _line(error)
        steps = f"steps {self._first_step} to {self._last_step}"
        trouble = f"profile of {steps} not written: {line:.200}"
        if isinstance(error, RuntimeError):  # a fault of the tracer, not of the disk
            self._journal.say(trouble, "warning")
        else:
            self._journal.not_saved("profile", trouble)


def top_operations(trace: bytes, count: int = TOP) -> list[Operation]:
    """The operations of a trace in Chrome's format that took the most time themselves.

    If the trace has kernels of a device, their time counts for the operation that started them, or
    for the kernel itself if that is unknown; else the time on the CPU counts, without that of the
    operations inside. Raises msgspec.MsgspecError if `trace` is no such trace.
    """
    entries = msgspec.json.decode(trace, type=_Trace).entries
    operations = [entry for entry in entries if entry.cat == "cpu_op"]
    kernels = [entry for entry in entries if entry.cat in _ON_DEVICE]
    taken = _device_times(operations, kernels) if kernels else _own_times(operations)
    calls = Counter(entry.name for entry in kernels) | Counter(entry.name for entry in operations)
    total = sum(taken.values()) or 1.0
    best = sorted(taken.items(), key=lambda item: item[1], reverse=True)[:count]
    return [
        Operation(name=name, calls=calls[name], seconds=1e-6 * micros, share=micros / total)
        for name, micros in best
    ]


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _own_times(operations: Iterable[_Entry]) -> dict[str, float]:
    """Microseconds by name, without those of the operations inside."""
    taken: dict[str, float] = defaultdict(float)
    open_ones: dict[Any, list[_Entry]] = defaultdict(list)
    for entry in sorted(operations, key=lambda entry: (entry.ts, -entry.dur)):
        outer = open_ones[entry.tid]
        while outer and outer[-1].ts + outer[-1].dur <= entry.ts:
            outer.pop()
        taken[entry.name] += entry.dur
        if outer:
            taken[outer[-1].name] -= entry.dur
        outer.append(entry)
    return taken


def _device_times(operations: Iterable[_Entry], kernels: Iterable[_Entry]) -> dict[str, float]:
    """Microseconds on the device by the name of the operation that started the kernel."""
    starters = {entry.args.id: entry.name for entry in operations if entry.args.id >= 0}
    taken: dict[str, float] = defaultdict(float)
    for kernel in kernels:
        taken[starters.get(kernel.args.id, kernel.name)] += kernel.dur
    return taken
