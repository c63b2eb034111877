"""Settings by dotted keys, such as `optimizer.lr`: trees taken apart, read and written by them."""

from collections.abc import Collection, Mapping
from typing import Any

from presets.errors import ConfigError


def flatten(tree: Mapping[str, Any], whole: Collection[str] = ()) -> dict[str, Any]:
    """The leaves of a tree by dotted key; keys that are dotted already stay so.

    A mapping whose dotted key is in `whole` is a value itself. Other empty mappings have no leaf.
    """
    flat: dict[str, Any] = {}
    _collect(tree, "", whole, flat)
    return flat


def _collect(
    tree: Mapping[str, Any], prefix: str, whole: Collection[str], flat: dict[str, Any]
) -> None:
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and path not in whole:
            _collect(value, f"{path}.", whole, flat)
        else:
            flat[path] = value


def get(tree: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key. Raises KeyError if the tree has none."""
    node: Any = tree
    for part in key.split("."):
        node = node[part]
    return node


def put(tree: dict[str, Any], key: str, value: Any) -> None:
    """Set the value at a dotted key; mappings on the way are made. Raises ConfigError if one of
    them is a value."""
    *parents, last = key.split(".")
    node: Any = tree
    for parent in parents:
        node = node.setdefault(parent, {}) if isinstance(node, dict) else None
    if not isinstance(node, dict):
        raise ConfigError(f"{key}: {'.'.join(parents)} is a value, not a mapping")
    node[last] = value


def split(key: str) -> tuple[str, str]:
    """The first part of a key and the rest: `optimizer.lr` gives `optimizer` and `lr`, `seed` gives
    `seed` and ""."""
    first, _, rest = key.partition(".")
    return first, rest


def last(key: str) -> str:
    """The last part of a key, which names the setting within its section."""
    return key.rpartition(".")[2]
