"""The model of a run with the weights that were judged, of the newest checkpoint that is whole."""

import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from engine import tasks
from engine.config import configure, registry
from engine.config.registry import Splits
from engine.runs import checkpoint
from engine.runs.checkpoint import Checkpoint
from engine.runs.run_directory import RunDir
from engine.tasks import Task
from engine.training.saving import snapshot
from presets import UserError


class LoadedRun:
    """A run whose model is asked. Nothing of the run is ever written, and it may go on."""

    def __init__(self, path: Path, name: str = "") -> None:
        """Load the checkpoint of this name, else the newest. Raises UserError, in one line."""
        self.run = RunDir(path)
        self.config = self.run.config()
        self.info = configure.dataset_info(self.config)
        self.dataset = registry.module("dataset", self.config.dataset.type)
        self.dataset_config: Any = registry.config("dataset", self.config.dataset)
        self._fixed = bool(name)
        self._data: Splits | None = None
        self._task: Task | None = None
        self._seen = ""
        found = checkpoint.named(self.run, name) if name else self._newest()
        if found is None:
            raise UserError(f"{self.run.id}: no checkpoint yet; the first one is asked for with c")
        model: nn.Module = registry.build("model", self.config.model, self.info)
        self.model = model.eval()
        self._load(found)

    @property
    def data(self) -> Splits:
        """The data set, read when it is first needed."""
        if self._data is None:
            self._data = registry.build("dataset", self.config.dataset)
        return self._data

    @property
    def task(self) -> Task:
        """What the model learned."""
        if self._task is None:
            self._task = tasks.of(self.config, self.info, self.data.codec)
        return self._task

    def refresh(self) -> None:
        """Take the newest checkpoint, if there is a newer one that is whole. Otherwise what was
        loaded stays, also where checkpoints were deleted meanwhile."""
        if self._fixed:
            return
        names = [item.name for item in checkpoint.listed(self.run)]
        if not names or names[-1] == self._seen:
            return
        self._seen = names[-1]
        found = self._newest()
        if found is not None and found.name != self.checkpoint.name:
            try:
                self._load(found)
            except (UserError, OSError) as error:  # it was deleted at this moment
                print(error, file=sys.stderr)

    def _newest(self) -> Checkpoint | None:
        return checkpoint.newest_valid(self.run, finite_first=True)

    def _load(self, found: Checkpoint) -> None:
        weights = snapshot.load_weights(found)
        try:
            self.model.load_state_dict(weights)
        except RuntimeError as error:
            what = " ".join(str(error).split())
            raise UserError(f"{found.path}: it is of another model: {what:.200}") from None
        self.checkpoint = found
        self._seen = self._seen or found.name

    @torch.inference_mode()
    def output(self, x: torch.Tensor) -> torch.Tensor:
        """The outputs for inputs (n, ...), float32."""
        found: torch.Tensor = self.model(x)
        return found.float()
