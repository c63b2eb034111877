"""Short names for runs that say how they differ from each other: `adam lr=0.003`."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import presets
from presets import ConfigError, dotted_keys

_COMPONENTS = ("model", "dataset", "optimizer")
_MOST_ADDED = 3
"""Maximum number of settings that are added to a label which several runs have."""
_OPERATION = ("checkpoint", "on_non_finite", "max_restarts", "parent")
"""Settings that keep a run alive and do not change what it learns."""


def labels(configs: list[dict[str, Any]]) -> list[str]:
    """A label for each configuration, in order.

    The optimizer is always named and a name given by a person wins. A setting is added where it
    differs, except on runs with the most common value, and except what the preset of the optimizer
    sets, such as the full batch of `gd`. Options of a model, data set or optimizer
    are compared only between runs that have the same one: Adam has no `beta`.
    """
    flat = [_without_implied(dotted_keys.flatten(config)) for config in configs]
    keys = dict.fromkeys(key for config in flat for key in config)
    parts = [[_name(config)] for config in flat]
    for key in keys:
        about = key not in ("name", "optimizer", "optimizer.name") and not key.endswith(".type")
        if about and dotted_keys.split(key)[0] not in _OPERATION:
            _add_differences(key, flat, parts)
    return [
        str(config.get("name") or " ".join(words))
        for config, words in zip(flat, parts, strict=True)
    ]


def told_apart(
    made: Sequence[str],
    configs: Sequence[dict[str, Any]],
    begun: Sequence[str],
    ids: Sequence[str],
) -> list[str]:
    """The labels, with what differs added to those that several runs have.

    That is the settings in which these runs differ, else when they began, else their ids. `begun`
    are texts, such as `2026-11-23 14:05`; "" where it is not known.
    """
    found = list(made)
    for alike in _alike(found):
        _add_settings(found, alike, configs)
    for alike in _alike(found):
        times = [begun[place] for place in alike]
        distinct = "" not in times and len(set(times)) == len(times)
        for place in alike:
            found[place] += f" {begun[place] if distinct else ids[place]}"
    return found


def _alike(made: Sequence[str]) -> list[list[int]]:
    """The places of labels that several have."""
    places: dict[str, list[int]] = {}
    for place, label in enumerate(made):
        places.setdefault(label, []).append(place)
    return [alike for alike in places.values() if len(alike) > 1]


def _add_settings(made: list[str], alike: Sequence[int], configs: Sequence[dict[str, Any]]) -> None:
    """Add the first settings in which runs of one label differ, to each of them."""
    flat = [dotted_keys.flatten(configs[place]) for place in alike]
    differ = [
        key
        for key in flat[0]
        if key != "name"
        and not key.endswith(".type")
        and dotted_keys.split(key)[0] not in _OPERATION
        and all(key in config for config in flat)
        and len({repr(config[key]) for config in flat}) > 1
    ]
    for place, config in zip(alike, flat, strict=True):
        words = [_setting(key, config[key]) for key in differ[:_MOST_ADDED]]
        made[place] = " ".join([made[place], *words])


def _setting(key: str, value: Any) -> str:
    kind, option = dotted_keys.split(key)
    return _short(value) if option == "name" else f"{option or kind}={_short(value)}"


def _without_implied(config: dict[str, Any]) -> dict[str, Any]:
    try:
        implied = presets.load("optimizers", str(config.get("optimizer.name"))).run
    except ConfigError:
        implied = {}  # a preset of another version, or one that is gone
    return {
        key: value
        for key, value in config.items()
        if value is not None and (key not in implied or implied[key] != value)
    }


def _name(config: dict[str, Any]) -> str:
    if "optimizer.name" in config:
        return str(config["optimizer.name"])
    # The settings of an own loop may be a single word.
    words = (config.get(key) for key in ("optimizer", "model"))
    return next((word for word in words if isinstance(word, str)), "?")


def _add_differences(key: str, flat: list[dict[str, Any]], parts: list[list[str]]) -> None:
    kind, option = dotted_keys.split(key)
    groups: dict[Any, Counter[str]] = {}
    for config in flat:
        if key in config:
            groups.setdefault(_group(kind, option, config), Counter())[repr(config[key])] += 1
    for config, words in zip(flat, parts, strict=True):
        values = groups.get(_group(kind, option, config))
        if key not in config or values is None or len(values) == 1:
            continue
        if values[repr(config[key])] * 2 > values.total():
            continue
        words.append(_setting(key, config[key]))


def _group(kind: str, option: str, config: dict[str, Any]) -> Any:
    compare_alike = kind in _COMPONENTS and option != "name"
    return config.get(f"{kind}.name") if compare_alike else None


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
