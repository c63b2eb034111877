"""Measure how soon the app is on the screen, and what `import tui` costs.

`python tests/benchmarks/bench_start.py [TIMES]` starts the app in a pseudo-terminal and takes the
time from the command to the first screen that a terminal (pyte) shows the word "Optimizer" on.
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
from pathlib import Path

import pyte

COLUMNS, ROWS = 160, 48
DEADLINE_SECONDS = 30.0
FIRST_WORD = "Optimizer"
SCRIPT = Path(sys.executable).with_name("bigmodel-tui")
REPORT = (
    "import time; began = time.perf_counter(); import {module}; "
    "took = time.perf_counter() - began; import sys; "
    "print(f'{{took * 1e3:.0f}} ms, torch loaded: {{\"torch\" in sys.modules}}')"
)


def first_paint() -> float:
    """Seconds from the command to the first painted screen. Raises TimeoutError without one."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(SCRIPT), "--runs-dir", f"{folder}/runs"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        os.close(theirs)
        try:
            return _wait_for_word(ours, screen, stream, began)
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
    paints = [first_paint() for _ in range(times)]
    each = ", ".join(f"{seconds:.2f}" for seconds in paints)
    print(f"command to first painted screen: {statistics.median(paints):.2f} s (median of {each})")


if __name__ == "__main__":
    main()
