"""Measure how soon the app is on the screen, next to the smallest Textual app, and its imports.

`python tests/benchmarks/bench_start.py [TIMES]` starts the app in a pseudo-terminal and takes the
time from the command to the first screen that a terminal (pyte) shows the word "Optimizer" on, by
turns with an app of one widget that shows this word, and prints the ratio of the medians. What
counts is the ratio of CPU seconds where others use the machine. All code is compiled beforehand.
"""

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pyte

COLUMNS, ROWS = 160, 48
DEADLINE_SECONDS = 30.0
FIRST_WORD = "Optimizer"
SCRIPT = Path(sys.executable).with_name("bigmodel-tui")
SMALLEST = f"""
from textual.app import App
from textual.widgets import Static

class Smallest(App):
    def compose(self):
        yield Static("{FIRST_WORD}")

Smallest().run()
"""
"""An app of one widget."""
COMMANDS = {
    "smallest Textual app": [sys.executable, "-P", "-c", SMALLEST],
    "bigmodel-tui": [str(SCRIPT), "--runs-dir", "runs"],
}
ASKED = 2.3
"""Times the smallest app's time, at most."""
REPORT = (
    "import time; began = time.perf_counter(); import {module}; "
    "took = time.perf_counter() - began; import sys; "
    "print(f'{{took * 1e3:.0f}} ms, torch loaded: {{\"torch\" in sys.modules}}')"
)


def first_paint(command: Sequence[str], bytecode: str) -> tuple[float, float]:
    """Seconds from the command to the first painted screen, and CPU seconds until then; compiled
    code is kept in the folder `bytecode`. Raises TimeoutError without a screen."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    environment |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": bytecode}
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        os.close(theirs)
        try:
            seconds = _wait_for_word(ours, screen, stream, began)
            times = psutil.Process(process.pid).cpu_times()
            return seconds, times.user + times.system
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            os.close(ours)


def _wait_for_word(
    terminal: int, screen: pyte.Screen, stream: pyte.ByteStream, began: float
) -> float:
    while (waited := time.perf_counter() - began) < DEADLINE_SECONDS:
        if not select.select([terminal], [], [], DEADLINE_SECONDS - waited)[0]:
            break
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # the program has ended
            break
        arrived = time.perf_counter() - began
        stream.feed(chunk)
        if any(FIRST_WORD in line for line in screen.display):
            return arrived
    shown = "\n".join(line.rstrip() for line in screen.display if line.strip())
    raise TimeoutError(f"no {FIRST_WORD!r} on the screen, but:\n{shown}")


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for module in ("tui", "tui.cli", "tui.app"):
        command = [sys.executable, "-P", "-c", REPORT.format(module=module)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        print(f"import {module:<8} {done.stdout.strip()}")
    with tempfile.TemporaryDirectory() as bytecode:
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
        for turn in range(times + 1):
            for name, command in COMMANDS.items():
                figures = first_paint(command, bytecode)
                if turn:  # the first one compiles
                    found[name].append(figures)
    medians = {}
    for name, figures in found.items():
        seconds, cpu = ([*column] for column in zip(*figures, strict=True))
        medians[name] = statistics.median(seconds), statistics.median(cpu)
        each = ", ".join(f"{value:.2f}" for value in seconds)
        print(f"{name:<20} first picture after {medians[name][0]:.2f} s (median of {each})")
        print(f"{'':<20} {medians[name][1]:.2f} s of CPU")
    small, ours = medians.values()
    print(f"ratio {ours[0] / small[0]:.2f}, of CPU {ours[1] / small[1]:.2f} (asked: <= {ASKED})")


if __name__ == "__main__":
    main()
