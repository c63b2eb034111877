"""What guards and checkpoints cost a step, as ratios of interleaved runs in one process.

`python tests/benchmarks/bench_durable.py [ROUNDS]`: the mlp on digits, 400 steps, on one CPU
thread; the times leave out the start and the test evaluation.
"""

import contextlib
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import torch

from engine.config import configure
from engine.runs import run_directory
from engine.runs.journal import Journal
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import RunDir
from engine.training import loop, session
from engine.training.evaluation import Evaluator
from engine.training.preparation.assemble import assemble
from engine.training.saving import checkpoint_writer, saver, snapshot
from engine.training.saving.judged_weights import Judge
from engine.training.steering import non_finite
from engine.training.steering.commands import Signals, Steering

STEPS = 400


class NoGuard(non_finite.Guard):
    """Lets everything pass unseen."""

    def before(self) -> None:
        pass

    def allows(self, *_: object) -> bool:
        return True


class NoSaver(saver.Saver):
    """Keeps and writes nothing."""

    due = property(lambda _: False)  # type: ignore[assignment]

    def evaluated(self, *_: object) -> None:
        pass

    def save(self, *_: object) -> None:
        pass


def seconds(
    root: Path, *, guarded: bool = True, saved: bool = True, every: int | None = None
) -> float:
    """Time from the first step to the last checkpoint."""
    settings = {"steps": STEPS, "device": "cpu", "threads": 1, "checkpoint.every_steps": every}
    run = run_directory.create(root, configure.resolve(settings=settings))
    session.Guard = non_finite.Guard if guarded else NoGuard  # type: ignore[misc]
    session.Saver = saver.Saver if saved else NoSaver  # type: ignore[misc]
    log = LogWriter(run.events_path)
    journal = Journal(log)
    marks: list[float] = []
    journal.progress = lambda step: marks.append(time.perf_counter())  # type: ignore[method-assign]
    tested = Evaluator.test

    def test(evaluator: Evaluator) -> None:
        tested(evaluator)
        marks.append(time.perf_counter())

    Evaluator.test = test  # type: ignore[method-assign]
    with contextlib.redirect_stdout(io.StringIO()):
        loop.train(run.config(), journal, Steering(run, journal, Signals()))
    Evaluator.test = tested  # type: ignore[method-assign]
    log.close()
    return marks[-1] - marks[0]


def checkpoint_milliseconds(run: RunDir) -> tuple[float, float]:
    """Copying the state, and writing it to the disk; medians of 20."""
    from engine.runs import checkpoint

    found = checkpoint.newest_valid(run)
    assert found is not None
    config = run.config()
    training = assemble(config, configure.plan(config), torch.device("cpu"))
    snapshot.restore(snapshot.load(found), training, torch.device("cpu"))
    judge = Judge(training, torch.device("cpu"), samples=lambda: iter(()), autocast=nullcontext)
    taking, writing = [], []
    for _ in range(20):
        began = time.perf_counter()
        taken = snapshot.take(training, judge, torch.device("cpu"), 1.0, {})
        copied = time.perf_counter()
        checkpoint_writer.write(
            run, step=1, reason="interval", best=False, finite=True, fill=taken.write
        )
        taking.append(copied - began)
        writing.append(time.perf_counter() - copied)
        checkpoint_writer.rotate(run)
    return statistics.median(taking) * 1e3, statistics.median(writing) * 1e3


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    kinds: dict[str, Callable[[Path], float]] = {
        "neither": lambda root: seconds(root, guarded=False, saved=False),
        "guard": lambda root: seconds(root, saved=False),
        "guard and checkpoints": seconds,
        "... every 50 steps": lambda root: seconds(root, every=50),
    }
    times: dict[str, list[float]] = {name: [] for name in kinds}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number in range(rounds + 1):
            for name, measure in kinds.items():
                took = measure(root)
                if number:  # the first round warms up
                    times[name].append(took)
        taking, writing = checkpoint_milliseconds(run_directory.list_runs(root)[-1])
    plain = min(times["neither"])  # other work on the machine only ever adds
    for name, values in times.items():
        best = min(values)
        print(
            f"{name:<22} {best * 1e3 / STEPS:.3f} ms a step, ratio {best / plain:.3f} "
            f"({STEPS} steps, best of {rounds})"
        )
    print(f"one checkpoint of mlp with adam: {taking:.1f} ms to copy, {writing:.1f} ms to write")


if __name__ == "__main__":
    main()
