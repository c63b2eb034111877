"""A plug-in's module behind a guard: whatever goes wrong in it is one line that names it.

Built-in components do not pass here.
"""

from __future__ import annotations

import functools
import importlib
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from msgspec import Struct, to_builtins

from engine.config.task_rule_table import RULES, TaskRules
from presets import ConfigError, UserError, plugins, yaml
from presets.convert import convert
from presets.plugins import Kind, Plugin
from presets.schema import Config

_NEEDED: dict[Kind, tuple[str, ...]] = {
    "models": ("Config", "cost", "build"),
    "datasets": ("Config", "info", "build"),
    "optimizers": ("Config", "build"),
    "tasks": ("RULES", "build"),
}
_SPLITS = ("train", "val", "test")

_FORMER_NAMES = {
    "engine.registry": "engine.config.registry",
    "engine.parameter_groups": "engine.training.updates.parameter_groups",
}
"""Modules that plug-ins written before `engine.plugin` import, and where they are now."""

_loaded: dict[tuple[str, str], ModuleType | ConfigError] = {}
"""Loaded modules by kind and type. A failed import is kept too, and not tried again at each key."""


def module(kind: Kind, type_name: str, returns: Mapping[str, type[Struct]]) -> ModuleType:
    """The guarded module of a plug-in's component.

    `returns` names the struct that a function returns. Raises ConfigError if the plug-in is not
    enabled or is not what it should be.
    """
    key = (kind, type_name)
    if key not in _loaded:
        plugin = plugins.of_type(kind, type_name)
        try:
            _loaded[key] = _guarded(plugin, _load(plugin), returns)
        except ConfigError as error:
            _loaded[key] = error
    found = _loaded[key]
    if isinstance(found, ConfigError):
        raise ConfigError(str(found))
    return found


def options(found: ModuleType) -> dict[str, Any]:
    """The defaults of a component's `Config`, as plain data."""
    return dict(to_builtins(found.Config()))


@contextmanager
def blaming(title: str, what: str, *, of_user: bool = False) -> Iterator[None]:
    """Turns every exception into a ConfigError that begins with `title`.

    Where it may be a mistake `of_user`, a UserError says so itself and stays as it is.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        if of_user and isinstance(error, UserError):
            raise
        kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
        reason = " ".join(f"{kind}{error}".split())
        raise ConfigError(f"{title} {what}: {reason:.300}") from error


def _load(plugin: Plugin) -> ModuleType:
    """Import the module and check what it declares. Raises ConfigError."""
    light = "torch" not in sys.modules
    with blaming(plugin.title, "cannot be loaded"):
        _keep_former_names()
        found = plugins.load(plugin)
    if light and "torch" in sys.modules:  # who chooses parts would have to wait for it
        raise _wrong(plugin, "imports torch when it is loaded; import it inside build")
    lacking = [name for name in _NEEDED[plugin.kind] if not hasattr(found, name)]
    if lacking:
        raise _wrong(plugin, f"its module {plugin.module} has no {' and no '.join(lacking)}")
    if plugin.kind == "tasks":
        if not isinstance(found.RULES, TaskRules):
            raise _wrong(plugin, f"RULES: expected TaskRules, got {found.RULES!r:.60}")
        return found
    _check_component(plugin, found)
    return found


def _check_component(plugin: Plugin, found: ModuleType) -> None:
    """Check the module of a model, data set or optimizer. Raises ConfigError."""
    if not (isinstance(found.Config, type) and issubclass(found.Config, Config)):
        raise _wrong(plugin, "its Config is no subclass of presets.schema.Config")
    with blaming(plugin.title, "has a Config whose defaults cannot be used"):
        defaults = options(found)
        if yaml.parse(yaml.dump(defaults), "Config") != defaults:
            raise ValueError(f"YAML does not give {defaults} back")
        convert(defaults, found.Config)
    lr = defaults.get("lr")
    if plugin.kind == "optimizers" and not _is_number(lr):
        raise _wrong(plugin, f"expected a number as default of its Config's lr, got {lr!r}")
    learned = getattr(found, "TASKS", tuple(RULES))
    if not (isinstance(learned, tuple) and learned and all(map(_is_task, learned))):
        allowed = f"{', '.join(RULES)} or PACKAGE:NAME of a plug-in"
        raise _wrong(plugin, f"TASKS: expected a tuple of {allowed}, got {learned!r:.60}")
    if not _is_number(tensors := getattr(found, "STATE_TENSORS", 0)):
        raise _wrong(plugin, f"STATE_TENSORS: expected a number, got {tensors!r}")


def _is_task(name: Any) -> bool:
    return isinstance(name, str) and (name in RULES or ":" in name)


def _keep_former_names() -> None:
    """Let `import engine.registry` and `from engine import registry` find what they did."""
    for former, now in _FORMER_NAMES.items():
        package, _, name = former.rpartition(".")
        sys.modules[former] = module = importlib.import_module(now)
        setattr(importlib.import_module(package), name, module)


def _guarded(plugin: Plugin, found: ModuleType, returns: Mapping[str, type[Struct]]) -> ModuleType:
    """A module with the same names, and a guard around the functions that the app calls."""
    guarded = ModuleType(found.__name__, found.__doc__)
    vars(guarded).update(vars(found))
    for name in ("check", "cost", "info", "build"):
        if hasattr(found, name):
            setattr(guarded, name, _guard(plugin, getattr(found, name), name, returns.get(name)))
    return guarded


def _guard(
    plugin: Plugin, function: Callable[..., Any], name: str, returns: type[Struct] | None
) -> Callable[..., Any]:
    @functools.wraps(function)
    def guarded(*arguments: Any) -> Any:
        with blaming(plugin.title, f"{name} failed", of_user=True):
            try:
                result = function(*arguments)
            except ValueError as error:
                if name == "check":  # its way to refuse
                    raise ConfigError(" ".join(str(error).split())) from None
                raise
            except Exception:
                if name == "build":  # in the engine, whose log has room for more than a line
                    traceback.print_exc()
                raise
        if returns is not None:
            _check_result(plugin, name, result, returns)
        return result

    return guarded


def _check_result(plugin: Plugin, name: str, result: Any, returns: type[Struct]) -> None:
    """Check the values in a result: structs do not check what they are constructed with."""
    if not isinstance(result, returns):
        raise _wrong(plugin, f"{name}: expected a {returns.__name__}, got {result!r:.60}")
    with blaming(plugin.title, f"{name} returned what cannot be used"):
        data = to_builtins(result)
        convert(data, returns)
        if name == "cost":
            numbers, least = data, 0
        else:
            if not _is_task(data["task"]):
                known = ", ".join(RULES)
                raise ConfigError(f"task: expected one of {known}, got {data['task']!r}")
            samples = {split: data["samples"].get(split, 0) for split in _SPLITS}
            shape = dict(enumerate(data["input_shape"] or [0]))
            numbers, least = {**samples, **shape, "num_outputs": data["num_outputs"]}, 1
        if min(numbers.values()) < least:
            raise ValueError(f"expected sizes >= {least}, got {data}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wrong(plugin: Plugin, what: str) -> ConfigError:
    return ConfigError(f"{plugin.title}: {what}")
