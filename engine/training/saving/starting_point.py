"""The starting point of a run: a checkpoint of its own, or one of its parent."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from engine.runs import checkpoint
from engine.runs.checkpoint import Checkpoint
from engine.runs.events import Parent
from engine.runs.fork import find_parent
from engine.runs.run_directory import RunDir
from engine.training.saving import snapshot
from engine.training.state import Training


@dataclass(frozen=True)
class Resumed:
    """A checkpoint of this run with which it goes on."""

    checkpoint: Checkpoint
    seconds: float
    """Time that the run had lasted."""
    observers: dict[str, Any]
    """What those who watch the run remember, by name; empty in an older checkpoint."""


def resume(path: Path, training: Training, device: torch.device) -> Resumed:
    """Go on from a checkpoint of this run.

    Raises UserError, in one line, if it cannot be used.
    """
    found = checkpoint.read(path)
    taken = snapshot.load(found)
    snapshot.restore(taken, training, device)
    observers = taken.tensors.get("observers", {})
    return Resumed(found, taken.state.seconds, observers if isinstance(observers, dict) else {})


def fork(run: RunDir, parent: str, training: Training, device: torch.device) -> Parent:
    """Begin with the checkpoint `parent`, RUN_ID/CHECKPOINT, of a run beside this one.

    Raises UserError, in one line, if it cannot be used.
    """
    found = find_parent(run, parent)
    snapshot.inherit(snapshot.load(found), training, device)
    return Parent(run=found.path.parent.parent.name, checkpoint=found.name, step=found.step)
