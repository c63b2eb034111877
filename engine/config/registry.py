"""Find components by name: a file `engine/models/mlp.py` is the model of type `mlp`, and a plug-in
`tiny` of an enabled distribution `my-package` that of type `my-package:tiny`.

A component's module has a `Config` struct and a `build` function, and imports torch only inside
`build`: the launch screen checks settings with `Config`, and must not wait for torch.

    models      cost(config, data) -> Cost      build(config, data) -> torch.nn.Module
    datasets    info(config) -> DatasetInfo     build(config) -> Splits
    optimizers  build(config, groups) -> torch.optim.Optimizer

`groups` are parameter groups as torch has them, each with the `names` of its `params`; see
`parameter_groups`. A model's module may say `TASKS`, those that it can learn, and `INPUTS`, the
kinds of input that it takes; without them, classification and regression from numbers. Any of them
may have `check(config, run)`, which raises ValueError for what does not go together; a data set's
may have `sample(config)`, see `dataset_samples`, and that of a game has `begin(config)`, the
`engine.games.position` with which games begin. An optimizer's module may say

    STATE_TENSORS   how many tensors of a parameter's shape it keeps (2 for Adam)
    state_shapes(shape, total) -> other shapes that tensors of its state have, for a parameter of
                    `shape` in a model of `total` numbers; a checkpoint with others is refused
    GROUP_MEMORY    keys of its groups that are memory and no settings, which a fork inherits
    CLOSURE         True if its step computes loss and gradients itself, many times
    CREATE_GRAPH    True if it has a `needs_graph`, which says whether it will differentiate the
                    gradients of the next step
    SPARSE          True if it takes sparse gradients

A plug-in's `Config` has a default for every field, and that of an optimizer an `lr`.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, cast

from msgspec import Struct

import presets
from engine.config import plugin_guard
from presets import ConfigError, plugins
from presets.convert import convert
from presets.schema import Component, Preset

if TYPE_CHECKING:  # the launch screen reads this module and must not wait for NumPy
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["model", "dataset", "optimizer"]
Input = Literal["numbers", "symbols", "frames", "board"]
"""What the inputs of a data set are: numbers (features or pixels), symbols of a vocabulary, frames
of sound, or the board of a game."""


class DatasetInfo(Struct, frozen=True, kw_only=True):
    """The shapes and sizes of a data set, known without loading it."""

    input_shape: tuple[int, ...]
    """The shape of one sample: (features,), (channels, height, width), (context_length,) for text
    in windows; where samples differ in length, that of the longest, such as (symbols,) or
    (frames, features)."""
    num_outputs: int
    """The number of outputs of a model: classes, numbers to predict, or symbols of the vocabulary
    that it writes."""
    task: str = "classification"
    """What is learned: a name of `task_rules.RULES`, or DISTRIBUTION:NAME of a plug-in's task."""
    input: Input = "numbers"
    num_symbols: int = 0
    """The size of the vocabulary that the inputs are written in; 0 if they are no symbols."""
    tokens: Mapping[str, int] = {}
    """The number of tokens or frames in each split, perhaps estimated; empty where all samples have
    one length."""
    samples: Mapping[str, int]
    """The number of samples in `train`, `val` and `test`."""
    fixed: bool = True
    """Whether every epoch has the same samples; without that there is no full batch."""
    on_disk: bool = False
    """Whether samples are read from the disk when a batch is made of them."""
    names: tuple[str, ...] = ()
    """The names of the classes, of the numbers to predict or of the symbols, in order; may be
    empty."""
    notes: tuple[str, ...] = ()
    """What was made of a person's files, a line each: for the launch screen and the run's log."""
    cautions: tuple[str, ...] = ()
    """What was left out or may be meant otherwise, and how to say so: lines that are told before
    the start."""


@dataclass(frozen=True)
class Split:
    """Inputs (n, *input_shape) and what is to be predicted of them.

    classification: x float32, normalised, or int64 symbols; y int64 (n,)
    regression:     x float32, y float32 (n, num_outputs), both normalised
    language:       x int64 symbols (n, context_length), y int64 of the same shape, one place on
    """

    x: NDArray[Any]
    y: NDArray[Any]


class Source(Protocol):
    """Samples that are read a batch at a time: of different lengths, or too many for memory."""

    @property
    def lengths(self) -> NDArray[np.int64] | None:
        """The tokens or frames of each sample, int64 (n,), by which samples of like lengths come
        together; None if batches are made of any."""

    def __len__(self) -> int:
        """The number of samples."""

    def batch(self, index: NDArray[np.int64]) -> Split:
        """These samples in this order, padded to the longest of them as `padding` says."""

    def fingerprint(self) -> str:
        """SHA-256 of all samples, or of what they are read from."""


class Codec(Protocol):
    """A vocabulary: how a text becomes symbols and back. Its first symbols are those of
    `padding.SPECIAL`, apart from those of language models, which need none."""

    @property
    def size(self) -> int:
        """The number of symbols."""

    def encode(self, text: str) -> NDArray[np.int64]:
        """The symbols of a text, int64 (n,), without begin and end."""

    def decode(self, symbols: Sequence[int]) -> str:
        """The text of symbols; special ones are left out."""


Samples: TypeAlias = Split | Source


@dataclass(frozen=True)
class Splits:
    """A loaded data set. The division into splits depends on the data set alone, never on the seed
    of a run, so all runs are tested on the same samples."""

    train: Samples
    val: Samples
    test: Samples
    draw_train: Callable[[int, int], Samples] | None = None
    """For data that is not fixed: (seed, epoch) -> the training samples of that epoch."""
    codec: Codec | None = None
    """The vocabulary of text."""
    experience: Callable[[Any], Any] | None = None
    """In place of training samples, which are then empty: gives an `engine.tasks.experience`, from
    its `Surroundings`."""


class Cost(Struct, frozen=True, kw_only=True):
    """The size and arithmetic of a model; a test compares it with the model that is built."""

    num_parameters: int
    multiply_adds: int
    """Multiply-adds of one sample's forward pass, in matrix products and convolutions."""
    activations: int = 0
    """The count of numbers that one sample's forward pass keeps for the backward pass."""


def names(kind: Kind) -> list[str]:
    """The types of components that exist, those of plug-ins last."""
    return [*_built_in(kind), *plugins.types(f"{kind}s")]


def module(kind: Kind, type_name: str) -> ModuleType:
    """The module of a component; ConfigError if there is none of that name.

    Errors in what a plug-in's module offers are ConfigErrors too, which name the plug-in.
    """
    if _is_plugin(type_name):
        plural = cast("plugins.Kind", f"{kind}s")
        return plugin_guard.module(plural, type_name, {"cost": Cost, "info": DatasetInfo})
    known = _built_in(kind)
    if type_name not in known:
        raise ConfigError(presets.unknown(f"{kind}.type", type_name, [*known]))
    return importlib.import_module(f"engine.{kind}s.{type_name}")


def config(kind: Kind, component: Component) -> Any:
    """The component's own typed `Config`, built from its options.

    Raises ConfigError such as "optimizer.lr: expected a number > 0, got 'fast'".
    """
    struct = module(kind, component.type).Config
    with _blaming(kind, component.type):
        return convert(component.options, struct, where=kind)


def options(kind: Kind, preset: Preset) -> Mapping[str, Any]:
    """The options that a preset stands for: its own, or the defaults of a plug-in's `Config`."""
    if _is_plugin(preset.type):
        return plugin_guard.options(module(kind, preset.type))
    return preset.options


def build(kind: Kind, component: Component, *arguments: Any) -> Any:
    """Build the model, data set or optimizer."""
    return module(kind, component.type).build(config(kind, component), *arguments)


def _is_plugin(type_name: str) -> bool:
    return ":" in type_name


def _blaming(kind: Kind, type_name: str) -> AbstractContextManager[None]:
    if not _is_plugin(type_name):
        return nullcontext()
    title = f"plug-in {type_name.partition(':')[0]}:"
    return plugin_guard.blaming(title, f"{kind}.Config failed", of_user=True)


@functools.cache  # asked for hundreds of times while a screen sizes what can be chosen
def _built_in(kind: Kind) -> tuple[str, ...]:
    package = importlib.import_module(f"engine.{kind}s")
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return tuple(sorted(name for name in found if not name.startswith("_")))
