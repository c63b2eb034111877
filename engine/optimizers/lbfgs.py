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
STATE_TENSORS = 202  # two for each of the preset's `history_size`, the direction and a gradient


class Config(Base, frozen=True):
    lr: Positive = 1.0
    """The first length that the line search tries."""
    max_iter: Count = 20
    """Iterations a step."""
    max_eval: Count | None = None
    """Evaluations of the loss a step; null for 1.25 times `max_iter`."""
    tolerance_grad: NonNegative = 1e-7
    """A step ends when no element of the gradient is larger."""
    tolerance_change: NonNegative = 1e-9
    """A step ends when loss or weights change by less."""
    history_size: Count = 100
    """Changes that are remembered, two numbers for each weight."""
    line_search_fn: Literal["strong_wolfe"] | None = "strong_wolfe"
    """null takes steps of `lr`."""


def check(config: Config, run: RunConfig) -> None:
    if run.groups.lr_scale:
        raise ValueError("groups.lr_scale: lbfgs searches along one line for all; expected {}")


def build(config: Config, groups: Groups) -> optim.Optimizer:
    import torch
    from torch import optim

    class LBFGS(optim.LBFGS):
        """Each evaluation of a step draws the same dropout masks: a line search compares values
        of one function."""

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

            return super().step(again)  # type: ignore[no-untyped-call]

    return LBFGS(tuned(groups, config), **structs.asdict(config))


def state_shapes(shape: tuple[int, ...], total: int) -> set[tuple[int, ...]]:
    """All parameters in one row."""
    return {(total,)}
