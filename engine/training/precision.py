"""Numeric precision of the training step: autocast, and the scaling of losses in float16."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from presets import UserError
from presets.schema import Precision

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def set_precision(precision: Precision, device: torch.device) -> None:
    """Set the precision of float32 products. Raises UserError if the device does not have it."""
    if precision == "tf32" and device.type != "cuda":
        raise UserError("precision: tf32 needs a CUDA device; allowed here: fp32, bf16, fp16")
    if precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        name = torch.cuda.get_device_name(device)
        raise UserError(f"precision: {name} has no bf16; allowed there: fp32, fp16")
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[Any]:
    """The context of forward pass and loss; it may be entered several times."""
    dtype = _DTYPES.get(precision)
    if dtype is None:
        return nullcontext()
    return torch.autocast(device.type, dtype=dtype)


class LossScaler:
    """A scale of the loss that keeps small float16 gradients from vanishing (Micikevicius et al.
    2018, arXiv:1710.03740). The scale doubles after `interval` finite steps, and halves at a step
    whose gradients overflow, which is left out.

    Rules and numbers are those of torch.amp.GradScaler, which cannot be used: it needs the flag
    with which the guard keeps an optimizer on a GPU from stepping without a wait of the host.
    """

    def __init__(
        self, parameters: list[nn.Parameter], device: torch.device, *, interval: int = 2000
    ) -> None:
        self._parameters = parameters
        self._interval = interval
        self.scale = torch.full((), 65536.0, device=device)
        self.skipped = torch.zeros((), device=device)
        """The number of steps that were left out so far, float32 0-dim."""
        self._finite_steps = torch.zeros((), device=device)

    def scaled(self, loss: Tensor) -> Tensor:
        """The scaled loss, 0-dim, for the backward pass."""
        return loss * self.scale

    def unscale(self) -> None:
        """Divide all gradients by the scale, in place."""
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        torch._foreach_mul_(gradients, self.scale.reciprocal())

    def update(self, grad_norm: Tensor) -> dict[str, Tensor]:
        """Choose the scale of the next step; `grad_norm` is the global norm of this one, 0-dim.

        Returns float32 0-dim tensors: `scaler/scale`, that of this step, `scaler/overflow`, 1 if
        its gradients overflowed, else 0, and `scaler/skipped`, the number of steps that did so far.
        """
        scale = self.scale.clone()
        overflowed = torch.isfinite(grad_norm).logical_not().to(self.scale.dtype)
        self.skipped += overflowed
        self._finite_steps += 1
        grown = (self._finite_steps >= self._interval).to(self.scale.dtype) * (1 - overflowed)
        self.scale *= 1 + grown - 0.5 * overflowed
        self._finite_steps *= (1 - overflowed) * (1 - grown)
        return {
            "scaler/scale": scale,
            "scaler/overflow": overflowed,
            "scaler/skipped": self.skipped.clone(),
        }

    def state_dict(self) -> dict[str, Tensor]:
        """Scale, steps left out and finite steps since the last change, as 0-dim tensors."""
        return {
            "scale": self.scale,
            "skipped": self.skipped,
            "finite_steps": self._finite_steps,
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load such a state. Raises KeyError, TypeError or RuntimeError if it does not fit."""
        self.scale.copy_(state["scale"])
        self.skipped.copy_(state["skipped"])
        self._finite_steps.copy_(state["finite_steps"])
