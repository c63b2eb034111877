"""The loops that a person writes by hand, which record nothing; prints their `Rate` as JSON.

`python tests/benchmarks/bare.py mlp|gpt default|fused|clip STEPS WARMUP`, on one thread, with the
same model, data, batch size, optimizer and evaluations as the engine.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict

import torch
from rates import GPT, MLP, Rate, Work, of_ends
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from engine.config import configure, registry


def mlp() -> nn.Module:
    """The seed MLP, as it is written by hand."""
    layers: list[nn.Module] = [nn.Flatten()]
    inputs = 784
    for units in (256, 128, 64):
        layers += [nn.Linear(inputs, units), nn.BatchNorm1d(units), nn.ReLU(), nn.Dropout(0.5)]
        inputs = units
    return nn.Sequential(*layers, nn.Linear(inputs, 10))


def gpt() -> nn.Module:
    """The same code as the engine's: what is compared are the loops around it."""
    config = GPT.config()
    model: nn.Module = registry.build("model", config.model, configure.dataset_info(config))
    return model


def batches(x: Tensor, y: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """An epoch of shuffled batches from tensors in memory."""
    for index in torch.randperm(len(x)).split(size):
        yield x[index], y[index]


def train(
    model: nn.Module,
    data: registry.Splits,
    *,
    optimizer: torch.optim.Optimizer,
    size: int,
    clip: bool,
    steps: int,
) -> Iterator[tuple[float, bool]]:
    """When each step has ended, in seconds, and whether an evaluation follows it."""
    x, y = torch.from_numpy(data.train.x), torch.from_numpy(data.train.y)
    val_x, val_y = torch.from_numpy(data.val.x), torch.from_numpy(data.val.y)
    step = 0
    while step < steps:
        model.train()
        for inputs, labels in batches(x, y, size):
            output = model(inputs)
            loss = cross_entropy(output.flatten(0, -2), labels.flatten())
            optimizer.zero_grad()
            loss.backward()
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step += 1
            last = step % -(-len(x) // size) == 0
            yield time.perf_counter(), last
            if step == steps:
                return
        model.eval()
        with torch.no_grad():
            (model(val_x).argmax(-1) == val_y).float().mean().item()


def main() -> None:
    name, way, steps, warmup = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    work: Work = {"mlp": MLP, "gpt": GPT}[name]
    make: Callable[[], nn.Module] = {"mlp": mlp, "gpt": gpt}[name]
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = work.config()
    model = make()
    adam = torch.optim.Adam if name == "mlp" else torch.optim.AdamW
    chosen = {"fused": True} if way == "fused" else {}
    optimizer = adam(model.parameters(), lr=1e-3, **chosen)
    data = registry.build("dataset", config.dataset)
    ends, computed, evaluated = [], [], []
    size = 32 if name == "mlp" else 12
    for end, last in train(
        model, data, optimizer=optimizer, size=size, clip=way == "clip", steps=steps
    ):
        ends.append(end)
        computed.append(time.process_time())
        if last:
            evaluated.append(len(ends))
    per_cpu_second = (steps - warmup) / (computed[-1] - computed[warmup - 1])
    rate: Rate = of_ends(ends, evaluated, warmup, per_cpu_second)
    print(json.dumps(asdict(rate)))


if __name__ == "__main__":
    main()
