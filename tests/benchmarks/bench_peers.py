"""Measure the engine, with all panels on, against other frameworks on the seed MLP.

`python tests/benchmarks/bench_peers.py PEERS_PYTHON [ROUNDS]`, where PEERS_PYTHON is the Python of
an environment with the frameworks and the same torch, as `make bench-peers` sets it up. Every way
has the same model, batches in the same order, batch size and one thread; none evaluates. Prints
and asserts nothing.
"""

import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from rates import MLP, Rate, engine_rate, interleaved, machine, table

from engine.config import registry
from engine.training.data_order import seeds

PEERS = {
    "Lightning": "lightning",
    "Hugging Face Trainer": "transformers",
    "Accelerate": "accelerate",
    "Keras on torch": "keras",
}
VERSIONS = """
import importlib.metadata as m, platform
names = ("torch", "lightning", "transformers", "accelerate", "keras")
print("peers: python", platform.python_version(), *(f"{n} {m.version(n)}" for n in names))
"""


def write_data(path: Path) -> None:
    """The training set, and the engine's own order of it for as many epochs as are needed."""
    config = MLP.config()
    train = registry.build("dataset", config.dataset).train
    epochs = -(-MLP.steps // (len(train.x) // 32)) + 1
    order = np.stack([seeds.order(config.seed, epoch, len(train.x)) for epoch in range(1, epochs)])
    np.savez(path, x=train.x, y=train.y, order=order)


def peer_rate(python: str, name: str, data: Path, losses: dict[str, float]) -> Rate:
    command = [python, str(Path(__file__).with_name("peers.py")), name]
    command += [str(MLP.steps), str(MLP.warmup), str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"{name}: {done.stderr[-2000:]}")
    said = json.loads(done.stdout.splitlines()[-1])
    if said["count"] != MLP.steps:
        raise RuntimeError(f"{name}: {said['count']} steps instead of {MLP.steps}")
    losses[name] = said["loss"]
    return Rate(**said["rates"])


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    python, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    print(machine())
    print(subprocess.run([python, "-c", VERSIONS], text=True, capture_output=True).stdout.strip())
    losses: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.npz"
        write_data(data)
        ways = {
            label: partial(peer_rate, python, name, data, losses)
            for label, name in {"bare loop": "bare", **PEERS}.items()
        }
        engine = partial(engine_rate, MLP, evaluate_every=10**6)
        measured = interleaved(rounds, {"engine": engine, **ways})
    print(f"{MLP.name}, {MLP.steps - MLP.warmup} steps, medians of {rounds} interleaved rounds:")
    print("\n".join(table(measured, "engine")))
    shown = ", ".join(f"{name} {loss:.3f}" for name, loss in losses.items())
    print(f"training loss of the last 100 steps: {shown}")
    print(machine())


if __name__ == "__main__":
    main()
