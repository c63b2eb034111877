"""The starting point of a run: a checkpoint of its own, or one of its parent."""

from pathlib import Path

import torch

from engine.runs import checkpoint
from engine.runs.checkpoint import Checkpoint
from engine.runs.events import Parent
from engine.runs.fork import find_parent
from engine.runs.run_directory import RunDir
from engine.training.saving import snapshot
from engine.training.state import Training


def resume(path: Path, training: Training, device: torch.device) -> tuple[Checkpoint, float]:
    """Go on from a checkpoint of this run; returns it, and the seconds that the run had lasted.

    Raises UserError, in one line, if it cannot be used.
    """
    found = checkpoint.read(path)
    taken = snapshot.load(found)
    snapshot.restore(taken, training, device)
    return found, taken.state.seconds


def fork(run: RunDir, parent: str, training: Training, device: torch.device) -> Parent:
    """Begin with the checkpoint `parent`, RUN_ID/CHECKPOINT, of a run beside this one.

    Raises UserError, in one line, if it cannot be used.
    """
    found = find_parent(run, parent)
    snapshot.inherit(snapshot.load(found), training, device)
    return Parent(run=found.path.parent.parent.name, checkpoint=found.name, step=found.step)
