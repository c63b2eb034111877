"""Gradient clipping and the values recorded of it, without a wait for a GPU."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn, optim

from engine.training.updates.clip_limits import LIMITS, NormLimit
from presets.schema import Clip

Values = dict[str, Tensor | float]
"""Recorded values by name: numbers, or float32 0-dim tensors on the device of the gradients."""


class Clipper:
    """The gradient clipping of one model, by settings that may change between two steps."""

    def __init__(
        self,
        named: Sequence[tuple[str, nn.Parameter]],
        settings: Clip,
        device: torch.device,
        optimizer: optim.Optimizer | None = None,
    ) -> None:
        """`named` are the trained parameters. `optimizer` is given if its kernel scales gradients
        while it reads them (see `build_optimizer.scales_gradients`): mode `norm` then leaves the
        scaling to its next step."""
        self._named = list(named)
        self._optimizer: Any = optimizer
        self._device = device
        self._head = _head(self._named)
        self._rows: list[int] = []
        """The numbers of the parameters that have a gradient, if not all of them have one."""
        self._rows_there = torch.empty(0)
        self._weights = [weight for _, weight in self._named]
        self._zero = torch.zeros((), device=device)
        self._divisor = torch.ones(())
        """What the optimizer's kernel divides by; making a tensor at each step takes longer than
        the rest of clipping."""
        self.use(settings)

    def use(self, settings: Clip) -> None:
        """Clip by these settings from now on; the remembered norms are kept if the mode stays."""
        previous = getattr(self, "settings", None)
        self.settings = settings
        if previous is not None and previous.mode == settings.mode:
            if self._limit is not None:
                self._limit.settings = settings
            return
        kind = LIMITS.get(settings.mode)
        self._limit: NormLimit | None = kind(settings, self._device) if kind else None

    @torch.no_grad()
    def __call__(self, norms: Tensor) -> Values:
        """Clip in place. `norms` is the result of `gradient_norms`, float32 (gradients,).

        Returns numbers, or float32 0-dim tensors on the device of the gradients:
        `grad_norm`         the global L2 norm before clipping,
        `clip/norm_after`   the same after it,
        `clipped`           1 if clipping changed anything, else 0,
        `clip/layer`        which parameter, in the model's order, has the largest gradient norm,
        `clip/fraction`     with `value` the share of elements that were clamped, with `parameter`
                            and `agc` that of tensors and units that were scaled,
        `clip/threshold`    with `autoclip` and `zclip`, the limit of the norm at this step.
        """
        weights = self._weights
        norm = torch.linalg.vector_norm(norms)
        largest = norms.argmax() if len(norms) else self._zero
        if len(norms) < len(weights):
            rows = [row for row, weight in enumerate(weights) if weight.grad is not None]
            weights = [weights[row] for row in rows]
            if rows:
                largest = self._row(rows, largest)
        values: Values = {"grad_norm": norm, "clip/layer": largest.float()}
        if self._optimizer is not None:
            self._optimizer.grad_scale = None
            if self.settings.mode == "norm":
                limit = self.settings.limit
                return values | by_step(self._optimizer, norm.item(), limit, self._divisor)
        return values | self._clip(weights, norms, norm)

    def _row(self, rows: list[int], place: Tensor) -> Tensor:
        """The number of the parameter whose gradient has this place among all gradients."""
        if rows != self._rows:
            self._rows = rows
            self._rows_there = torch.tensor(rows, device=self._device)
        return self._rows_there[place]

    def _clip(self, weights: list[nn.Parameter], norms: Tensor, norm: Tensor) -> Values:
        mode, limit = self.settings.mode, self.settings.limit
        if not weights or mode == "none":
            return {"clip/norm_after": norm, "clipped": self._zero}
        gradients = gradients_of(weights)
        if mode == "value":
            return by_value(gradients, limit)
        if mode == "parameter":
            return by_parameter(gradients, norms, limit)
        if mode == "agc":
            return by_unit(weights, limit, self._head)
        if self._limit is None:
            return by_norm(gradients, norm, limit)
        threshold = self._limit.after(norm)
        return {**by_norm(gradients, norm, threshold), "clip/threshold": threshold}

    def state_dict(self) -> dict[str, Any]:
        """The norms that the mode remembers; empty for a mode without memory."""
        return {} if self._limit is None else self._limit.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load the state of another clipper with these settings. Raises KeyError, RuntimeError or
        TypeError if it does not fit."""
        if self._limit is not None:
            self._limit.load_state_dict(state)


@torch.no_grad()
def gradient_norms(parameters: Sequence[nn.Parameter]) -> Tensor:
    """The L2 norm of each gradient, float32 (n,); parameters without a gradient are left out."""
    gradients = gradients_of(parameters)
    return torch.stack(torch._foreach_norm(gradients)) if gradients else torch.zeros(0)


def gradients_of(parameters: Sequence[nn.Parameter]) -> list[Tensor]:
    """The gradients of the parameters that have one, in their order, as `values_of` gives them."""
    gradients = [found for parameter in parameters if (found := parameter.grad) is not None]
    if any(gradient.is_sparse for gradient in gradients):
        return [values_of(parameter) for parameter in parameters if parameter.grad is not None]
    return gradients


def values_of(parameter: nn.Parameter) -> Tensor:
    """The gradient of a parameter in the parameter's shape; the non-zero rows of a sparse gradient,
    (rows, ...). Writing to the result changes the gradient."""
    gradient = parameter.grad
    assert gradient is not None
    if gradient.is_sparse:
        if not gradient.is_coalesced():
            gradient = parameter.grad = gradient.coalesce()
        return gradient.values()
    return gradient


def by_norm(gradients: list[Tensor], norm: Tensor, max_norm: Tensor | float) -> Values:
    """Scale all gradients by min(1, max_norm / (norm + 1e-6)) (Pascanu et al. 2013,
    arXiv:1211.5063), as torch does.

    A norm of inf or NaN makes gradients NaN, as in torch: divergence must stay visible.
    """
    scale = (max_norm / (norm + 1e-6)).clamp_(max=1.0)
    # On the CPU reading the scale costs nothing, and often no gradient needs to change.
    if scale.device.type != "cpu" or scale.item() != 1.0:
        torch._foreach_mul_(gradients, scale)
    return {"clip/norm_after": norm * scale, "clipped": (norm > max_norm).float()}


def by_step(optimizer: Any, norm: float, max_norm: float, divisor: Tensor) -> Values:
    """Clip as `by_norm` does, in the optimizer's next step: its kernel divides by `grad_scale`,
    for which `divisor`, 0-dim, is overwritten.

    For small models the operations that this saves take about as long as reading all gradients.
    """
    scale = min(1.0, max_norm / (norm + 1e-6))
    if 0 < scale < 1:  # what is not finite never reaches the weights
        optimizer.grad_scale = divisor.fill_(1 / scale)
    return {"clip/norm_after": norm * scale, "clipped": float(norm > max_norm)}


def by_value(gradients: list[Tensor], limit: float) -> Values:
    """Clamp every element to [-limit, limit], and count the exact share that was outside.

    Infinities are clamped; NaN stays, and is not counted.
    """
    # One flat copy makes the count three kernels instead of three for every tensor.
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    fraction = torch.count_nonzero(flat.abs() > limit) / flat.numel()
    torch._foreach_clamp_min_(gradients, -limit)
    torch._foreach_clamp_max_(gradients, limit)
    return {
        "clip/norm_after": torch.linalg.vector_norm(flat.clamp_(-limit, limit)),
        "clipped": (fraction > 0).float(),
        "clip/fraction": fraction,
    }


def by_parameter(gradients: list[Tensor], norms: Tensor, max_norm: float) -> Values:
    """Scale each gradient by min(1, max_norm / (its own norm + 1e-6))."""
    scales = torch.clamp(max_norm / (norms + 1e-6), max=1.0)
    torch._foreach_mul_(gradients, list(scales.unbind()))
    fraction = (norms > max_norm).float().mean()
    return {
        "clip/norm_after": torch.linalg.vector_norm(norms * scales),
        "clipped": (fraction > 0).float(),
        "clip/fraction": fraction,
    }


def by_unit(
    weights: list[nn.Parameter], ratio: float, head: frozenset[int], eps: float = 1e-3
) -> Values:
    """Adaptive gradient clipping (Brock et al. 2021, arXiv:2102.06171, equation 3): scale the
    gradient of each unit to at most `ratio` times the norm of its weights, or `eps` if that norm is
    smaller.

    As in the authors' code (deepmind-research/nfnets, `unitwise_norm`), a unit is a row of a
    matrix, an output channel of a convolution, or a whole tensor with one dimension larger than 1,
    such as a bias. The output layer, whose parameters' `id`s are in `head`, weight and bias, is
    not clipped, as in section 4.1. Units of the other layers are clipped whatever they are, norms
    included.
    """
    norms, fired = [], []
    for weight in weights:
        gradient = values_of(weight)
        whole = sum(size > 1 for size in weight.shape) < 2
        dims = None if whole else tuple(range(1, weight.dim()))
        norm = torch.linalg.vector_norm(gradient, dim=dims, keepdim=dims is not None)
        if id(weight) not in head and gradient.shape == weight.shape:
            limit = torch.linalg.vector_norm(weight, dim=dims, keepdim=dims is not None)
            limit = ratio * limit.clamp(min=eps)
            scale = torch.clamp(limit / norm.clamp(min=1e-6), max=1.0)
            gradient.mul_(scale)
            fired.append((norm > limit).flatten())
            norm = norm * scale
        norms.append(norm.flatten())
    fraction = torch.cat(fired).float().mean() if fired else norms[0].new_zeros(())
    return {
        "clip/norm_after": torch.linalg.vector_norm(torch.cat(norms)),
        "clipped": (fraction > 0).float(),
        "clip/fraction": fraction,
    }


def _head(named: list[tuple[str, nn.Parameter]]) -> frozenset[int]:
    """The parameters of the output layer: the one that holds the model's last matrix."""
    matrices = [name for name, weight in named if weight.dim() == 2]
    if not matrices:
        return frozenset()
    layer = matrices[-1].rpartition(".")[0]
    return frozenset(id(weight) for name, weight in named if name.rpartition(".")[0] == layer)
