"""The user's own `config.yaml`: what holds for all of their runs and screens."""

import os
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from presets import yaml
from presets.convert import convert
from presets.errors import ConfigError
from presets.schema import Config, Count, Positive

DistributionName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$")]
Share = Annotated[float, Meta(gt=0, le=1)]
"""A number > 0 and <= 1."""
Factor = Annotated[float, Meta(gt=1)]
"""A number > 1."""
AlertKind = Literal[
    "nan",
    "divergence",
    "explosion",
    "clipping",
    "plateau",
    "stall",
    "disk",
    "target",
    "finished",
]
ThemeName = Literal["dark", "light", "colorblind-dark", "colorblind-light"]


class Alerts(Config, frozen=True):
    """The alerts that a user wants, and how; `tui/runs/alerts/alerts.py` says what they mean."""

    off: tuple[AlertKind, ...] = ()
    """The kinds of alerts that are off."""
    divergence_share: Positive = 0.5
    """A divergence is a training loss that has lost this share of its improvement again."""
    explosion_factor: Factor = 10.0
    """An explosion is a gradient norm this many times as large as any before."""
    clipped_share: Share | None = None
    """The share of clipped steps among the last 300 above which there is an alert. Without it there
    is none: some models are clipped at every step and learn well."""
    plateau_evaluations: Count = 20
    """A plateau is this many evaluations without a better validation loss, and at least half of the
    run so far."""
    bell: bool = False
    """Whether the terminal's bell rings."""
    notify: bool = False
    """Whether the terminal is asked for a desktop notification, by OSC 9."""
    command: tuple[str, ...] = ()
    """A program and its arguments, run for each alert; it finds the facts in its environment."""
    command_seconds: Annotated[float, Meta(gt=0, le=3600)] = 10.0
    """Seconds after which the program is ended."""

    def __post_init__(self) -> None:
        if self.command and not self.command[0].strip():
            raise ValueError("command: expected a program first, got ''")


class UserConfig(Config, frozen=True):
    """The user's configuration; every key may be left out."""

    plugins: tuple[DistributionName, ...] = ()
    """Installed distributions whose models, data sets and optimizers can be picked."""
    theme: ThemeName | None = None
    """Colours of the screen; without it, those chosen last."""
    ascii: bool | None = None
    """Whether everything is drawn in ASCII; without it, the terminal's name and locale decide."""
    mouse: bool = True
    """Whether the app reacts to the mouse, instead of leaving it to the terminal."""
    alerts: Alerts = Alerts()


def config_folder() -> Path:
    """The folder of the user's configuration and presets, which may not exist."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):  # the standard wants relative ones ignored
        base = os.path.expanduser("~/.config")
    return Path(base) / "bigmodel-tui"


def config_path() -> Path:
    """The path of the user's `config.yaml`, which may not exist."""
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
