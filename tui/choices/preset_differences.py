"""A run's settings, and where they differ from its recipe and presets; pure."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import presets
from presets import ConfigError
from presets.dotted_keys import flatten
from presets.schema import plain

_GENERAL = "quickstart"
"""The recipe that every configuration begins with if nobody names another."""


@dataclass(frozen=True)
class Setting:
    """A setting of a run, and where it differs."""

    key: str
    value: str
    usual: str | None = None
    """The value of the presets, if it differs."""
    first: str | None = None
    """The value when the run began, if a command changed it."""


@dataclass(frozen=True)
class Compared:
    """All settings of a run, compared with those of a recipe."""

    recipe: str
    """The recipe that they were compared with; "" if there is none."""
    settings: tuple[Setting, ...]

    @property
    def changed(self) -> int:
        """The number of settings that differ from the presets."""
        return sum(setting.usual is not None for setting in self.settings)


def compare(config: Mapping[str, Any], begun: Mapping[str, Any] | None = None) -> Compared:
    """The settings of a run, those that differ from its presets first.

    `begun` is the configuration that the run began with.

    A configuration does not say which recipe it came from: of those with its model and data set,
    the one is taken from which the fewest settings differ.
    """
    from engine.config.configure import KINDS  # not before settings are shown

    flat, first = flatten(dict(config)), flatten(dict(begun or config))
    names = tuple(str(flat.get(f"{kind}.name", "")) for kind in KINDS)
    recipe, usual = min(
        ((recipe, usual) for recipe, usual in _usual(names)),
        key=lambda pair: _distance(flat, pair[1]),
        default=("", flat),
    )
    found = [
        Setting(
            key,
            shown(value),
            shown(usual.get(key)) if usual.get(key) != value else None,
            shown(first.get(key)) if first.get(key) != value else None,
        )
        for key, value in flat.items()
    ]
    ordered = sorted(found, key=lambda setting: setting.usual is None)
    return Compared(recipe, tuple(ordered))


def shown(value: Any) -> str:
    """A value as people write it."""
    if value is None:
        return "none"
    if isinstance(value, list | tuple):
        return "-".join(map(shown, value)) or "[]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value) or "-"


def _distance(flat: dict[str, Any], usual: dict[str, Any]) -> int:
    # A run of an older version lacks keys, which then says nothing.
    return sum(value != usual.get(key) for key, value in flat.items())


@functools.lru_cache(maxsize=32)
def _usual(names: tuple[str, ...]) -> tuple[tuple[str, dict[str, Any]], ...]:
    """The settings that each recipe which may be the origin has for these presets."""
    from engine.config import configure

    found: list[tuple[str, dict[str, Any]]] = []
    if not all(names):  # a foreign loop
        return ()
    for recipe in presets.names("recipes"):
        base = presets.load("recipes", recipe)
        if recipe != _GENERAL and (base.model, base.dataset) != names[:2]:
            continue
        try:
            config = configure.composed(base, dict(zip(configure.KINDS, names, strict=True)), {})
        except ConfigError:
            continue  # presets of another version, or of a plug-in that is not here
        found.append((recipe, flatten(plain(config))))
    return tuple(found)
