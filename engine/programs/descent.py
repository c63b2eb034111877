"""`python -m engine.programs.descent`: optimizers descend a surface; prints their paths as JSON.

Standard input has a `Request`; standard output gets a `Descent` a line, as soon as each is known.
"""

import math
import sys

import msgspec
import numpy as np
import torch
from msgspec import Struct
from torch import Tensor, nn

from engine.config import configure, registry
from engine.race.surfaces import Surface, surface
from engine.training.updates import build_optimizer
from engine.training.updates.evaluated_weights import evaluated_weights
from presets import UserError
from presets.schema import Component

LRS = tuple(float(f"{lr:.2g}") for lr in np.geomspace(1e-4, 1.0, 17))
"""The learning rates of which each optimizer gets the best; the same grid for all."""
FAR = 1e3
"""The distance beyond which an optimizer has left the plane for good."""


class Request(Struct, frozen=True, kw_only=True):
    """A request: which optimizers are to descend which surface."""

    surface: str
    optimizers: list[str]
    """The names of optimizer presets."""
    steps: int = 200
    lr: float | None = None
    """One learning rate for all, instead of the best of `LRS`."""


class Descent(Struct, frozen=True, kw_only=True):
    """The descent of one optimizer."""

    optimizer: str
    lr: float
    path: list[tuple[float, float]] = []
    """The path with its start; it ends early where it left the plane."""
    values: list[float] = []
    """The values of the surface along the path."""
    error: str = ""
    """Why there is no path, in one line."""


def descend(place: Surface, optimizer: Component, steps: int) -> Descent:
    """Let an optimizer take this many steps. Raises UserError for one that cannot."""
    # A matrix of one row: optimizers for matrices take it, all others too.
    point = nn.Parameter(torch.tensor([place.start], dtype=torch.float64))
    groups = [
        {
            "params": [point],
            "names": ["point"],
            "kinds": ["matrix"],
            "lr_scale": 1.0,
            "decay": False,
        }
    ]
    torch.manual_seed(0)  # some draw random numbers
    built = build_optimizer.build_optimizer(optimizer, groups)

    def loss() -> float:
        built.zero_grad()
        value: Tensor = place.function(point[0, 0], point[0, 1])
        value.backward(create_graph=bool(getattr(built, "needs_graph", False)))
        return float(value.detach())

    path, values = [place.start], [float(place.function(*place.start))]
    for _ in range(steps):
        if _needs_closure(optimizer):
            built.step(loss)
        else:
            loss()
            built.step()
        x, y = _where(built, point)
        value = float(place.function(x, y))
        if not math.isfinite(value) or max(abs(x), abs(y)) > FAR:
            break
        path.append((x, y))
        values.append(value)
    lr = float(optimizer.options.get("lr", math.nan))
    return Descent(optimizer=optimizer.name, lr=lr, path=path, values=values)


def _needs_closure(optimizer: Component) -> bool:
    return bool(getattr(registry.module("optimizer", optimizer.type), "CLOSURE", False))


def _where(optimizer: torch.optim.Optimizer, point: nn.Parameter) -> tuple[float, float]:
    """The point to be judged: a schedule-free optimizer trains another one."""
    with evaluated_weights(optimizer):
        x, y = point[0].tolist()
    return x, y


def best_descent(request: Request, name: str) -> Descent:
    """The descent with the learning rate that ends lowest; the longest if all left the plane."""
    place = surface(request.surface)
    section, _ = configure.section("optimizer", name)
    options = {key: value for key, value in section.items() if key not in ("name", "type")}
    lrs = LRS if request.lr is None else (request.lr,)
    found = [
        descend(
            place,
            Component(name=name, type=section["type"], options={**options, "lr": lr}),
            request.steps,
        )
        for lr in lrs
    ]
    whole = [descent for descent in found if len(descent.path) == request.steps + 1]
    if whole:
        return min(whole, key=lambda descent: descent.values[-1])
    return max(found, key=lambda descent: len(descent.path))


def main() -> int:
    """Returns the exit status; a `Descent` says what went wrong with an optimizer."""
    torch.set_num_threads(1)
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    surface(request.surface)
    for name in request.optimizers:
        try:
            found = best_descent(request, name)
        except UserError as error:
            found = Descent(optimizer=name, lr=math.nan, error=str(error))
        except Exception as error:  # of an optimizer that takes no single point
            line = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            found = Descent(optimizer=name, lr=math.nan, error=line)
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
