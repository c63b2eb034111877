"""Steps a second: of the real engine by its log, and of other loops in processes of their own."""

import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from engine.config import configure
from engine.runs import run_directory, start_process
from engine.runs.events import Evaluation, Scalars, decode
from engine.runs.log_reader import read_all
from engine.runs.run_directory import RunDir
from presets.schema import RunConfig

DEADLINE_SECONDS = 900.0
FOREVER = 10**7


@dataclass(frozen=True)
class Work:
    """What is trained, and how many of its steps are measured."""

    name: str
    model: str
    dataset: str
    optimizer: str
    steps: int
    """All, with those of the warm-up."""
    warmup: int
    """Steps whose time does not count: caches fill, and the engine looks at its own cost."""

    def config(self, **settings: Any) -> RunConfig:
        """Everything but the work itself is the default, on the CPU with one thread."""
        given = {"device": "cpu", "threads": 1, "steps": FOREVER, **settings}
        return configure.resolve(
            model=self.model, dataset=self.dataset, optimizer=self.optimizer, settings=given
        )


MLP = Work("seed MLP 784-256-128-64-10, batch 32", "mlp", "fashion-mnist", "adam", 2400, 400)
GPT = Work("gpt of 10.7 million, batch 12 x 64", "gpt-10m", "bible-en", "adamw", 54, 14)


@dataclass(frozen=True)
class Rate:
    """Steps a second after the warm-up."""

    steps: float
    """Without the time of evaluations."""
    overall: float
    """With it."""
    per_cpu_second: float
    """The same for each second that the process computed: what others do on the machine matters
    less to it."""


def of_ends(
    ends: Sequence[float], evaluated: Iterable[int], warmup: int, per_cpu_second: float
) -> Rate:
    """The rate of steps by the times when they ended, in seconds.

    `evaluated` are the numbers, from 1 on, of the steps that an evaluation followed: the time from
    such a step to the next one counts only in `overall`.
    """
    after = set(evaluated)
    spans = [
        later - sooner
        for number, (sooner, later) in enumerate(pairwise(ends), 1)
        if number >= warmup and number not in after
    ]
    overall = (len(ends) - warmup) / (ends[-1] - ends[warmup - 1])
    return Rate(len(spans) / sum(spans), overall, per_cpu_second)


def engine_rate(work: Work, **settings: Any) -> Rate:
    """Of a real engine process, through its log; it is ended as soon as it took the steps."""
    with tempfile.TemporaryDirectory() as folder:
        run = run_directory.create(Path(folder) / "runs", work.config(**settings))
        process = start_process.start([run])
        try:
            per_cpu_second = _watch(run, work, process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # a session of its own
            process.wait()
        events = read_all(run.events_path)
    ends = [end for event in events if isinstance(event, Scalars) for end in event.seconds]
    evaluated = [event.step for event in events if isinstance(event, Evaluation)]
    return of_ends(ends[: work.steps], evaluated, work.warmup, per_cpu_second)


def _watch(run: RunDir, work: Work, process: "subprocess.Popen[bytes]") -> float:
    """Wait until the steps are in the log; returns how many it took for each second of computing.

    A look at the end of the file is all that this costs.
    """
    looks: list[tuple[int, float]] = []
    began = time.monotonic()
    while not looks or looks[-1][0] < work.steps:
        if process.poll() is not None or time.monotonic() - began > DEADLINE_SECONDS:
            raise RuntimeError(f"{run.path}: {run.engine_log_path.read_text()[-2000:]}")
        time.sleep(0.1)
        if (step := last_step(run.events_path)) >= work.warmup:
            (trainer,) = psutil.Process(process.pid).children()  # the parent only watches it
            times = trainer.cpu_times()
            looks.append((step, times.user + times.system))
    return (looks[-1][0] - looks[0][0]) / (looks[-1][1] - looks[0][1])


def last_step(path: Path) -> int:
    """Of a log, by its end only; 0 without any."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 1_000_000))
        lines = file.read().split(b"\n")[1:-1]
    found = (decode(line) for line in reversed(lines) if b'"kind":"scalars"' in line)
    return next((event.step[-1] for event in found if isinstance(event, Scalars)), 0)


def rate_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Rate:
    """Of a process that prints `Rate` as JSON on its last line."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        env={**os.environ, **(environment or {})},
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return Rate(**json.loads(done.stdout.splitlines()[-1]))


def interleaved(rounds: int, ways: Mapping[str, Callable[[], Rate]]) -> dict[str, list[Rate]]:
    """Each way once a round, because the speed of a shared machine drifts."""
    rates: dict[str, list[Rate]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in [*ways][number % len(ways) :] + [*ways][: number % len(ways)]:
            rates[name].append(ways[name]())
    return rates


def table(rates: Mapping[str, list[Rate]], ours: str) -> list[str]:
    """A line a way: medians, and the median of the rounds' ratios of `ours` to it."""
    lines = []
    for name, measured in rates.items():
        speed = statistics.median(rate.steps for rate in measured)
        line = f"  {name:<34}{speed:10.2f} steps/s"
        if name != ours:
            pairs = [*zip(rates[ours], measured, strict=True)]
            ratios = [a.steps / b.steps for a, b in pairs]
            whole = [a.overall / b.overall for a, b in pairs]
            line += f"   engine / this: {statistics.median(ratios):.3f}"
            line += f" ({min(ratios):.3f} to {max(ratios):.3f})"
            line += f", with evaluations {statistics.median(whole):.3f}"
            cpu = [a.per_cpu_second / b.per_cpu_second for a, b in pairs]
            line += f", by CPU time {statistics.median(cpu):.3f}"
        lines.append(line)
    return lines


def machine(*packages: str) -> str:
    """Versions, processor and load, to stand beside the figures."""
    found = []
    for package in ("torch", *packages):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} absent")
    load = os.getloadavg()[0]
    return (
        f"python {platform.python_version()}, {', '.join(found)}; {platform.machine()}, "
        f"{os.cpu_count()} cores, load {load:.2f}"
    )


def python(script: str, *arguments: str) -> list[str]:
    """The command of a script beside this one."""
    return [sys.executable, str(Path(__file__).with_name(script)), *arguments]
