"""Functions of two variables on which optimizers are watched; without torch. Each is written with
the arithmetic that numbers, NumPy arrays and torch tensors share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from presets import ConfigError, unknown


@dataclass(frozen=True, kw_only=True)
class Surface:
    """A function to descend, and the part of the plane that is shown."""

    name: str
    formula: str
    """The formula, to be shown."""
    function: Callable[[Any, Any], Any]
    """The function f(x, y), elementwise."""
    start: tuple[float, float]
    minima: tuple[tuple[float, float], ...]
    """The minima; empty for a function without a lower bound."""
    x_range: tuple[float, float]
    y_range: tuple[float, float]


def _beale(x: Any, y: Any) -> Any:
    terms = (1.5 - x + x * y, 2.25 - x + x * y**2, 2.625 - x + x * y**3)
    return sum(term**2 for term in terms)


SURFACES = {
    surface.name: surface
    for surface in (
        # Rosenbrock 1960, doi:10.1093/comjnl/3.3.175
        Surface(
            name="rosenbrock",
            formula="(1 - x)^2 + 100 (y - x^2)^2: a curved valley",
            function=lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
            start=(-1.2, 1.0),
            minima=((1.0, 1.0),),
            x_range=(-2.0, 2.0),
            y_range=(-1.0, 3.0),
        ),
        # Beale 1958, a test of the Navy's contract Nonr-1858(00)
        Surface(
            name="beale",
            formula="(1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2: flat, with "
            "steep corners",
            function=_beale,
            start=(1.0, 1.5),
            minima=((3.0, 0.5),),
            x_range=(-4.5, 4.5),
            y_range=(-4.5, 4.5),
        ),
        # Himmelblau 1972, Applied Nonlinear Programming
        Surface(
            name="himmelblau",
            formula="(x^2 + y - 11)^2 + (x + y^2 - 7)^2: four minima",
            function=lambda x, y: (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2,
            start=(0.0, 0.0),
            minima=(
                (3.0, 2.0),
                (-2.805118, 3.131312),
                (-3.779310, -3.283186),
                (3.584428, -1.848126),
            ),
            x_range=(-5.0, 5.0),
            y_range=(-5.0, 5.0),
        ),
        Surface(
            name="saddle",
            formula="x^2 - y^2: away from the saddle it falls without end",
            function=lambda x, y: x**2 - y**2,
            start=(-1.5, 0.001),
            minima=(),
            x_range=(-2.0, 2.0),
            y_range=(-2.0, 2.0),
        ),
        Surface(
            name="ill-conditioned",
            formula="x^2 / 2 + 50 y^2: a hundred times as steep across as along",
            function=lambda x, y: x**2 / 2 + 50 * y**2,
            start=(-1.8, 0.8),
            minima=((0.0, 0.0),),
            x_range=(-2.0, 2.0),
            y_range=(-1.0, 1.0),
        ),
    )
}


def surface(name: str) -> Surface:
    """The surface of this name. Raises ConfigError, which offers the nearest names."""
    if name not in SURFACES:
        raise ConfigError(unknown("surface", name, list(SURFACES)))
    return SURFACES[name]
