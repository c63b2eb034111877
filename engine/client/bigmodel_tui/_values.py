"""Values of a loop as plain data: numbers, and settings of any kind."""

import math
import re
import sys
from collections.abc import Mapping
from typing import Any

MAX_LEAVES = 400
"""Maximum number of settings that are kept; they are for people to read."""
MAX_TEXT = 300
MAX_DEPTH = 8


def torch() -> Any:
    """The torch module if the loop uses it, else None."""
    return sys.modules.get("torch")


def is_tensor(value: object) -> bool:
    """Whether it is a tensor, without importing torch."""
    found = torch()
    return found is not None and isinstance(value, found.Tensor)


def number(value: Any) -> float | None:
    """A number of Python or NumPy as a float, NaN and infinities too; None if it is no number."""
    if isinstance(value, str | bytes | complex) or value is None:
        return None
    try:
        if getattr(value, "size", 1) == 1 and hasattr(value, "item"):
            value = value.item()
            return None if isinstance(value, str | bytes | complex) else float(value)
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def scalar(tensor: Any) -> Any:
    """The one element of a tensor: a float from the host's memory, else a float32 tensor of the
    device without gradient. None if it is not one real number that this process has."""
    if tensor.numel() != 1 or tensor.is_complex() or tensor.is_meta or spread(tensor):
        return None
    plain = tensor.detach()
    if plain.device.type == "cpu":
        return float(plain.item())
    return plain.reshape(()).to(torch().float32)


def spread(tensor: Any) -> bool:
    """Whether it is a DTensor, whose value only all processes together can compute."""
    return hasattr(tensor, "full_tensor")


def settings(config: Any) -> dict[str, Any]:
    """Any mapping, or object with attributes such as that of argparse, as plain data for JSON and
    YAML. What is neither number, text nor collection becomes its text."""
    if not isinstance(config, Mapping):
        config = getattr(config, "__dict__", None) or {"config": config}
    left = [MAX_LEAVES]
    plain = _plain(config, left, 0)
    return plain if isinstance(plain, dict) else {}


def _plain(value: Any, left: list[int], depth: int) -> Any:
    if isinstance(value, Mapping) and depth < MAX_DEPTH:
        kept: dict[str, Any] = {}
        for key, item in value.items():
            if left[0] <= 0:
                break
            kept[text(key, 80)] = _plain(item, left, depth + 1)
        return kept
    if isinstance(value, list | tuple) and depth < MAX_DEPTH and len(value) <= 64:
        return [_plain(item, left, depth + 1) for item in value]
    left[0] -= 1
    if value is None or isinstance(value, bool):
        return value
    if type(value) is int and abs(value) < 10**18:
        return value
    if type(value) is float and math.isfinite(value):
        return value
    return text(value, MAX_TEXT)


def text(value: Any, limit: int) -> str:
    """One line of text for any object, which UTF-8 can encode."""
    try:
        words = value if type(value) is str else str(value)
    except Exception:  # anybody's __str__
        words = type(value).__name__
    line = " ".join(words[: 4 * limit].split())[:limit]
    return line.encode("utf-8", "replace").decode("utf-8")


def slug(words: list[str]) -> str:
    """A part of a folder's name."""
    parts = [re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")[:24] for word in words]
    return "-".join(part for part in parts if part)[:60] or "run"
