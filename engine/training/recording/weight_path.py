"""The path of a model's weights in the course of a run, for pictures of it."""

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from engine.runs.journal import Journal
from engine.runs.run_directory import RunDir
from engine.runs.safe_file_access import replacing

_FOLDER = "weights"


class WeightPath:
    """The files with the trained parameters of a run at some steps, one float32 vector each."""

    def __init__(
        self,
        run: RunDir,
        model: nn.Module,
        journal: Journal,
        *,
        judged: Callable[[], AbstractContextManager[object]],
        wanted: bool,
    ) -> None:
        """In the context `judged` the model has the weights that are evaluated."""
        self._folder = run.path / _FOLDER
        self._model = model
        self._judged = judged
        self._journal = journal
        self._wanted = wanted

    def keep(self, step: int) -> None:
        """Write the parameters that are judged after `step` steps, if they are wanted. An error of
        the disk stops this, but not the run."""
        if not self._wanted:
            return
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with replacing(self._folder / f"step-{step:08d}.npy") as file:
                with self._judged():
                    vector = flat(self._model)
                held = io.BytesIO()  # NumPy itself does not say why a file takes no more
                np.save(held, vector)
                file.write(held.getbuffer())
        except OSError as error:
            self._wanted = False
            trouble = f"{self._folder}: cannot be written ({error.strerror or error})"
            self._journal.not_saved("weights", f"{trouble}; no more weights are kept")


def flat(model: nn.Module) -> NDArray[np.float32]:
    """All trained parameters as float32 (n,), in the model's order; waits for the device."""
    with torch.no_grad():
        parts = [p.detach().reshape(-1) for p in model.parameters() if p.requires_grad]
        vector: NDArray[np.float32] = torch.cat(parts).float().cpu().numpy()
    return vector


def load_into(model: nn.Module, vector: NDArray[np.float32]) -> None:
    """Put float32 (n,), as `flat` returns it, into the model. Raises ValueError if n differs."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    if sum(p.numel() for p in parameters) != len(vector):
        raise ValueError("weights of another model")
    offset = 0
    with torch.no_grad():
        for parameter in parameters:
            part = torch.from_numpy(vector[offset : offset + parameter.numel()].copy())
            parameter.copy_(part.view_as(parameter))
            offset += parameter.numel()


def listed(run: RunDir) -> list[tuple[int, Path]]:
    """The steps with kept weights and their files, oldest first."""
    found = sorted((run.path / _FOLDER).glob("step-*.npy"))
    return [(int(path.stem.removeprefix("step-")), path) for path in found]
