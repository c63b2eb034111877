"""Short names for runs that say how they differ from each other: `adam lr=0.003`."""

from collections import Counter
from typing import Any

import presets
from presets import ConfigError, dotted_keys

_COMPONENTS = ("model", "dataset", "optimizer")
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
        value = config[key]
        words.append(str(value) if option == "name" else f"{option or kind}={_short(value)}")


def _group(kind: str, option: str, config: dict[str, Any]) -> Any:
    compare_alike = kind in _COMPONENTS and option != "name"
    return config.get(f"{kind}.name") if compare_alike else None


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
