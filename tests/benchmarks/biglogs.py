"""Event logs of many steps, written at once as an engine would have written them; and for peers."""

import math
import time
from pathlib import Path
from zlib import crc32

import msgspec
import numpy as np

from engine.config import configure
from engine.runs import run_directory
from engine.runs.events import RunEnded, RunStarted, encode
from engine.runs.run_directory import RunDir
from presets.schema import plain

METRICS = ("train/loss", "train/accuracy", "grad_norm", "lr")
ROWS = 64
"""Steps in one event: about what an engine writes ten times a second."""
STEPS_PER_SECOND = 640.0
_SHAPES = 512
"""Different blocks of values; a longer log repeats each of them some times."""


Columns = dict[str, list[float]]


def values_at(share: float, random: np.random.Generator, rows: int = ROWS) -> Columns:
    """A block of values at a share from 0 to 1 of a training; one value in 100,000 stands out."""
    noise = random.standard_normal((3, rows))
    loss = 2.3 * math.exp(-4 * share) + 0.1 + 0.05 * np.abs(noise[0])
    accuracy = 1 - 0.9 * math.exp(-5 * share) + 0.01 * noise[1]
    norm = 1.5 + 0.5 * share + 0.3 * np.abs(noise[2])
    columns = (loss, accuracy, norm, np.full(rows, 1e-3 * (1 - share)))
    return {
        name: [float(f"{value:.9g}") for value in column]
        for name, column in zip(METRICS, columns, strict=True)
    }


def write_run(root: Path, name: str, steps: int, *, seed: int = 0, ended: bool = True) -> RunDir:
    """A run of `steps` steps with four metrics, and a log as long as that takes."""
    config = configure.resolve(settings={"steps": max(steps, 1), "seed": seed, "name": name})
    made = run_directory.create(root, config)
    run = RunDir(root / name)
    made.path.rename(run.path)
    run.lock_path.touch()
    random = np.random.default_rng(seed)
    blocks = [
        msgspec.Raw(msgspec.json.encode(values_at(index / _SHAPES, random)))
        for index in range(_SHAPES)
    ]
    began = time.time() - steps / STEPS_PER_SECOND
    with run.events_path.open("wb", buffering=2**20) as file:
        file.write(encode(_started(plain(config), began, steps)))
        for first in range(1, steps + 1, ROWS):
            rows = range(first, min(first + ROWS, steps + 1))
            values = blocks[(first - 1) * _SHAPES // steps]
            if len(rows) < ROWS:
                decoded = msgspec.json.decode(values)
                values = {key: column[: len(rows)] for key, column in decoded.items()}
            file.write(_line(began, rows, values))
        if ended:
            seconds = steps / STEPS_PER_SECOND
            file.write(encode(RunEnded(status="done", reason="", step=steps, seconds=seconds)))
    return run


def _started(config: dict[str, object], began: float, steps: int) -> RunStarted:
    return RunStarted(
        time=began,
        config=config,
        device="cpu",
        num_parameters=59338,
        planned_steps=steps,
        steps_per_epoch=max(1, steps // 10),
        samples={"train": 1000, "val": 100, "test": 100},
    )


def _line(began: float, rows: range, values: object) -> bytes:
    seconds = [round(step / STEPS_PER_SECOND, 4) for step in rows]
    event = {"kind": "scalars", "time": began + seconds[-1], "step": list(rows)}
    body = msgspec.json.encode(event | {"seconds": seconds, "values": values})
    return body[:-1] + b',"crc":"%08x"}\n' % crc32(body)


class Writer:
    """A run that goes on: each call adds an event, as an engine does ten times a second."""

    def __init__(self, root: Path, name: str, *, planned: int, done: int) -> None:
        """`planned` steps in all, of which `done` are in the log already."""
        self.run = write_run(root, name, done, ended=False)
        data = self.run.events_path.read_bytes()
        start = encode(_started(self.run.settings(), time.time(), planned))
        self.run.events_path.write_bytes(start + data.partition(b"\n")[2])
        self._lock = run_directory.Lock(self.run)
        self._file = self.run.events_path.open("ab", buffering=0)
        self._random = np.random.default_rng(1)
        self._planned, self._step = planned, done

    def append(self, rows: int) -> int:
        """Write an event of so many steps; the last of them."""
        steps = range(self._step + 1, self._step + 1 + rows)
        values = values_at(self._step / self._planned, self._random, rows)
        self._file.write(_line(time.time(), steps, values))
        self._step = steps[-1]
        return self._step

    def close(self) -> None:
        """The engine goes."""
        self._file.close()
        self._lock.release()
