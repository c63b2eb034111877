"""Measure what `bigmodel_tui.open_run` costs a loop of a person's own; asserts nothing.

`python tests/benchmarks/bench_open_run.py [ROUNDS]`: steps a second of a small MLP's loop that
clips and logs four numbers a step with it, against the same loop that only clips.
"""

import statistics
import sys
import tempfile
import time
from itertools import pairwise

import torch
from rates import machine
from torch import nn

import bigmodel_tui

STEPS, WARMUP = 2000, 200


def rate(run: bigmodel_tui.Run | None) -> float:
    """Steps a second after the warm-up."""
    torch.manual_seed(0)
    sizes = (784, 256, 128, 64, 10)
    layers = [nn.Sequential(nn.Linear(a, b), nn.ReLU()) for a, b in pairwise(sizes)]
    model = nn.Sequential(*layers)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    x, y = torch.randn(32, 784), torch.randint(10, (32,))
    began = 0.0
    for step in range(1, STEPS + 1):
        if step == WARMUP:
            began = time.perf_counter()
        optimizer.zero_grad()
        output = model(x)
        loss = nn.functional.cross_entropy(output, y)
        loss.backward()
        if run is None:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        else:
            run.clip_(model.parameters(), 1.0)
        optimizer.step()
        if run is not None:
            accuracy = (output.argmax(1) == y).float().mean()
            run.log(step, {"train/loss": loss, "train/accuracy": accuracy, "lr": 1e-3})
        else:
            (output.argmax(1) == y).float().mean()
    return (STEPS - WARMUP) / (time.perf_counter() - began)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    torch.set_num_threads(1)
    print(machine())
    ratios = []
    for _ in range(rounds):
        bare = rate(None)
        with (
            tempfile.TemporaryDirectory() as folder,
            bigmodel_tui.open_run({"model": "mlp"}, runs_dir=f"{folder}/runs") as run,
        ):
            ratios.append(rate(run) / bare)
    low, high = min(ratios), max(ratios)
    median = statistics.median(ratios)
    print(f"recorded / bare: {median:.3f} ({low:.3f} to {high:.3f}), median of {rounds} rounds")


if __name__ == "__main__":
    main()
