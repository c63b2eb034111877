"""Measure the memory of the engine over a long run, by default 100,000 steps; asserts nothing.

`python tests/benchmarks/bench_memory.py [STEPS]`: the resident memory of the training process,
looked at twice a second, with all panels on. Flat means: over the last 90 % of the steps it stays
within 2 %.
"""

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import psutil
from rates import DEADLINE_SECONDS, Work, last_step, machine

from engine.runs import run_directory, start_process

SMALL = Work("mlp on spirals, batch 16", "mlp", "spirals", "adam", 100_000, 0)


def watch(steps: int) -> list[tuple[int, int]]:
    """(step, resident bytes) of the training process until it has taken the steps."""
    settings = {"batch_size": 16, "evaluate_every": max(1, steps // 200)}
    with tempfile.TemporaryDirectory() as folder:
        run = run_directory.create(Path(folder) / "runs", SMALL.config(**settings))
        process = start_process.start([run])
        try:
            return list(_looks(process.pid, run.events_path, steps))
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # a session of its own
            process.wait()


def _looks(pid: int, events: Path, steps: int):
    began, step = time.monotonic(), 0
    while step < steps and time.monotonic() - began < DEADLINE_SECONDS:
        time.sleep(0.5)
        step = last_step(events)
        trainer = psutil.Process(pid).children()  # the parent only watches it
        if step and trainer:
            yield step, trainer[0].memory_info().rss


def main() -> None:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else SMALL.steps
    print(machine("psutil"))
    looks = watch(steps)
    late = [resident for step, resident in looks if step > steps / 10]
    if not late:
        sys.exit("no look at the last 90 % of the steps")
    mib = 2**20
    spread = (max(late) - min(late)) / min(late)
    print(
        f"{SMALL.name}, {looks[-1][0]} steps, {len(looks)} looks: {looks[0][1] / mib:.1f} MiB at "
        f"step {looks[0][0]}; over the last 90 % {min(late) / mib:.1f} to {max(late) / mib:.1f} "
        f"MiB, within {100 * spread:.2f} %"
    )


if __name__ == "__main__":
    main()
