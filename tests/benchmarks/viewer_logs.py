"""Runs in the formats of other viewers; it is run by the Python of their own environment.

`python viewer_logs.py wandb|tensorboard FOLDER NAME STEPS [LIVE_STEPS_PER_SECOND]` writes the four
metrics that `biglogs` writes; with a speed it goes on until it is killed.
"""

import math
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

Log = Callable[[int, dict[str, float]], None]


def values(step: int, steps: int) -> dict[str, float]:
    share = min(1.0, step / steps)
    return {
        "train/loss": 2.3 * math.exp(-4 * share) + 0.1 + 0.05 * random.random(),
        "train/accuracy": 1 - 0.9 * math.exp(-5 * share) + 0.01 * random.random(),
        "grad_norm": 1.5 + 0.5 * share + 0.3 * random.random(),
        "lr": 1e-3 * (1 - share),
    }


def wandb_log(folder: Path, name: str) -> Log:
    os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_DIR": str(folder)}
    import wandb

    settings = wandb.Settings(x_disable_stats=True, x_disable_meta=True, console="off")
    run = wandb.init(project="bench", name=name, id=name, dir=str(folder), settings=settings)
    return lambda step, what: run.log(what, step=step)


def tensorboard_log(folder: Path, name: str) -> Log:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder / name), flush_secs=1)

    def log(step: int, what: dict[str, float]) -> None:
        summary = [Summary.Value(tag=tag, simple_value=value) for tag, value in what.items()]
        event = Event(wall_time=time.time(), step=step, summary=Summary(value=summary))
        writer.add_event(event)

    return log


def main() -> None:
    kind, folder, name, steps = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    speed = float(sys.argv[5]) if len(sys.argv) > 5 else 0.0
    log = (wandb_log if kind == "wandb" else tensorboard_log)(folder, name)
    planned = 100_000 if speed else steps
    for step in range(1, steps + 1):
        log(step, values(step, planned))
    while speed:
        time.sleep(1 / speed)
        step += 1
        log(step, values(step, planned))


if __name__ == "__main__":
    main()
