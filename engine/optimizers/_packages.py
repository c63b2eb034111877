"""Optimizers of other packages, which the optional extra `optimizers` installs."""

import functools
import importlib
import importlib.util
from typing import Any

from presets import ConfigError


def require(package: str, optimizer: str) -> None:
    """Raises ConfigError, in one line, if `package` is not installed; does not import it."""
    if not _installed(package):
        raise ConfigError(
            f"optimizer: {optimizer} needs the optional packages; install with "
            "pip install 'bigmodel-tui[optimizers]'"
        )


def load(package: str, name: str) -> Any:
    """The class `name` of a package. Raises ConfigError, in one line, if it cannot be imported."""
    require(package, name)
    try:
        return getattr(importlib.import_module(package), name)
    except (ImportError, AttributeError) as error:
        said = " ".join(str(error).split())
        raise ConfigError(f"optimizer: {package} has no usable {name}: {said:.150}") from None


@functools.cache  # the launch screen asks at each key
def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
