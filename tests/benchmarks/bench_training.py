"""Measure training: accuracy of the recipes, rows against steps; prints and asserts nothing."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine.runs import run_directory
from tui.runs import loading

PROGRAM = [sys.executable, "-P", "-c", "from tui.cli import main; main()"]


def train(root: Path, *arguments: str) -> None:
    """A headless run to its end."""
    command = [*PROGRAM, "run", *arguments, "--device", "cpu", "--runs-dir", str(root)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def newest(root: Path) -> loading.RunState:
    """The state of the run that was made last."""
    return loading.load(
        max(run_directory.list_runs(root), key=lambda run: run.path.stat().st_ctime_ns)
    )


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


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "runs"
        for seed in (0, 1, 2):
            report(root, f"quickstart, seed {seed}", "--seed", str(seed))
        fashion = ("--model", "mlp", "--dataset", "fashion-mnist", "--epochs", "10")
        report(root, "mlp on fashion-mnist, 10 epochs", *fashion)


if __name__ == "__main__":
    main()
