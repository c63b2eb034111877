"""Sophia-H (Liu et al. 2023, arXiv:2305.14342): momentum over the diagonal of the Hessian, clipped.

The diagonal is estimated every `update_period` steps from a product of the Hessian with random
numbers (Hutchinson 1989). The gradients of those steps have to keep their graph, by
`loss.backward(create_graph=optimizer.needs_graph)`, and their forward pass runs in
`curvature.twice_differentiable`; such a step takes two to three times as long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import structs

from engine.optimizers import _packages
from engine.training.updates.parameter_groups import Groups, tuned
from presets.schema import Config as Base
from presets.schema import Count, Fraction, NonNegative, Positive, RunConfig

if TYPE_CHECKING:
    from torch import Tensor, optim

CREATE_GRAPH = True
STATE_TENSORS = 2
GROUP_MEMORY = ("step",)


class Config(Base, frozen=True):
    lr: Positive = 0.06
    betas: tuple[Fraction, Fraction] = (0.96, 0.99)
    """Decay of the moving averages of the gradient and of the Hessian's diagonal."""
    eps: Positive = 1e-12
    """Minimum curvature; if it is smaller or negative, the update is clipped."""
    weight_decay: NonNegative = 0.0
    """Every step takes lr * weight_decay of each weight away, apart from the gradient."""
    p: Positive = 0.01
    """Maximum update of a weight, as a share of lr."""
    update_period: Count = 10
    """Steps between two estimates."""


def check(config: Config, run: RunConfig) -> None:
    _packages.require("pytorch_optimizer", run.optimizer.name)
    for key, used in (
        ("compile", run.compile),
        ("activation_checkpointing", run.activation_checkpointing),
        ("precision: fp16", run.precision == "fp16"),
    ):
        if used:
            raise ValueError(f"{key}: not possible with sophia, which needs second derivatives")


def build(config: Config, groups: Groups) -> optim.Optimizer:
    import warnings

    import torch

    # It warns of a cycle between a weight and the graph of its gradient, which `step` breaks.
    warnings.filterwarnings("ignore", message=r"Using backward\(\) with create_graph")
    library = _packages.load("pytorch_optimizer", "SophiaH")

    class Sophia(library):  # type: ignore[misc, valid-type]
        """The library's optimizer with its own random numbers, which leaves no graph behind."""

        _seed = torch.initial_seed()

        @property
        def needs_graph(self) -> bool:
            """Whether the next step estimates the Hessian."""
            return bool(self.param_groups[0].get("step", 0) % config.update_period == 0)

        def step(self, closure: Any = None) -> Any:
            """Take a step, with a new estimate of the Hessian if one is due."""
            weights = [weight for group in self.param_groups for weight in group["params"]]
            hessian = self._hessian(weights) if self.needs_graph else None
            result = super().step(closure, hessian=hessian)
            for weight in weights:
                self.state[weight].pop("hessian", None)
                if weight.grad is not None:
                    weight.grad = weight.grad.detach()
            return result

        def _hessian(self, weights: list[Tensor]) -> list[Tensor]:
            """An estimate of the diagonal, u * (H u) with normal u, in the weights' shapes."""
            seed = self._seed + self.param_groups[0].get("step", 0)
            random = torch.Generator(weights[0].device).manual_seed(seed % 2**63)
            noise = [
                torch.randn(w.shape, generator=random, dtype=w.dtype, device=w.device)
                for w in weights
            ]
            pairs = [(w.grad, u) for w, u in zip(weights, noise, strict=True) if w.grad is not None]
            if not all(gradient.requires_grad for gradient, _ in pairs):
                raise RuntimeError("sophia needs gradients with their graph in this step")
            products = torch.autograd.grad(
                [gradient for gradient, _ in pairs],
                weights,
                grad_outputs=[u for _, u in pairs],
                allow_unused=True,
                materialize_grads=True,
            )
            return [u * product for u, product in zip(noise, products, strict=True)]

    return Sophia(tuned(groups, config), **structs.asdict(config))
