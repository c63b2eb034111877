"""The user's own presets: YAML files under `presets/` of their configuration folder.

They are named and written as the shipped ones are, and read once a process. What is wrong with a
file never keeps the others from use: it is a line in `problems`.
"""

import functools
import re
from pathlib import Path
from typing import Literal, get_args

from msgspec import Struct

from presets import plugins, yaml
from presets.convert import convert
from presets.errors import ConfigError
from presets.schema import Preset, Recipe
from presets.userconfig import config_folder

Kind = Literal["models", "datasets", "optimizers", "recipes"]

MOST_FILES = 1000
"""Maximum number of files of one kind."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class Own(Struct, frozen=True):
    """A preset of the user's that can be used."""

    path: Path
    preset: Preset | Recipe


class Found(Struct, frozen=True):
    """The user's presets by kind and name: those that can be used, and a line for each other
    file."""

    presets: dict[tuple[str, str], Own] = {}
    problems: dict[tuple[str, str], str] = {}


def folder(kind: Kind) -> Path:
    """The folder of the files of a kind, which may not exist."""
    return config_folder() / "presets" / kind


def names(kind: Kind) -> list[str]:
    """The user's presets of a kind that can be used."""
    return [name for of_kind, name in scan().presets if of_kind == kind]


def named(kind: Kind, name: str) -> Own | None:
    """The user's preset of this kind and name; None if there is none."""
    return scan().presets.get((kind, name))


def problem(kind: Kind, name: str) -> str | None:
    """Why a file of that name cannot be used, in one line that names it."""
    return scan().problems.get((kind, name))


def problems() -> list[str]:
    """What is wrong with the user's presets, a line each."""
    return list(scan().problems.values())


def forget() -> None:
    """Read the files again at the next use: one was written."""
    scan.cache_clear()


def check_name(kind: Kind, name: str) -> None:
    """Raises ConfigError if a preset of the user's cannot have this name."""
    if not _NAME.fullmatch(name):
        raise ConfigError(f"expected a name of up to 64 letters, digits, - and _, got {name!r:.80}")
    shipped = (path.stem for path in (Path(__file__).parent / kind).glob("*.yaml"))
    what = kind.removesuffix("s")
    if rival := next((other for other in shipped if plugins.same_name(other, name)), None):
        raise ConfigError(f"the name is that of the built-in {what} {rival}")
    for other in plugins.names(kind):
        if plugins.same_name(other, name):
            raise ConfigError(f"the name is that of the {what} {other} of a plug-in")


@functools.cache
def scan() -> Found:
    """Read all files."""
    found = Found()
    for kind in get_args(Kind):
        for path in _files(kind, found):
            try:
                check_name(kind, path.stem)
                found.presets[kind, path.stem] = Own(path, _read(kind, path))
            except ConfigError as error:
                line = str(error)
                line = line if line.startswith(str(path)) else f"{path}: {line}"
                found.problems[kind, path.stem] = line
    return found


def _files(kind: Kind, found: Found) -> list[Path]:
    where = folder(kind)
    if not where.is_absolute():  # a user without a home
        return []
    try:
        paths = sorted(p for p in where.iterdir() if p.suffix == ".yaml" and p.name[0] != ".")
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        found.problems[kind, ""] = f"{where}: cannot be read ({error.strerror})"
        return []
    if len(paths) > MOST_FILES:
        found.problems[kind, ""] = f"{where}: has {len(paths)} presets; {MOST_FILES} are read"
    return paths[:MOST_FILES]


def _read(kind: Kind, path: Path) -> Preset | Recipe:
    if not path.is_file():  # a pipe would be waited for
        raise ConfigError("is no file")
    data = yaml.read(path)
    if not isinstance(data, dict):
        raise ConfigError(f"expected a mapping, got {data!r:.60}")
    return convert(data, Recipe) if kind == "recipes" else convert(data, Preset)
