"""The interface of tasks to training."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn

from engine.config.registry import Samples
from engine.config.task_rule_table import TaskRules
from engine.runs.events import AnyEvent, Reference
from engine.tasks.held_out_split import HeldOut

Split = Literal["val", "test"]


class Task:
    """A kind of learning, such as classification: how a batch becomes a loss, and how good a model
    is. `registry.Split` says what x and y are."""

    rules: TaskRules
    remarks: Sequence[str] = ()
    """What a person should know of it before the start, a line each, such as a metric that needs a
    package which is not installed."""

    def output(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        """What the model makes of a training batch. A task whose model sees part of the targets,
        as with teacher forcing, gives it that here."""
        found: Tensor = model(x)
        return found

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """The loss that training minimises: a mean over `weight(y)` terms, with label smoothing;
        0-dim."""
        raise NotImplementedError

    def metrics(self, output: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The metrics of a training batch besides the loss: 0-dim tensors, on the device, means
        over as many terms as the loss."""
        return {}

    def size(self, y: Tensor) -> int:
        """The number of samples, tokens, frames or moves in a batch, as `rules.unit` says; y may be
        on the host."""
        return len(y)

    def units(self, x: Tensor, y: Tensor) -> int:
        """The same, for a task whose unit is counted in the inputs."""
        return self.size(y)

    def weight(self, y: Tensor) -> Tensor | int:
        """The number of terms that the loss of a batch is the mean of. Where a batch is computed in
        parts, each counts by its own: a mean over tokens stays one over all tokens. A 0-dim tensor
        if it can only be read from the device."""
        return len(y)

    def evaluate(self, model: nn.Module, held: HeldOut) -> dict[str, float]:
        """Means over a whole split in evaluation mode, without label smoothing, `loss` first.

        The mode of the model is restored. Memory is bounded, whatever the size of the split; sums
        are float64, and every term has the same weight, however the split is cut into chunks. Waits
        for the device.
        """
        raise NotImplementedError

    def pictures(
        self, model: nn.Module, held: HeldOut, *, step: int, split: Split
    ) -> list[AnyEvent]:
        """Events that show more than numbers, such as predictions. They depend on weights, split,
        step and the run's seed alone; torch's random streams are left as they are."""
        return []

    def references(self, train: Samples, held: HeldOut) -> list[Reference]:
        """What trivial ways reach on the held-out samples, such as always the most frequent class.
        Asked for once, at the start of a run: takes two seconds at most."""
        return []


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


def outputs(model: nn.Module, held: HeldOut) -> Iterator[tuple[Tensor, Tensor]]:
    """Outputs, float32 (chunk, ...), with their part of y, a chunk of samples at a time."""
    for x, y in held.chunks():
        yield model(x).float(), y


def sums(size: int, device: torch.device) -> Tensor:
    """Zeros to add to, float64 (size,)."""
    return torch.zeros(size, dtype=torch.float64, device=device)
