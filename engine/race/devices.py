"""Where the runs of a race are trained, and how many at a time."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from engine.race.spec import RaceSpec
from presets import UserError
from presets.schema import RunConfig

_ASK_SECONDS = 5.0


def places(spec: RaceSpec) -> list[str | None]:
    """A device for each worker; None leaves a run's own setting as it is.

    With `device: auto`, every GPU gets a worker of its own. On the CPU there is one worker unless
    the race says otherwise: side by side, runs slow each other down.
    """
    if spec.lanes[0].run_config().device == "auto" and (gpus := count_gpus()):
        return [f"cuda:{index}" for index in range(gpus)]
    return [None] * spec.workers


def count_gpus() -> int:
    """The number of CUDA devices that an engine would see, without asking torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() not in ("", "-1")])
    with suppress(OSError, subprocess.SubprocessError):
        listed = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=_ASK_SECONDS, check=True
        )
        return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())
    return 0


def refuse_absent(config: RunConfig) -> None:
    """Raises UserError if a run needs a CUDA device and there is certainly none, without asking
    torch."""
    if config.device.startswith("cuda"):
        asked, allowed = f"device: {config.device} is not available here", "auto, cpu"
    elif config.precision == "tf32":
        asked, allowed = "precision: tf32 needs a CUDA device", "fp32, bf16, fp16"
    else:
        return
    if not _maybe_gpus():
        raise UserError(f"{asked} (there is no GPU); allowed: {allowed}")


def _maybe_gpus() -> bool:
    """Whether there may be a CUDA device; torch calls AMD's so, too."""
    if sys.platform != "linux":
        return True
    nodes = ("nvidia[0-9]*", "nvidiactl", "nvhost*", "dxg", "kfd")
    return any(any(Path("/dev").glob(node)) for node in nodes) or count_gpus() > 0


def times_compare(spec: RaceSpec) -> bool:
    """Whether training times of lanes may be compared: one run at a time on each device, and all
    devices alike."""
    return len(places(spec)) == 1
