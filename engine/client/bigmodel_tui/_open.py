"""Opens a run: where it is, what it is called, and whether this process is the one to record."""

import os
import secrets
import sys
import time
from pathlib import Path
from typing import Any

from bigmodel_tui import _values
from bigmodel_tui._recorder_channel import Wire, complain
from bigmodel_tui._run import MAX_STEP, Run


def open_run(
    config: Any,
    *,
    runs_dir: str | os.PathLike[str] | None = None,
    name: str = "",
    steps: int | None = None,
    steps_per_epoch: int | None = None,
) -> Run:
    """Record the loop inside `with` as a run of the dashboard.

    `config` is shown as the run's settings: any mapping or argparse namespace. `runs_dir` is
    $BIGMODEL_RUNS_DIR, else ./runs, if not given. `steps` is the planned number of them. Never
    raises: where nothing can be recorded, one warning says why, and the loop goes on without.
    Of several processes that torchrun or its like started, the first one alone is recorded.
    """
    rank, world = _rank()
    if rank:
        complain(f"process {rank} of {world} is not recorded: the first one is the run")
        return Run(None, None)
    settings = _values.settings(config)
    names = [settings.get(key) for key in ("model", "dataset", "optimizer")]
    parts = [part.get("name") if isinstance(part, dict) else part for part in names]
    words = [part for part in parts if isinstance(part, str)]
    given = name or settings.get("name") or ("" if words else Path(sys.argv[0] or "run").stem)
    settings["name"] = _values.text(given, 80)
    root = Path(runs_dir or os.environ.get("BIGMODEL_RUNS_DIR") or "runs")
    stamp, end = time.strftime("%Y%m%d-%H%M%S"), secrets.token_hex(2)
    slug = _values.slug([_values.text(name, 60)] if name else words or [settings["name"]])
    try:
        path = root.absolute() / f"{stamp}-{slug}-{end}"
        wire = Wire()
    except (OSError, ValueError) as error:
        complain(f"this run is not recorded: {error}")
        return Run(None, None)
    first = {"kind": "open", "run": str(path), "config": settings, "pid": os.getpid()}
    wire.send({**first, "steps": _count(steps), "steps_per_epoch": _count(steps_per_epoch)})
    return Run(wire, path, steps_per_epoch=_count(steps_per_epoch), alone=world == 1)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and 1 <= value <= MAX_STEP else None


def _rank() -> tuple[int, int]:
    """Which of how many processes of one loop this is, as torchrun and its like tell it."""
    try:
        rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    except ValueError:
        return 0, 1
    return (rank, world) if 0 <= rank < world else (0, 1)
