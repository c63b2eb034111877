"""The forward and backward passes of a step: in parts, in reduced precision, compiled."""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from engine.tasks import Task
from engine.training.precision import autocast
from engine.training.state import Training
from engine.training.updates.double_backward import twice_differentiable
from presets import UserError
from presets.schema import RunConfig

Share: TypeAlias = float | Tensor
"""A part of a batch's terms; 0-dim on the device where only that knows how many there are."""

_NORMS = (nn.modules.batchnorm._BatchNorm,)


class Passes:
    """The forward and backward passes of one run's model, done as its configuration says."""

    def __init__(
        self,
        config: RunConfig,
        training: Training,
        task: Task,
        device: torch.device,
    ) -> None:
        """Raises UserError if the model cannot do what is asked."""
        model = training.model
        self._accumulate = config.accumulate
        self._training, self._optimizer = training, training.optimizer
        self.tally = Tally()
        """The mean loss and metrics of the batch, gathered from its parts."""
        # Batch norm has no variance for one sample.
        self._least = 2 if _has_batch_norm(model) else 1
        self._images_last = config.channels_last
        self.autocast = partial(autocast, config.precision, device)
        self._task = task
        self._scaler = training.scaler
        if config.activation_checkpointing:
            _recompute(model, config.model.name)
        self._model: nn.Module = torch.compile(model) if config.compile else model  # type: ignore[assignment]

    @property
    def remark(self) -> str:
        """Why `accumulate` does not give the gradient of the whole batch; "" if it does."""
        if self._accumulate == 1 or self._least == 1:
            return ""
        return (
            f"accumulate {self._accumulate}: batch norm sees each part of a batch by itself, so "
            "the gradient is not that of the whole batch"
        )

    def parts(self, x: Tensor, y: Tensor) -> Iterator[tuple[Tensor, Tensor, Share]]:
        """The batch in `accumulate` parts, or fewer if it is small: x, y and the part's share of
        all terms of the loss, up to 1."""
        if self._images_last:
            x = x.contiguous(memory_format=torch.channels_last)
        number = min(self._accumulate, max(1, len(y) // self._least))
        if number == 1:
            yield x, y, 1.0
            return
        whole = self._task.weight(y)
        for part_x, part_y in zip(
            torch.tensor_split(x, number), torch.tensor_split(y, number), strict=True
        ):
            yield part_x, part_y, self._task.weight(part_y) / whole

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The model's output, (samples, ...) as the task says, and the training loss, 0-dim."""
        kernels = twice_differentiable() if self._needs_graph else nullcontext()
        with kernels, self.autocast():
            output = self._task.output(self._model, x, y)
            return output, self._task.loss(output, y)

    def backward(self, loss: Tensor, share: Share) -> None:
        """Add the gradients of the loss, times `share`, to those of the parameters."""
        if self._scaler is not None:
            loss = self._scaler.scaled(loss)
        (loss if _is_whole(share) else loss * share).backward(create_graph=self._needs_graph)

    @property
    def _needs_graph(self) -> bool:
        """Whether the optimizer differentiates the gradients of this step."""
        return bool(getattr(self._optimizer, "needs_graph", False))

    def again(self, x: Tensor, y: Tensor) -> Tensor:
        """Compute the gradients of a batch anew, at the current weights; returns its loss, 0-dim.
        For optimizers that need several points in a step."""
        self._training.clear_gradients()
        losses = []
        for part_x, part_y, share in self.parts(x, y):
            _, loss = self.forward(part_x, part_y)
            self.backward(loss, share)
            losses.append(loss.detach() * share)
        return torch.stack(losses).sum()

    def half(self, x: Tensor, y: Tensor) -> int:
        """Replace the gradients by those of the first half of a batch; returns the samples of that
        half, 0 if the batch is too small or gradients are scaled, and nothing was done."""
        samples = len(y) // 2
        if samples < self._least or self._scaler is not None:
            return 0
        self.again(x[:samples], y[:samples])
        return samples


class Tally:
    """The mean loss and metrics of a batch, gathered from those of its parts."""

    def __init__(self) -> None:
        self._values: dict[str, Tensor] = {}

    def add(self, share: Share, loss: Tensor, metrics: Mapping[str, Tensor]) -> None:
        """Add the values of a part, 0-dim tensors; `share` is its share of all terms of
        the loss."""
        found = {"train/loss": loss.detach()}
        for name, value in metrics.items():
            found[f"train/{name}"] = value
        if _is_whole(share):
            self._values = found
            return
        for name, value in found.items():
            part = value * share
            self._values[name] = self._values[name] + part if name in self._values else part

    def take(self) -> dict[str, Tensor]:
        """Return the means by name, `train/loss` first, 0-dim tensors, and forget them."""
        values, self._values = self._values, {}
        return values


def _is_whole(share: Share) -> bool:
    """Whether a part is the whole batch; one that only the device knows is not."""
    return not isinstance(share, Tensor) and share == 1


def _has_batch_norm(model: nn.Module) -> bool:
    return any(isinstance(module, _NORMS) for module in model.modules())


def _recompute(model: nn.Module, name: str) -> None:
    """Make each block of the model drop its activations and recompute them in the backward pass."""
    if _has_batch_norm(model):
        raise UserError(
            f"activation_checkpointing: batch norm would see each batch twice, and {name} has it"
        )
    blocks = getattr(model, "blocks", None)
    if not isinstance(blocks, nn.ModuleList | nn.Sequential):
        raise UserError(f"activation_checkpointing: {name} has no blocks to compute again")
    for block in blocks:
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)
