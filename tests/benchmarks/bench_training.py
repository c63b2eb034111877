"""Measure training: accuracy of the recipes, rows against steps, speed against a bare loop.

`python tests/benchmarks/bench_training.py [ROUNDS]` prints and asserts nothing.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine import rundir
from tui import follow

PROGRAM = [sys.executable, "-P", "-c", "from tui.cli import main; main()"]
SPEED_STEPS = 2000
BATCH_SIZE = 32


def train(root: Path, *arguments: str) -> None:
    """A headless run to its end."""
    command = [*PROGRAM, "run", *arguments, "--device", "cpu", "--runs-dir", str(root)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def newest(root: Path) -> follow.RunState:
    """The state of the run that was made last."""
    return follow.load(max(rundir.list_runs(root), key=lambda run: run.path.stat().st_ctime_ns))


def csv_rows(root: Path, run_id: str) -> int:
    """Rows of the run's CSV, its header aside."""
    command = [*PROGRAM, "export", run_id, "--format", "csv", "--runs-dir", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return len(done.stdout.splitlines()) - 1


def report(root: Path, name: str, *arguments: str) -> None:
    """Train and print test accuracy, time, and rows against steps."""
    began = time.perf_counter()
    train(root, *arguments)
    took = time.perf_counter() - began
    state = newest(root)
    rows = csv_rows(root, state.id)
    print(
        f"{name}: test accuracy {state.last('test/accuracy'):.4f}, {took:.1f} s with the start; "
        f"{state.step} steps, {rows} CSV rows"
    )


def engine_speed(root: Path) -> float:
    """Steps a second of the engine on the quickstart, each step recorded, each epoch evaluated."""
    train(root, "--steps", str(SPEED_STEPS), "--threads", "1")
    seconds = newest(root).seconds
    return (len(seconds) - 1) / float(seconds.values[-1] - seconds.values[0])


def bare_speed(clip: bool) -> float:
    """The same of the hand-written loop, in a process of its own."""
    command = [sys.executable, "-P", __file__, "--bare", json.dumps(clip)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def bare_loop(clip: bool) -> float:
    """Steps a second of the loop that a person writes by hand, which records nothing.

    The same model, data, batch size, optimizer and evaluations as the quickstart.
    """
    import torch
    from torch import nn
    from torch.nn.functional import cross_entropy

    from engine import configure, registry

    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = configure.resolve()
    data = registry.build("dataset", config.dataset)
    x, y = torch.from_numpy(data.train.x), torch.from_numpy(data.train.y)
    val_x, val_y = torch.from_numpy(data.val.x), torch.from_numpy(data.val.y)
    layers: list[nn.Module] = [nn.Flatten()]
    inputs = x[0].numel()
    for units in (256, 128, 64):
        layers += [nn.Linear(inputs, units), nn.BatchNorm1d(units), nn.ReLU(), nn.Dropout(0.5)]
        inputs = units
    model = nn.Sequential(*layers, nn.Linear(inputs, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    step, began = 0, time.perf_counter()
    while step < SPEED_STEPS:
        model.train()
        for index in torch.randperm(len(x)).split(BATCH_SIZE):
            loss = cross_entropy(model(x[index]), y[index])
            optimizer.zero_grad()
            loss.backward()
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step += 1
            if step == 1:
                began = time.perf_counter()
            if step == SPEED_STEPS:
                break
        model.eval()
        with torch.no_grad():
            (model(val_x).argmax(1) == val_y).float().mean().item()
    return (step - 1) / (time.perf_counter() - began)


def compare(root: Path, rounds: int) -> None:
    """Interleaved rounds, because the speed of a shared machine drifts."""
    measured = [(engine_speed(root), bare_speed(False), bare_speed(True)) for _ in range(rounds)]
    engine, bare, clipping = (statistics.median(column) for column in zip(*measured, strict=True))
    to_bare = statistics.median(ours / theirs for ours, theirs, _ in measured)
    to_clipping = statistics.median(ours / theirs for ours, _, theirs in measured)
    print(
        f"steps a second, one thread, median of {rounds} rounds: engine {engine:.0f}, "
        f"bare loop {bare:.0f} (ratio {to_bare:.2f}), "
        f"bare loop that clips {clipping:.0f} (ratio {to_clipping:.2f})"
    )


def main() -> None:
    if sys.argv[1:2] == ["--bare"]:
        print(bare_loop(json.loads(sys.argv[2])))
        return
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "runs"
        for seed in (0, 1, 2):
            report(root, f"quickstart, seed {seed}", "--seed", str(seed))
        fashion = ("--model", "mlp", "--dataset", "fashion-mnist", "--epochs", "10")
        report(root, "mlp on fashion-mnist, 10 epochs", *fashion)
        compare(root, rounds)


if __name__ == "__main__":
    main()
