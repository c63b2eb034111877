"""L-BFGS (Liu and Nocedal 1989, doi:10.1007/BF01589116): quasi-Newton directions from the last
changes of weights and gradients, with a line search; a step computes the loss many times."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from msgspec import structs

from engine.training.updates.parameter_groups import Groups, tuned
from presets.schema import Config as Base
from presets.schema import Count, NonNegative, Positive, RunConfig

if TYPE_CHECKING:
    from torch import optim

CLOSURE = True
STATE_TENSORS = 202  # two for each change in the preset's `history_size`, direction and gradient


class Config(Base, frozen=True):
    lr: Positive = 1.0
    """The first length that the line search tries."""
    max_iter: Count = 20
    """Maximum number of iterations in a step."""
    max_eval: Count | None = None
    """Maximum number of evaluations of the loss in a step; null for 1.25 times `max_iter`."""
    tolerance_grad: NonNegative = 1e-7
    """A step ends when no element of the gradient is larger."""
    tolerance_change: NonNegative = 1e-9
    """A step ends when loss or weights change by less."""
    history_size: Count = 100
    """How many changes are remembered, each with two numbers for each weight."""
    line_search_fn: Literal["strong_wolfe"] | None = "strong_wolfe"
    """null for no search: each step has the length `lr`."""


def check(config: Config, run: RunConfig) -> None:
    if run.groups.lr_scale:
        raise ValueError("groups.lr_scale: lbfgs searches along one line for all; expected {}")


def build(config: Config, groups: Groups) -> optim.Optimizer:
    import torch
    from torch import optim

    plain: Any = optim.LBFGS.step
    if getattr(plain, "hooked", False):  # by torch, where someone built that class itself
        plain = plain.__wrapped__  # else the hooks around a step would be called twice

    class LBFGS(optim.LBFGS):
        """Torch's optimizer with the same dropout masks at each evaluation of a step, since a line
        search compares values of one function."""

        def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
            device = self.param_groups[0]["params"][0].device
            streams: list[Any] = [torch]
            if device.type == "cuda":
                streams.append(torch.cuda)
            states = [stream.get_rng_state() for stream in streams]

            def again() -> Any:
                for stream, state in zip(streams, states, strict=True):
                    stream.set_rng_state(state)
                return closure()

            return plain(self, again)

    return LBFGS(tuned(groups, config), **structs.asdict(config))


def state_shapes(shape: tuple[int, ...], total: int) -> set[tuple[int, ...]]:
    """A vector of all parameters."""
    return {(total,)}
