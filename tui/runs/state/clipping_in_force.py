"""What is in force of a run's settings, for people; pure.

A configuration has a limit for each mode of clipping, and only that of its mode is in force.
"""

from collections.abc import Mapping
from typing import Any

from presets.schema import limit_key
from tui.runs.state.store import section


def clip_mode(config: Mapping[str, Any]) -> str | None:
    """The mode of clipping; None where the configuration has none, as another program's."""
    mode = section(dict(config), "clip").get("mode")
    return mode if isinstance(mode, str) else None


def clip_limit(config: Mapping[str, Any]) -> float | None:
    """The limit of the mode in force; None if nothing is clipped, or if it is not known."""
    mode = clip_mode(config)
    if mode is None or mode == "none":
        return None
    limit = section(dict(config), "clip").get(limit_key(mode))
    if isinstance(limit, bool) or not isinstance(limit, int | float):
        return None
    return float(limit)


def clip_words(config: Mapping[str, Any]) -> str:
    """Mode and limit as a person types them: `agc 0.01`."""
    mode, limit = clip_mode(config) or "none", clip_limit(config)
    return mode if limit is None else f"{mode} {limit:g}"
