"""Measure races of the real program; prints and asserts nothing.

`python tests/benchmarks/bench_race.py`: the default race (8 optimizers, 3 seeds, 400 steps each),
until its first curve is drawn and until its end; a key on a race of 64 lanes with 5,000 steps.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

from engine.config import configure  # noqa: E402
from engine.race import directory, plan, spec  # noqa: E402
from engine.runs import run_directory  # noqa: E402
from engine.runs.events import Evaluation, RunEnded, Scalars  # noqa: E402
from engine.runs.log_reader import LogWriter  # noqa: E402
from presets.schema import plain  # noqa: E402
from support.racing import origin  # noqa: E402
from support.terminal import Terminal  # noqa: E402

LANES, STEPS, BLOCK = 64, 5000, 250
KEYS = "jkxohhbj" * 5


def default_race() -> None:
    """From the set-up screen, as a person starts it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "runs"
        with Terminal("--runs-dir", str(root), cwd=Path(folder)) as terminal:
            terminal.wait_for("parameters")
            terminal.send("C")
            terminal.wait_for("24 runs of 400 steps")
            began = time.perf_counter()
            terminal.send("\r")
            terminal.wait(lambda: any("⠀" < c <= "⣿" for line in terminal.lines[2:] for c in line))
            first = time.perf_counter() - began
            terminal.wait_for("24 of 24 runs", 600)
            whole = time.perf_counter() - began
        (race,) = directory.list_races(root)
        lines = (race.path / "engine.log").read_text().splitlines()
        engines = sum(line.startswith("engine ") for line in lines)
    print(
        f"default race: first curve after {first:.1f} s (asked: 6), whole {whole:.1f} s (asked: 90)"
    )
    print(f"engines, each of which imports torch once: {engines} for 24 runs")


def large_race(root: Path) -> directory.RaceDir:
    """64 lanes of one optimizer at as many rates, written as engines would."""
    configs = {
        f"adam lr={0.001 * 1.1**lane:.3g}": configure.resolve(
            settings={"optimizer.lr": 0.001 * 1.1**lane}
        )
        for lane in range(LANES)
    }
    made = spec.build(configs, seeds=1, budget=STEPS, target="val/accuracy >= 0.9")
    race = directory.create(root, made)
    for planned in plan.finals(made):
        run = race.run(planned.name)
        run_directory.make(run, plain(planned.config(made)))
        log = LogWriter(run.events_path)
        log.append(origin(planned))
        for first in range(1, STEPS + 1, BLOCK):
            steps = list(range(first, first + BLOCK))
            values = {
                "train/loss": [1 / step for step in steps],
                "grad_norm": [5 / step for step in steps],
                "clipped": [float(step % 3 == 0) for step in steps],
            }
            log.append(Scalars(step=steps, seconds=[s / 1000 for s in steps], values=values))
            log.append(
                Evaluation(
                    split="val",
                    step=steps[-1],
                    epoch=1.0,
                    seconds=steps[-1] / 1000,
                    training_seconds=steps[-1] / 1000,
                    values={"accuracy": 1 - 1 / (1 + first / (100 + planned.lane)), "loss": 0.1},
                )
            )
        log.append(RunEnded(status="done", reason="", step=STEPS, seconds=5.0))
        log.close()
    return race


def keys_of_large_race() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "runs"
        race = large_race(root)
        with Terminal("watch", str(race.path), cwd=Path(folder)) as terminal:
            terminal.wait_for("64 of 64 runs", 60)
            terminal.wait_for("Standings")
            seconds = []
            for key in KEYS:
                before = terminal.text
                began = time.perf_counter()
                terminal.send(key)
                terminal.wait(lambda before=before: terminal.text != before)
                seconds.append(time.perf_counter() - began)
    ordered = sorted(1000 * s for s in seconds)
    print(
        f"64 lanes x 5,000 steps, a key: median {statistics.median(ordered):.0f} ms, largest "
        f"{ordered[-1]:.0f} ms of {len(ordered)} (asked: 50)"
    )


if __name__ == "__main__":
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    keys_of_large_race()
    default_race()
