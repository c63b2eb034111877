"""Keep a loss or gradient that is not finite from reaching the weights, without slowing the step.

On the CPU the host checks both numbers before the optimizer's step. On a GPU nothing waits for
them: a flag on the device makes the fused optimizers leave the weights alone, as they do for
gradient scaling, and the host learns of it when the recorded values arrive. Unless the policy is to
skip such steps, the flag stays up, so that nothing is updated until then; the steps in between are
void, and the run goes on from the step with the bad number.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from engine.runs.events import NonFinite, number
from engine.runs.journal import Journal
from engine.training.recording.metric_buffer import MAX_ROWS, MetricBuffer
from engine.training.state import Outcome, Training
from engine.training.steering.commands import Steering
from presets.schema import RunConfig

Policy = Literal["pause", "stop", "skip-step"]

_LEAST_SCALE = 1.0
"""With a loss scale below this, an overflow of the gradients is not due to the scale."""
_REMEMBERED = 4 * MAX_ROWS
"""Steps whose gradient norms are kept on a GPU: more than can be on their way to the host."""


@dataclass(frozen=True)
class Bad:
    """A loss or gradient norm that is not finite, and where it occurred."""

    step: int
    quantity: Literal["loss", "grad_norm"]
    value: float
    layer: str
    """The first parameter, from the input on, whose gradient is not finite; "" if there is none."""

    def __str__(self) -> str:
        return f"{self.quantity} is {number(self.value)} at step {self.step}"


class Guard:
    """The watch over loss and gradients of one run, which keeps bad ones from the weights."""

    def __init__(
        self,
        training: Training,
        config: RunConfig,
        device: torch.device,
        *,
        wait: bool | None = None,
    ) -> None:
        """`wait` says whether the host waits for both numbers before each step; by default it does
        on the CPU, and with optimizers that do not support the flag."""
        self.policy: Policy = "stop" if training.is_range_test else config.on_non_finite
        self.noticed: Bad | None = None
        """The first bad step on which `act` has not acted yet, as far as the host knows."""
        self._training = training
        self._named = list(training.model.named_parameters())
        self._buffers = list(training.model.buffers())
        self._saved = [torch.clone(buffer) for buffer in self._buffers]
        fused = bool(training.optimizer.defaults.get("fused"))
        self.waits = (device.type == "cpu" or not fused) if wait is None else wait
        self._was_bad = False
        self._flag = torch.zeros((), device=device)
        self._left_out = torch.zeros((), device=device)
        """As the flag, but also 1 for a step that the loss scaler leaves out."""
        self._norms = torch.empty(0)
        if not self.waits:
            # How torch.amp.GradScaler tells fused optimizers to leave everything as it is.
            optimizer: Any = training.optimizer
            optimizer.grad_scale, optimizer.found_inf = None, self._left_out

    def before(self) -> None:
        """Remember the buffers that a forward pass changes, such as the averages of batch norm."""
        if self._buffers:
            torch._foreach_copy_(self._saved, self._buffers)

    def allows(self, values: Mapping[str, Tensor], norms: Tensor) -> bool:
        """Whether the optimizer may step; if the host does not wait, the flag decides instead.

        `values` are the recorded values of the step, 0-dim tensors; `norms` are the norms of all
        gradients before clipping, float32 (gradients,), since clipping can spread a NaN. A loss
        scaler regularly leaves out steps whose gradients overflow, and lowers its scale.
        """
        step, loss, grad_norm = self._training.step, values["train/loss"], values["grad_norm"]
        overflowed = values.get("scaler/overflow")
        if not self.waits:
            self._raise_flag(step, loss, grad_norm, norms, overflowed)
            return True
        seen = loss.item(), grad_norm.item()
        if math.isfinite(seen[0]) and math.isfinite(seen[1]):
            self._was_bad = False
            return True
        scale = 0.0 if overflowed is None else values["scaler/scale"].item()
        if math.isfinite(seen[0]) and scale >= _LEAST_SCALE:
            return False
        if self._buffers:
            torch._foreach_copy_(self._buffers, self._saved)
        self._found(step, *seen, norms)
        return False

    def inspect(self, steps: list[int], columns: Mapping[str, Sequence[float]]) -> int:
        """Check values that have arrived on the host; returns how many of these steps count."""
        if self.waits:
            return len(steps)
        if self.noticed and self.policy != "skip-step":
            return 0  # all of them are later
        for row, step in enumerate(steps):
            values = columns["train/loss"][row], columns["grad_norm"][row]
            scale = columns["scaler/scale"][row] if "scaler/scale" in columns else 0.0
            if math.isfinite(values[0]) and (math.isfinite(values[1]) or scale >= _LEAST_SCALE):
                self._was_bad = False
                continue
            self._found(step, *values, self._norms[step % _REMEMBERED])
            if self.policy != "skip-step":
                return row + 1
        return len(steps)

    def state_dict(self) -> dict[str, Any]:
        """Whether the last step was bad: only the first of a series is told."""
        return {"was_bad": self._was_bad}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load such a state. Raises KeyError if it does not fit."""
        self._was_bad = bool(state["was_bad"])

    def settled(self, metrics: MetricBuffer) -> bool:
        """Whether the weights are valid after this step. If the host does not wait at each step,
        this waits until all values of the step are on the host."""
        if self.waits:
            return True
        metrics.drain()
        void = self.noticed is not None and self.noticed.step < self._training.step
        return self.policy == "skip-step" or not void

    def act(self, journal: Journal, steering: Steering, last_good: str) -> Outcome | None:
        """Log the bad step and do as the policy says; returns how the run ends, None if it goes on.

        Steps after the bad one do not count, since they did not update the weights. `last_good` is
        the name of the newest checkpoint with finite weights, "" if there is none.
        """
        bad, self.noticed = self.noticed, None
        self._flag.zero_()
        self._left_out.zero_()
        if bad is None:
            return None
        if self.policy != "skip-step":
            self._training.step = bad.step
        journal.emit(
            NonFinite(
                step=bad.step,
                quantity=bad.quantity,
                value=number(bad.value),
                layer=bad.layer,
                policy=self.policy,
                checkpoint=last_good,
            )
        )
        if self.policy == "stop":
            return ("stopped", str(bad))
        if self.policy == "pause":
            steering.pause(bad.step, str(bad))
        return None

    def _found(self, step: int, loss: float, grad_norm: float, norms: Tensor) -> None:
        """Note the first of a series of bad steps; the curves show the others."""
        if not self._was_bad and self.noticed is None:
            names = [name for name, parameter in self._named if parameter.grad is not None]
            finite = torch.isfinite(norms).tolist()
            layer = names[finite.index(False)] if False in finite else ""
            if math.isfinite(loss):
                self.noticed = Bad(step, "grad_norm", grad_norm, layer)
            else:
                self.noticed = Bad(step, "loss", loss, layer)
        self._was_bad = True

    def _raise_flag(
        self,
        step: int,
        loss: Tensor,
        grad_norm: Tensor,
        norms: Tensor,
        overflowed: Tensor | None,
    ) -> None:
        if not len(self._norms):
            self._norms = norms.new_zeros(_REMEMBERED, len(norms))
        self._norms[step % _REMEMBERED] = norms
        seen = loss + grad_norm if overflowed is None else loss
        bad = torch.isfinite(seen).logical_not_().to(self._flag.dtype)
        if self.policy == "skip-step":
            self._flag.copy_(bad)
        else:
            torch.maximum(self._flag, bad, out=self._flag)
        torch.maximum(
            self._flag, self._flag if overflowed is None else overflowed, out=self._left_out
        )
        for buffer, saved in zip(self._buffers, self._saved, strict=True):
            buffer.copy_(torch.where(self._flag > 0, saved, buffer))
