"""How long a million values of other programs' logs take to read, and how much memory.

`python tests/benchmarks/bench_foreign.py [VALUES]`; prints one table row a kind of log. Each is
read by a process of its own, to the state that the screen draws; the memory is that process's.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from support import foreign_logs as logs

METRICS = ("train/loss", "train/accuracy", "lr", "grad_norm")


def tensorboard(folder: Path, number: int) -> Path:
    """`number` values, one an event, as SummaryWriter writes them."""
    path = folder / "tensorboard" / "events.out.tfevents.1700000000.host.1.0"
    path.parent.mkdir()
    with path.open("wb") as file:
        for index in range(number):
            step, metric = divmod(index, len(METRICS))
            file.write(logs.scalar(METRICS[metric], step, 1 / (step + 1), 1.7e9 + step / 100))
    return path.parent


def wandb(folder: Path, number: int) -> Path:
    """`number` values, four a record, as `wandb` writes them offline."""
    path = folder / "run-bench.wandb"
    records = (
        logs.history(step, dict.fromkeys(METRICS, f"{1 / (step + 1):.9g}"))
        for step in range(number // len(METRICS))
    )
    with path.open("wb") as file:
        file.writelines(logs.wandb_file(records))
    return path


def csv_rows(folder: Path, number: int) -> Path:
    """`number` rows of four metrics."""
    path = folder / "rows.csv"
    with path.open("w") as file:
        file.write(",".join(("step", "time", *METRICS)) + "\n")
        for step in range(number):
            y = 1 / (step + 1)
            file.write(f"{step},{step / 100:.2f},{y:.6g},{1 - y:.6g},0.001,{2 * y:.6g}\n")
    return path


def json_lines(folder: Path, number: int) -> Path:
    """`number` objects of four metrics."""
    path = folder / "rows.jsonl"
    with path.open("w") as file:
        for step in range(number):
            file.write(json.dumps({"step": step, **dict.fromkeys(METRICS, 1 / (step + 1))}) + "\n")
    return path


def read(path: Path) -> None:
    """Load it as the screen does, and print seconds, megabytes and points."""
    from tui.runs import loading
    from tui.runs.foreign.sniff import open_source

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, worked = time.perf_counter(), time.process_time()
    state = loading.load(open_source(path)[0])
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    points = sum(map(len, state.metrics.values()))
    print(json.dumps([seconds, worked, peak / 1024, (peak - before) / 1024, points]))


def main(number: int) -> None:
    heads = ("seconds", "CPU s", "peak MB", "grown MB")
    print(f"{'log':<28}{'file MB':>9}{'points':>12}" + "".join(f"{head:>9}" for head in heads))
    kinds = {
        "TensorBoard, 1 a record": tensorboard,
        "W&B, 4 a record": wandb,
        "CSV, 4 a row": csv_rows,
        "JSON lines, 4 an object": json_lines,
    }
    for name, make in kinds.items():
        with tempfile.TemporaryDirectory() as folder:
            path = make(Path(folder), number)
            files = [path] if path.is_file() else list(path.iterdir())
            size = sum(file.stat().st_size for file in files) / 1e6
            command = [sys.executable, __file__, "--read", str(path)]
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            seconds, worked, peak, grown, points = json.loads(out)
            print(
                f"{name:<28}{size:9.0f}{points:12,}{seconds:9.1f}{worked:9.1f}{peak:9.0f}{grown:9.0f}"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        read(Path(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
