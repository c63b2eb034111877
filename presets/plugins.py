"""Plug-ins: models, data sets, optimizers and tasks of installed packages, enabled by the user by
name.

The user's `config.yaml` lists distributions; those, and no others, are asked for entry points of
the groups `bigmodel_tui.models`, `bigmodel_tui.datasets`, `bigmodel_tui.optimizers` and
`bigmodel_tui.tasks`. An entry point's name is the preset's name, its value the module;
`engine/config/registry.py` says what the module has to offer. Nothing is imported here but what is
asked for with `load`.

A component's type is "DISTRIBUTION:NAME", so that no type of a plug-in is that of a file under
`engine/`, and a run says where its parts came from. What is wrong with a plug-in never keeps the
others from use: it is a line in `problems`.
"""

import functools
import importlib
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, cast, get_args

from msgspec import Struct

from presets.errors import ConfigError
from presets.schema import Preset
from presets.userconfig import config_path, read_config

Kind = Literal["models", "datasets", "optimizers", "tasks"]

_GROUP = "bigmodel_tui."
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


class Plugin(Struct, frozen=True):
    """One entry point of an enabled distribution."""

    kind: Kind
    name: str
    """The name of the preset."""
    distribution: str
    version: str
    module: str

    @property
    def type(self) -> str:
        """The type of the component."""
        return f"{self.distribution}:{self.name}"

    @property
    def title(self) -> str:
        """The beginning of an error."""
        return f"plug-in {self.distribution}: {self.kind.removesuffix('s')} {self.name!r}"

    def preset(self) -> Preset:
        """The preset, without options: the defaults of the module's `Config` apply."""
        described = f"from {self.distribution} {self.version}"
        return Preset(description=described, type=self.type)


class Found(Struct, frozen=True):
    """The plug-ins that the user has enabled, and the problems with them."""

    plugins: tuple[Plugin, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    """A distribution (empty if it is the whole file) and a line that says what is wrong with it."""
    enabled: tuple[str, ...] = ()


def names(kind: str) -> list[str]:
    """The presets of a kind that plug-ins bring."""
    return [plugin.name for plugin in scan().plugins if plugin.kind == kind]


def types(kind: str) -> list[str]:
    """The types of the components that plug-ins bring."""
    return [plugin.type for plugin in scan().plugins if plugin.kind == kind]


def named(kind: str, name: str) -> Plugin | None:
    """The plug-in that brings a preset."""
    return next((p for p in scan().plugins if (p.kind, p.name) == (kind, name)), None)


def versions(component_types: Iterable[str]) -> dict[str, str]:
    """The distributions that bring some components, with their versions."""
    wanted = set(component_types)
    return {p.distribution: p.version for p in scan().plugins if p.type in wanted}


def problems() -> list[str]:
    """What is wrong with the user's configuration and the plug-ins in it, a line each."""
    return [line for _, line in scan().problems]


def check() -> None:
    """Raises ConfigError if the user's configuration cannot be read at all.

    A plug-in that is missing or wrong is no reason: it is in `problems`, and the others can be
    used.
    """
    for about, line in scan().problems:
        if not about:
            raise ConfigError(line)


def of_type(kind: Kind, component_type: str) -> Plugin:
    """The plug-in that brings a component; ConfigError says why there is none."""
    found = scan()
    for plugin in found.plugins:
        if (plugin.kind, plugin.type) == (kind, component_type):
            return plugin
    what = f"{kind.removesuffix('s')}.type: {component_type!r}"
    distribution, _, name = component_type.partition(":")
    # Of a distribution that is enabled, or of a file that cannot be read.
    for about, line in found.problems:
        if about in ("", distribution):
            raise ConfigError(f"{what} is not at hand: {line}")
    if distribution in found.enabled:
        raise ConfigError(f"{what}: plug-in {distribution} offers no {kind} of the name {name!r}")
    install = "" if distribution in _installed() else "install it and "
    raise ConfigError(
        f"{what} is of the plug-in {distribution!r}, which is not enabled: {install}name it under "
        f"'plugins' in {config_path()}"
    )


def hint(kind: str, name: str) -> str:
    """The end of an error line that says which plug-in would bring a preset of that name; "" if
    none."""
    enabled = scan().enabled
    for distribution, offered in _installed().items():
        if (kind, name) in offered and distribution not in enabled:
            return (
                f"; the installed package {distribution} offers it: name that under 'plugins' in "
                f"{config_path()}"
            )
    return ""


def load(plugin: Plugin) -> ModuleType:
    """Import a plug-in's module. Raises whatever the import raises."""
    return importlib.import_module(plugin.module)


@functools.cache
def scan() -> Found:
    """The plug-ins that the user has enabled, read once a process."""
    try:
        enabled = tuple(dict.fromkeys(map(_normal, read_config().plugins)))
    except ConfigError as error:
        return Found(problems=(("", str(error)),))
    plugins: list[Plugin] = []
    problems: list[tuple[str, str]] = []
    for distribution in enabled:
        try:
            plugins += _offered(distribution)
        except ConfigError as error:
            problems.append((distribution, str(error)))
    for plugin in plugins:
        if others := _rivals(plugin, plugins):
            line = f"{plugin.title}: refused, the name is also that of {' and of '.join(others)}"
            problems.append((plugin.distribution, line))
    refused = {line.partition(": refused")[0] for _, line in problems}
    accepted = tuple(plugin for plugin in plugins if plugin.title not in refused)
    return Found(accepted, tuple(problems), enabled)


def _offered(distribution: str) -> list[Plugin]:
    """The entry points of an installed distribution. Raises ConfigError."""
    from importlib import metadata  # slow, and most people have no plug-ins

    where = f"{config_path()}: plugins: {distribution!r}"
    try:
        found = metadata.distribution(distribution)
        version = str(found.version)
        points = [point for point in found.entry_points if point.group.startswith(_GROUP)]
    except metadata.PackageNotFoundError:
        raise ConfigError(f"{where} is not installed; {_who_offers()}") from None
    except Exception as error:  # its files are its own
        raise ConfigError(f"{where} cannot be read ({type(error).__name__}: {error})") from None
    plugins = []
    for point in points:
        kind = point.group.removeprefix(_GROUP)
        if kind not in get_args(Kind):
            continue
        plugin = Plugin(cast("Kind", kind), point.name, distribution, version, point.value.strip())
        if not _NAME.fullmatch(point.name):
            allowed = "up to 64 letters, digits, - and _"
            raise ConfigError(f"{plugin.title}: expected a name of {allowed}")
        if not _MODULE.fullmatch(plugin.module):
            raise ConfigError(f"{plugin.title}: expected the name of a module, got {point.value!r}")
        plugins.append(plugin)
    if not plugins:
        raise ConfigError(
            f"{where} offers no models, datasets, optimizers or tasks; {_who_offers()}"
        )
    return plugins


def _rivals(plugin: Plugin, plugins: list[Plugin]) -> list[str]:
    """Other plug-ins and presets with its name, as `same_name` compares them."""
    shipped = (Path(__file__).parent / plugin.kind).glob("*.yaml")
    rivals = [f"the built-in {path.stem}" for path in shipped if same_name(path.stem, plugin.name)]
    return rivals + [
        f"plug-in {other.distribution}"
        for other in plugins
        if other is not plugin and other.kind == plugin.kind and same_name(other.name, plugin.name)
    ]


def same_name(name: str, other: str) -> bool:
    """Whether two names are too alike to be told apart; `-` and `_`, small and large letters."""
    return _normal(name) == _normal(other)


def _normal(name: str) -> str:
    """A name in the normal form of PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _who_offers() -> str:
    known = ", ".join(sorted(_installed()))
    return f"installed packages that offer some: {known or 'none'}"


@functools.cache
def _installed() -> dict[str, set[tuple[str, str]]]:
    """The installed distributions with plug-ins, enabled or not, with the kinds and names that they
    offer."""
    return dict(_all_installed())


def _all_installed() -> Iterator[tuple[str, set[tuple[str, str]]]]:
    from importlib import metadata

    for found in metadata.distributions():
        with suppress(Exception):  # damaged ones are not ours to report
            points: Any = [point for point in found.entry_points if point.group.startswith(_GROUP)]
            if points:
                offered = {(point.group.removeprefix(_GROUP), point.name) for point in points}
                yield _normal(found.metadata["Name"]), offered
