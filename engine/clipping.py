"""Gradient clipping by norm or by value, and what is recorded of it, without synchronisation."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from presets.schema import Clip


@torch.no_grad()
def clip(
    parameters: Iterable[nn.Parameter], settings: Clip, norms: Tensor | None = None
) -> dict[str, Tensor]:
    """Clip the gradients in place; parameters without a gradient are passed over.

    `norms` are those of `gradient_norms`, if they are known already.
    Returns float32 0-dim tensors on the device of the gradients:
    `grad_norm`        the global L2 norm before clipping,
    `clipped`          1 if clipping changed anything, else 0,
    `clip/fraction`    the share of all elements that were clamped; only with mode `value`.
    """
    weights = [parameter for parameter in parameters if parameter.grad is not None]
    gradients = [parameter.grad for parameter in weights if parameter.grad is not None]
    norm = torch.linalg.vector_norm(gradient_norms(weights) if norms is None else norms)
    if settings.mode == "norm":
        return {"grad_norm": norm, "clipped": by_norm(weights, norm, settings.threshold)}
    if settings.mode == "value":
        fraction = by_value(gradients, settings.threshold)
        return {"grad_norm": norm, "clipped": (fraction > 0).float(), "clip/fraction": fraction}
    return {"grad_norm": norm, "clipped": torch.zeros_like(norm)}


@torch.no_grad()
def gradient_norms(parameters: Iterable[nn.Parameter]) -> Tensor:
    """The L2 norm of each gradient, float32 (n,); parameters without one are passed over."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    return torch.stack(torch._foreach_norm(gradients)) if gradients else torch.zeros(0)


def by_norm(weights: list[nn.Parameter], norm: Tensor, max_norm: float) -> Tensor:
    """Scale the gradients by min(1, max_norm / (norm + 1e-6)) (Pascanu et al. 2013,
    arXiv:1211.5063); returns 1 if norm > max_norm, else 0.

    A norm of inf or NaN spoils gradients, as everywhere in torch: divergence must stay visible.
    """
    torch.nn.utils.clip_grads_with_norm_(weights, max_norm, norm)
    return (norm > max_norm).float()


def by_value(gradients: list[Tensor], limit: float) -> Tensor:
    """Clamp every element to [-limit, limit]; returns the exact share that was outside.

    Infinities are clamped; NaN stays, and is not counted.
    """
    if not gradients:
        return torch.zeros(())
    # One flat copy makes the count three kernels instead of three for every tensor.
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    clamped = torch.count_nonzero(flat.abs() > limit)
    for gradient in gradients:
        gradient.clamp_(-limit, limit)
    return clamped / flat.numel()
