"""A few samples of a data set as they are, to be looked at before anything is trained; no torch.

The module of a data set may have `sample(config) -> Sample`. It reads no more than it needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from engine.config import registry
from presets import UserError
from presets.schema import Component

if TYPE_CHECKING:  # the launch screen reads this module and must not wait for NumPy
    from numpy.typing import NDArray

MOST_IMAGES = 24
MOST_POINTS = 900
MOST_CHARACTERS = 4096
MOST_ROWS = 40


@dataclass(frozen=True)
class Images:
    """Pictures with pixels from 0 to 255: (n, height, width) grey, or (n, height, width, 3) RGB."""

    pixels: NDArray[Any]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Points:
    """Points in the plane, float (n, 2), with the class number of each, (n,)."""

    places: NDArray[Any]
    labels: NDArray[Any]


@dataclass(frozen=True)
class Passage:
    """The beginning of a text."""

    text: str


@dataclass(frozen=True)
class Rows:
    """The first rows of a table, as the file has them."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Recording:
    """A sound as a model hears it and as a person sees it."""

    x: NDArray[Any]
    """What the model is given, float32 (1, frames, features)."""
    spectrogram: NDArray[Any]
    """Grey values from 0 to 255, (rows, frames), the highest frequency first."""
    seconds_per_frame: float
    waveform: NDArray[Any] | None = None
    """Samples from -1 to 1, float32 (n,); None where only features are known."""
    rate: int = 0
    """Samples of the waveform in a second."""
    reference: str = ""
    """What is said in it; "" where nobody knows."""


Sample: TypeAlias = Images | Points | Passage | Rows


def of(component: Component) -> Sample | None:
    """Samples of a data set; None if it has none to show. Reads files, which may be slow. Raises
    UserError, in one line."""
    module = registry.module("dataset", component.type)
    if not hasattr(module, "sample"):
        return None
    config = registry.config("dataset", component)
    try:
        sample: Sample = module.sample(config)
    except UserError:
        raise
    except Exception as error:  # samples must not end the app, whatever a file or a plug-in holds
        said = " ".join(str(error).split())
        raise UserError(
            f"{component.name}: no sample to be shown ({type(error).__name__}: {said:.150})"
        ) from None
    return sample
