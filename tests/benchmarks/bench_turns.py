"""Measure the engine against loops that a person writes by hand, in one process, by turns of some
steps: on a machine that others use too, both then see the same weather. Asserts nothing.

`python tests/benchmarks/bench_turns.py [TURNS] [mlp] [gpt]`, one thread, 60 turns. Everything is as
in `bench_speed.py`. Also says how much of the engine's time its layer probes take.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bare
import torch
from rates import GPT, MLP, Work, machine, python

from engine.__main__ import _train_logged
from engine.config import registry
from engine.runs import run_directory
from engine.runs.journal import Journal
from engine.runs.log_reader import LogWriter
from engine.training.batches import Batches
from engine.training.recording import metric_buffer, probe_instruments
from engine.training.steering.commands import Signals

WORKS: dict[str, tuple[Work, int, int]] = {"mlp": (MLP, 32, 40), "gpt": (GPT, 12, 2)}
"""With their batch sizes, and how many steps a turn has."""
WAYS = {"mlp": ["default", "fused", "clip"], "gpt": ["default", "fused"]}


class Turns:
    """Has the bare loop take its turn whenever the engine asks for the batch after one."""

    def __init__(self, by_hand: Iterator[Any], steps: int) -> None:
        self.found: list[tuple[float, float, float, float]] = []
        """Seconds of a turn, and those that its thread computed: the engine's, the other's."""
        self.probes: list[float] = []
        """Seconds that each layer probe took."""
        self._by_hand, self._steps = by_hand, steps
        self._away = 0.0
        self._began: tuple[float, float] | None = None
        original, turns = Batches.at, self

        def at(batches: Batches, step: int) -> Any:
            if step % steps == 1 or steps == 1:
                turns.change()
            return original(batches, step)

        Batches.at = at  # type: ignore[method-assign]
        self._hide_the_other()

    def clock(self) -> float:
        """The time that the engine knows of."""
        return time.perf_counter() - self._away

    def change(self) -> None:
        ended = time.perf_counter(), time.thread_time()
        for _ in range(self._steps):
            next(self._by_hand)
        now = time.perf_counter(), time.thread_time()
        self._away += now[0] - ended[0]
        if (began := self._began) is not None:
            ours = ended[0] - began[0], ended[1] - began[1]
            self.found.append((*ours, now[0] - ended[0], now[1] - ended[1]))
        self._began = time.perf_counter(), time.thread_time()

    def _hide_the_other(self) -> None:
        """The engine chooses its intervals by the clock: it must not count the other's time."""
        clock = SimpleNamespace(perf_counter=self.clock)
        probe_instruments.time = metric_buffer.time = clock  # type: ignore[assignment]
        probe_instruments.Interval.__init__.__defaults__ = (self.clock,)  # type: ignore[misc]
        taken, turns = probe_instruments.Stopwatch.take, self

        def take(watch: probe_instruments.Stopwatch) -> float:
            turns.probes.append(taken(watch))
            return turns.probes[-1]

        probe_instruments.Stopwatch.take = take  # type: ignore[method-assign]


def work(name: str, way: str, turns: int) -> dict[str, Any]:
    """Ratios of the engine's speed to the bare loop's, in this process."""
    what, size, steps = WORKS[name]
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = what.config(steps=steps * (turns + turns // 10 + 2) + 1, batch_size=size)
    model = bare.mlp() if name == "mlp" else bare.gpt()
    adam = torch.optim.Adam if name == "mlp" else torch.optim.AdamW
    chosen = {"fused": True} if way == "fused" else {}
    optimizer = adam(model.parameters(), lr=1e-3, **chosen)
    data = registry.build("dataset", config.dataset)
    by_hand = bare.train(
        model, data, optimizer=optimizer, size=size, clip=way == "clip", steps=10**9
    )
    measured = Turns(by_hand, steps)
    with tempfile.TemporaryDirectory() as folder:
        run = run_directory.create(Path(folder) / "runs", config)
        log = LogWriter(run.events_path)
        _train_logged(run, Journal(log), Signals())
        log.close()
    counted = measured.found[-turns:]
    ours, ours_cpu, theirs, theirs_cpu = (sum(column) for column in zip(*counted, strict=True))
    return {
        "median": statistics.median(other / engine for engine, _, other, _ in counted),
        "whole": theirs / ours,
        "cpu": theirs_cpu / ours_cpu,
        "milliseconds": [1000 * x / len(counted) / steps for x in (ours_cpu, theirs_cpu)],
        # The first two probes find out what the others cost.
        "probes": sum(measured.probes[2:]) / sum(turn[0] for turn in measured.found),
    }


def main() -> None:
    if sys.argv[1:2] == ["--work"]:
        print(json.dumps(work(sys.argv[2], sys.argv[3], int(sys.argv[4]))))
        return
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdecimal()]
    turns = numbers[0] if numbers else 60
    print(machine())
    for name in [name for name in sys.argv[1:] if name in WORKS] or WORKS:
        print(
            f"{WORKS[name][0].name}, {turns} turns of {WORKS[name][2]} steps; engine / bare loop:"
        )
        for way in WAYS[name]:
            command = python("bench_turns.py", "--work", name, way, str(turns))
            done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
            if done.returncode != 0:
                raise RuntimeError(done.stderr[-2000:])
            found = json.loads(done.stdout.splitlines()[-1])
            engine, other = found["milliseconds"]
            print(
                f"  {way:<8} median of turns {found['median']:.3f}, all {found['whole']:.3f}, "
                f"by CPU time {found['cpu']:.3f} ({engine:.2f} and {other:.2f} ms a step); layer "
                f"probes {100 * found['probes']:.2f} % (load {os.getloadavg()[0]:.1f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
