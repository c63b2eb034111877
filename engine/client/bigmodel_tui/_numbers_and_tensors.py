"""Sorts what a loop logs into numbers at hand and tensors whose value the device still has."""

from collections.abc import Callable, Mapping
from typing import Any

from bigmodel_tui import _values

MAX_NAMES = 500


class Sorter:
    """Knows the names of a run, and says what cannot be recorded."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._names: dict[str, str] = {}

    def sort(self, values: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, Any]]:
        """Numbers, and float32 tensors without dimensions, by name."""
        floats: dict[str, float] = {}
        tensors: dict[str, Any] = {}
        for given, value in values.items():
            name = self._names.get(given) or self._name(given)
            if name and type(value) is float:
                floats[name] = value
            elif name:
                self._take(name, value, floats, tensors)
        return floats, tensors

    def clipping(
        self, norm: Any, limit: float, floats: dict[str, float], tensors: dict[str, Any]
    ) -> None:
        """Add what `clip_` did, but for what follows from it: the recorder computes that."""
        if _values.spread(norm):
            self._warn("grad_norm: a DTensor is not recorded; log its full_tensor() yourself")
            return
        floats["clip/threshold"] = limit
        self._take("grad_norm", norm, floats, tensors)

    def _name(self, given: Any) -> str:
        if not isinstance(given, str) or not given or len(self._names) >= MAX_NAMES:
            self._warn(f"a name that is no text, or more than {MAX_NAMES} names: not recorded")
            return ""
        name: str = _values.text(given, 100)
        self._names[given] = name
        return name

    def _take(
        self, name: str, value: Any, floats: dict[str, float], tensors: dict[str, Any]
    ) -> None:
        tensor = _values.is_tensor(value)
        found = _values.scalar(value) if tensor else _values.number(value)
        if found is None:
            shape = f" of shape {tuple(value.shape)}" if tensor else ""
            self._warn(f"{name}: expected a number, got {type(value).__name__}{shape}")
        elif isinstance(found, float):
            floats[name] = found
        else:
            tensors[name] = found
