"""Measure the dashboard of the real program in a pseudo-terminal; prints and asserts nothing.

`python tests/benchmarks/bench_ui.py [KEYS]`: Enter to the first drawn point of the loss curve, key
to changed screen while an engine trains with a thread for each core, bytes to the terminal and CPU
share of the dashboard with a live run.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

from engine.runs import control, run_directory  # noqa: E402
from engine.runs.run_directory import RunDir  # noqa: E402
from support.recorded import wait_for  # noqa: E402
from support.terminal import ENTER, Terminal  # noqa: E402

LIVE_SECONDS = 5.0
KEYS = "vjmm"
BRAILLE = re.compile("[\u2801-\u28ff]")


def loss_curve(terminal: Terminal) -> str:
    """The dots of the loss plot: the left half of the screen, down to the next title."""
    lines = [line[:79] for line in terminal.lines[2:]]
    end = next((y for y, line in enumerate(lines) if "Gradient norm" in line), 0)
    return "".join(BRAILLE.findall("".join(lines[:end])))


def first_point() -> float:
    """Seconds from Enter on the launch screen to the first dot of the loss curve."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "runs"
        with Terminal("--runs-dir", str(root), cwd=Path(folder)) as terminal:
            terminal.wait_for("59,338 parameters")
            began = time.perf_counter()
            terminal.send(ENTER)
            terminal.wait(lambda: loss_curve(terminal))
            seconds = time.perf_counter() - began
        stop_all(root)
        return seconds


def stop_all(root: Path) -> None:
    for run in run_directory.list_runs(root):
        if run_directory.locked(run):
            control.send(run, "stop")
            wait_for(lambda run=run: not run_directory.locked(run))


@contextmanager
def load(root: Path, *arguments: str) -> Iterator[RunDir]:
    """A run that trains until the block ends."""
    command = [*_headless(), "run", *arguments, "--runs-dir", str(root)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: any(r.events_path.exists() for r in run_directory.list_runs(root)))
            (run,) = run_directory.list_runs(root)
            yield run
        finally:
            stop_all(root)
            process.wait(30)


def _headless() -> list[str]:
    return [sys.executable, "-P", "-c", "from tui.cli import main; main()"]


def shown_after(terminal: Terminal, key: str, changed: Callable[[], bool]) -> float:
    """Seconds from a key until the last byte of the screen that it leads to has arrived.

    pyte takes longer than the app, so it looks at the bytes only after they were timed.
    """
    while terminal.read(0):
        pass
    began = time.perf_counter()
    terminal.send(key)
    arrived = []
    while (left := began + 1.0 - time.perf_counter()) > 0:
        if chunk := terminal.take(left):
            arrived.append((time.perf_counter() - began, chunk))
    result = float("inf")
    for seconds, chunk in arrived:
        terminal.show(chunk)
        if result == float("inf") and changed():
            result = seconds
    return result


def key_delays(terminal: Terminal, times: int) -> list[float]:
    """Each of v, j, m and m again in turn, on a screen of two runs."""

    def facts() -> tuple[bool, str, bool]:
        chosen = next((line for line in terminal.lines if line.lstrip().startswith(">")), "")
        return (
            terminal.shows("Loss  validation"),
            chosen[:8],
            terminal.shows("Configuration"),
        )

    delays = []
    for index in range(times):
        split, chosen, whole = facts()
        key = KEYS[index % len(KEYS)]
        changed = {
            "v": lambda split=split: facts()[0] != split,
            "j": lambda chosen=chosen: facts()[1] not in ("", chosen),
            "m": lambda whole=whole: facts()[2] != whole,
        }[key]
        delays.append(shown_after(terminal, key, changed))
    return delays


def live(terminal: Terminal, seconds: float) -> tuple[float, float]:
    """Bytes a second to the terminal, and the dashboard's share of one core in percent."""
    process = psutil.Process(terminal.process.pid)
    began, received, cpu = time.perf_counter(), len(terminal.received), process.cpu_times()
    while (left := began + seconds - time.perf_counter()) > 0:
        terminal.received += terminal.take(left)
    took, after = time.perf_counter() - began, process.cpu_times()
    used = after.user + after.system - cpu.user - cpu.system
    return (len(terminal.received) - received) / took, 100 * used / took


def watch_one(name: str, *arguments: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "runs"
        with (
            load(root, *arguments) as run,
            Terminal("watch", str(run.path), cwd=Path(folder)) as terminal,
        ):
            terminal.wait(lambda: loss_curve(terminal))
            live(terminal, 1.0)
            bytes_per_second, share = live(terminal, LIVE_SECONDS)
        print(f"{name}: {bytes_per_second / 1e3:.1f} kB/s to the terminal, {share:.0f} % of a core")


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    points = [first_point() for _ in range(3)]
    each = ", ".join(f"{seconds:.2f}" for seconds in points)
    print(f"Enter to first drawn point: {statistics.median(points):.2f} s (median of {each})")

    cores = os.cpu_count() or 1
    heavy = ("--model", "cnn-small", "--dataset", "fashion-mnist", "--epochs", "50")
    heavy = (*heavy, "--threads", str(cores), "--device", "cpu")
    with tempfile.TemporaryDirectory() as folder:
        root, finished = Path(folder) / "runs", Path(folder) / "finished"
        shutil.copytree(TESTS / "tui" / "fixtures" / "adam", finished)
        with (
            load(root, *heavy) as run,
            Terminal("watch", str(run.path), str(finished), cwd=Path(folder)) as terminal,
        ):
            terminal.wait(lambda: loss_curve(terminal))
            terminal.wait_for("running")
            delays = [1e3 * delay for delay in key_delays(terminal, times)]
    print(
        f"key to changed screen, an engine on all {cores} cores: "
        f"median {statistics.median(delays):.0f} ms, largest {max(delays):.0f} ms of {times}"
    )
    for key in dict.fromkeys(KEYS):
        own = [delay for index, delay in enumerate(delays) if KEYS[index % len(KEYS)] == key]
        print(f"  {key}: {', '.join(f'{delay:.0f}' for delay in own)} ms")
    watch_one("watching mlp + digits", "--steps", "1000000", "--device", "cpu")
    watch_one("watching cnn-small + fashion-mnist", *heavy)


if __name__ == "__main__":
    main()
