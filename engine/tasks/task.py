"""What a task offers to the loop, and how a model is run over a whole split."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from engine.config.task_rules import Unit
from engine.runs.events import AnyEvent

Split = Literal["val", "test"]

_SAMPLES = 1024  # at a time, and
_NUMBERS = 2**22  # of inputs at a time: both bound the memory, whatever the size of the set


class Task(Protocol):
    """One kind of learning; `registry.Split` says what x and y are."""

    unit: Unit
    """What throughput counts."""
    best: tuple[str, Literal["max", "min"]]
    """The validation mean that decides which checkpoint is the best."""

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """What training makes small: a mean over the batch, with label smoothing; 0-dim."""

    def metrics(self, output: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Of a training batch besides the loss: 0-dim tensors, on the device."""

    def size(self, y: Tensor) -> int:
        """How many samples or tokens a batch has."""

    def evaluate(self, model: nn.Module, x: Tensor, y: Tensor) -> dict[str, float]:
        """Means over a whole split in evaluation mode, without label smoothing, `loss` first.

        The mode is restored. Memory is bounded; sums are kept in float64, and every sample
        weighs the same.
        """

    def pictures(
        self, model: nn.Module, x: Tensor, y: Tensor, *, step: int, split: Split
    ) -> list[AnyEvent]:
        """What to look at besides numbers. Depends on weights, split, step and the run's seed
        alone, and leaves torch's random streams as they are."""


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Inside, the model is in evaluation mode and nothing is kept for a backward pass."""
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(was_training)


def outputs(model: nn.Module, x: Tensor, y: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Outputs as float32 with what was expected, a chunk of samples at a time."""
    chunk = max(1, min(_SAMPLES, _NUMBERS // max(1, x[0].numel())))
    for inputs, expected in zip(torch.split(x, chunk), torch.split(y, chunk), strict=True):
        yield model(inputs).float(), expected


def sums(size: int, device: torch.device) -> Tensor:
    """Zeros to add to, float64 (size,)."""
    return torch.zeros(size, dtype=torch.float64, device=device)
