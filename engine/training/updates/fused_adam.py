"""Fused Adam and AdamW on the CPU that do not collect their tensors again at each step.

`torch.optim.Adam.step` gathers parameters, gradients and moments into lists before it calls its
kernel; with the many small tensors of a small model that takes about as long as the kernel. They
are the same tensors at each step, so they are gathered once, and the same kernel is called with
the same numbers.
"""

from types import MethodType
from typing import Any

import torch
from torch import Tensor, optim

_KERNELS: dict[type[optim.Optimizer], Any] = {
    kind: kernel
    for kind, name in ((optim.Adam, "_fused_adam_"), (optim.AdamW, "_fused_adamw_"))
    if (kernel := getattr(torch, name, None)) is not None
}
"""The kernels that torch.optim itself calls; they are not public, so they may be absent."""


class _Gathered:
    """The tensors of one parameter group, in the order of its parameters."""

    def __init__(self, group: dict[str, Any], state: dict[Tensor, dict[str, Tensor]]) -> None:
        self.group = group
        weights = group["params"]
        # Detached, the kernel may write to them without a change of torch's gradient mode.
        self.parameters: list[Tensor] = [weight.detach() for weight in weights]
        states = [state[weight] for weight in weights]
        self.first = [each["exp_avg"] for each in states]
        self.second = [each["exp_avg_sq"] for each in states]
        # One tensor that the parameters have views of: one addition counts for all.
        self.count = torch.stack([each["step"] for each in states])
        self.steps = list(self.count.unbind())
        for each, step in zip(states, self.steps, strict=True):
            each["step"] = step


def gather_once(optimizer: optim.Optimizer) -> None:
    """Make the steps of an optimizer cheaper, if it is a fused Adam or AdamW on the CPU. The first
    step, steps with a missing gradient and steps with a closure stay as they are."""
    kernel = _KERNELS.get(type(optimizer))
    if kernel is None or not all(_plain(group) for group in optimizer.param_groups):
        return
    slow = optimizer.step
    gathered: list[_Gathered] = []
    gathered_from: Any = None

    def step(self: optim.Optimizer, closure: Any = None) -> Any:
        nonlocal gathered_from
        gradients = [[w.grad for w in group["params"]] for group in self.param_groups]
        whole = closure is None and not any(map(_has_none, gradients))
        # The guard's flag says whether to step at all (see non_finite.py); a profiler needs names.
        watched = getattr(self, "found_inf", None) is not None or _profiled()
        if not whole or watched or gathered_from is not self.state:
            result = slow() if closure is None else slow(closure)
            if whole:  # now each parameter has its moments; loading a state makes others
                gathered[:] = [_Gathered(group, self.state) for group in self.param_groups]
                gathered_from = self.state
            return result
        for part, grads in zip(gathered, gradients, strict=True):
            group = part.group
            part.count.add_(1)
            beta1, beta2 = group["betas"]
            kernel(
                part.parameters,
                grads,
                part.first,
                part.second,
                [],
                part.steps,
                lr=group["lr"],
                beta1=beta1,
                beta2=beta2,
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
                grad_scale=getattr(self, "grad_scale", None),
            )
        return None

    optimizer.step = MethodType(step, optimizer)  # type: ignore[method-assign]


def _plain(group: dict[str, Any]) -> bool:
    """Whether one call of the kernel can update the whole group."""
    plain = group["fused"] and not (group["amsgrad"] or group["maximize"])
    return plain and all(
        weight.device.type == "cpu" and weight.dtype == torch.float32 for weight in group["params"]
    )


def _has_none(gradients: list[Any]) -> bool:
    return any(gradient is None for gradient in gradients)


def _profiled() -> bool:
    return bool(torch.autograd._profiler_enabled())  # type: ignore[attr-defined]
