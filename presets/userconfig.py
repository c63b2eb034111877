"""The user's own `config.yaml`: what holds for all of their runs and screens."""

import os
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from presets import yaml
from presets.convert import convert
from presets.errors import ConfigError
from presets.schema import Config

DistributionName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$")]


class UserConfig(Config, frozen=True):
    """The keys of the file; all may be left out."""

    plugins: tuple[DistributionName, ...] = ()
    """Installed distributions whose models, data sets and optimizers can be picked."""


def config_folder() -> Path:
    """Where the user's configuration and presets are, or would be."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):  # the standard wants relative ones ignored
        base = os.path.expanduser("~/.config")
    return Path(base) / "bigmodel-tui"


def config_path() -> Path:
    """The user's `config.yaml`."""
    return config_folder() / "config.yaml"


def read_config() -> UserConfig:
    """The user's configuration; no file is an empty one. ConfigError names the file and the key."""
    path = config_path()
    try:
        if not path.is_absolute():  # a user without a home
            return UserConfig()
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return UserConfig()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    data = yaml.read(path)
    if data is None:
        return UserConfig()
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected a mapping, got {data!r:.60}")
    try:
        return convert(data, UserConfig)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
