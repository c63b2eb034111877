"""Optimizers of other packages, which come with the optional extra `optimizers`."""

import functools
import importlib
import importlib.util
from typing import Any

from presets import ConfigError


def require(package: str, optimizer: str) -> None:
    """Raise ConfigError, in one line, if a package is not installed; imports nothing."""
    if not _installed(package):
        raise ConfigError(
            f"optimizer: {optimizer} needs the optional packages; install with "
            "pip install 'bigmodel-tui[optimizers]'"
        )


def load(package: str, name: str) -> Any:
    """A class of the package. Raises ConfigError if the package cannot be imported."""
    require(package, name)
    try:
        return getattr(importlib.import_module(package), name)
    except (ImportError, AttributeError) as error:
        said = " ".join(str(error).split())
        raise ConfigError(f"optimizer: {package} has no usable {name}: {said:.150}") from None


@functools.cache  # the launch screen asks at each key
def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
