"""Measure the engine on a CUDA device against loops written by hand, and its memory against the
estimate.

`python tests/benchmarks/bench_gpu.py [MODEL] [ROUNDS]`, by default `gpt2-124m` and 5; without a
CUDA device it says so and does nothing. Prints and asserts nothing.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from rates import Work, machine, of_ends

from engine.__main__ import _train_logged
from engine.config import configure, estimate, peaks, registry
from engine.runs import run_directory
from engine.runs.events import Evaluation, RunEnded, Scalars
from engine.runs.journal import Journal
from engine.runs.log_reader import LogWriter, read_all
from engine.training.steering.commands import Signals
from presets.schema import RunConfig

CONTEXT, BATCH, STEPS, WARMUP = 512, 16, 120, 20
WAYS = ("engine", "bare loop", "bare loop, fused optimizer")


def configuration(model: str, device: str, precision: str) -> RunConfig:
    """The same for all ways; text that is long enough for each model's context."""
    work = Work(model, model, "bible-en", "adamw", STEPS, WARMUP)
    small = device == "cpu"  # to see whether it works
    tiny = {"model.layers": 1, "model.heads": 1, "model.width": 16} if small else {}
    return work.config(
        device=device,
        precision=precision,
        steps=STEPS,
        batch_size=2 if small else BATCH,
        evaluate_every=10**6,
        predictions=0,
        **{"dataset.context_length": 32 if small else CONTEXT, **tiny},
    )


def run_engine(config: RunConfig) -> float:
    """Steps a second of the real loop by its log, evaluations left out."""
    with tempfile.TemporaryDirectory() as folder:
        run = run_directory.create(Path(folder) / "runs", config)
        log = LogWriter(run.events_path)
        _train_logged(run, Journal(log), Signals())
        log.close()
        events = read_all(run.events_path)
    if not isinstance(events[-1], RunEnded) or events[-1].status != "done":
        raise RuntimeError(str(events[-1]))
    ends = [end for event in events if isinstance(event, Scalars) for end in event.seconds]
    evaluated = [event.step for event in events if isinstance(event, Evaluation)]
    return of_ends(ends, evaluated, WARMUP, 0.0).steps


def run_bare(config: RunConfig, *, fused: bool) -> float:
    """Steps a second of a loop that records nothing, with the engine's model."""
    torch.manual_seed(0)
    device, half = torch.device(config.device), config.precision == "bf16"
    data = registry.build("dataset", config.dataset).train
    x, y = torch.from_numpy(data.x).to(device), torch.from_numpy(data.y).to(device)
    model = registry.build("model", config.model, configure.dataset_info(config)).to(device)
    chosen = {"fused": True} if fused else {}
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, **chosen)
    order = torch.randperm(len(x)).to(device)
    began = 0.0
    for step, index in enumerate(order.split(int(config.batch_size))[:STEPS]):
        if step == WARMUP:
            wait(device)
            began = time.perf_counter()
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
            logits = model(x[index])
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), y[index].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    wait(device)
    return (STEPS - WARMUP) / (time.perf_counter() - began)


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def work(model: str, device: str, precision: str, way: str) -> dict[str, float | None]:
    """One way in this process: its rate, and the most memory that torch handed out."""
    torch.set_num_threads(1)
    config = configuration(model, device, precision)
    rate = run_engine(config) if way == WAYS[0] else run_bare(config, fused=way == WAYS[2])
    peak = torch.cuda.max_memory_allocated() if device == "cuda" else None
    return {"rate": rate, "peak": peak}


def in_process(*arguments: str) -> dict[str, float]:
    """The same in a process of its own, so that no way inherits another's memory."""
    command = [sys.executable, __file__, "--work", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if done.returncode != 0:
        raise RuntimeError(f"{arguments}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def report(model: str, precision: str, rounds: int) -> None:
    """Ratios, peak memory and utilisation of one precision, in one run."""
    found = [
        {way: in_process(model, "cuda", precision, way) for way in WAYS} for _ in range(rounds)
    ]
    config = configuration(model, "cuda", precision)
    print(f"{model}, {precision}, batch {BATCH} x {CONTEXT}, {STEPS - WARMUP} steps:")
    for way in WAYS:
        rates = [each[way]["rate"] for each in found]
        ratio = statistics.median(each[WAYS[0]]["rate"] / each[way]["rate"] for each in found)
        peak = statistics.median(each[way]["peak"] for each in found) / 2**20
        print(
            f"  {way:<28}{statistics.median(rates):9.2f} steps/s   engine / this: {ratio:.3f}   "
            f"peak {peak:,.0f} MiB"
        )
    expected = estimate.memory(config)
    peak = statistics.median(each[WAYS[0]]["peak"] for each in found)
    print(
        f"  memory: estimated {expected.total / 2**20:,.0f} MiB, peak / estimate "
        f"{peak / expected.total:.3f} ({expected})"
    )
    device_peak = peaks.flops(torch.cuda.get_device_name(), precision)
    if device_peak:
        rate = statistics.median(each[WAYS[0]]["rate"] for each in found)
        share = peaks.mfu(estimate.flops_per_sample(config), BATCH * rate, device_peak)
        print(f"  model FLOP utilisation {100 * share:.1f} % of {device_peak / 1e12:g} TFLOP/s")


def main() -> None:
    if sys.argv[1:2] == ["--work"]:
        print(json.dumps(work(*sys.argv[2:])))
        return
    if not torch.cuda.is_available():
        print("bench_gpu: skipped, torch sees no CUDA device")
        return
    model = sys.argv[1] if len(sys.argv) > 1 else "gpt2-124m"
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    print(f"{torch.cuda.get_device_name()}, {machine()}")
    for precision in ("fp32", "bf16"):
        report(model, precision, rounds)


if __name__ == "__main__":
    main()
