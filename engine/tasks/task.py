"""The interface of tasks to training, and how a model is run over a whole split."""

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
    """A kind of learning, such as classification; `registry.Split` says what x and y are."""

    unit: Unit
    """The unit of throughput."""
    best: tuple[str, Literal["max", "min"]]
    """The validation mean that decides which checkpoint is the best, and in which direction."""

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """The loss that training minimises: a mean over the batch, with label smoothing; 0-dim."""

    def metrics(self, output: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The metrics of a training batch besides the loss: 0-dim tensors, on the device."""

    def size(self, y: Tensor) -> int:
        """The number of samples or tokens in a batch, as `unit` says."""

    def evaluate(self, model: nn.Module, x: Tensor, y: Tensor) -> dict[str, float]:
        """Means over a whole split in evaluation mode, without label smoothing, `loss` first.

        The mode of the model is restored. Memory is bounded, whatever the size of the split; sums
        are float64, and every sample has the same weight. Waits for the device.
        """

    def pictures(
        self, model: nn.Module, x: Tensor, y: Tensor, *, step: int, split: Split
    ) -> list[AnyEvent]:
        """Events that show more than numbers, such as predictions. They depend on weights, split,
        step and the run's seed alone; torch's random streams are left as they are."""


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Inside, the model is in evaluation mode and keeps nothing for a backward pass."""
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(was_training)


def outputs(model: nn.Module, x: Tensor, y: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Outputs, float32 (chunk, ...), with their part of y, a chunk of samples at a time."""
    chunk = max(1, min(_SAMPLES, _NUMBERS // max(1, x[0].numel())))
    for inputs, expected in zip(torch.split(x, chunk), torch.split(y, chunk), strict=True):
        yield model(inputs).float(), expected


def sums(size: int, device: torch.device) -> Tensor:
    """Zeros to add to, float64 (size,)."""
    return torch.zeros(size, dtype=torch.float64, device=device)
