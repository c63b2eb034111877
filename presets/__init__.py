"""Presets: the models, data sets, optimizers and recipes that a person can pick by name, the user's
own and those of plug-ins too."""

import difflib
import functools
from pathlib import Path
from typing import Literal, overload

from presets import plugins, userpresets, yaml
from presets.convert import convert
from presets.errors import ConfigError, NotInstalledError, UserError
from presets.schema import Preset, Recipe

Kind = Literal["models", "datasets", "optimizers", "recipes"]
KINDS: tuple[Kind, ...] = ("models", "datasets", "optimizers", "recipes")
DATA = Path(__file__).parent / "data"

__all__ = [
    "DATA",
    "KINDS",
    "ConfigError",
    "Kind",
    "NotInstalledError",
    "UserError",
    "load",
    "names",
    "origin",
    "problems",
]


def names(kind: Kind) -> list[str]:
    """The names of all presets of a kind, sorted."""
    return sorted([*_shipped(kind), *plugins.names(kind), *userpresets.names(kind)])


@functools.cache  # the launch screen asks for every preset at each key
def _shipped(kind: Kind) -> tuple[str, ...]:
    return tuple(path.stem for path in (Path(__file__).parent / kind).glob("*.yaml"))


def origin(kind: Kind, name: str) -> Path | str | None:
    """The user's file of a preset, or the distribution that brings it; None for a built-in one."""
    if own := userpresets.named(kind, name):
        return own.path
    plugin = plugins.named(kind, name)
    return plugin.distribution if plugin else None


def problems() -> list[str]:
    """What is wrong with the user's plug-ins and presets, a line each."""
    return plugins.problems() + userpresets.problems()


@overload
def load(kind: Literal["models", "datasets", "optimizers"], name: str) -> Preset: ...
@overload
def load(kind: Literal["recipes"], name: str) -> Recipe: ...
def load(kind: Kind, name: str) -> Preset | Recipe:
    """Read a preset; ConfigError names the file, or the nearest names for an unknown one."""
    known = names(kind)
    if name not in known and (line := userpresets.problem(kind, name)):
        raise ConfigError(line)
    if name not in known:
        raise ConfigError(unknown(kind.removesuffix("s"), name, known))
    if plugin := plugins.named(kind, name):
        return plugin.preset()
    if own := userpresets.named(kind, name):
        return own.preset
    return _read(kind, Path(__file__).parent / kind / f"{name}.yaml")


@functools.cache  # the launch screen asks for every preset at each key
def _read(kind: Kind, path: Path) -> Preset | Recipe:
    try:
        data = yaml.read(path)
        return convert(data, Recipe) if kind == "recipes" else convert(data, Preset)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def unknown(what: str, name: str, known: list[str]) -> str:
    """One line for a name that does not exist: the nearest ones first, then all."""
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return f"unknown {what} {name!r}: {hint}known: {', '.join(known)}"
