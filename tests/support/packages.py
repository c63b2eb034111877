"""Installed packages for tests of plug-ins, and a user's configuration that enables them."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.config import plugin_guard
from presets import plugins

MODEL = """
from engine.plugin import Config as Base, Cost
class Config(Base, frozen=True):
    width: int = 3
def cost(config, data):
    return Cost(num_parameters=config.width, multiply_adds=1)
def build(config, data):
    raise RuntimeError("not built here")
"""
DATASET = """
from engine.plugin import Config as Base, DatasetInfo
class Config(Base, frozen=True):
    pass
def info(config):
    return DatasetInfo(input_shape=(4,), num_outputs=2, samples={"train": 9, "val": 2, "test": 2})
def build(config):
    raise RuntimeError("not built here")
"""
OPTIMIZER = """
from presets.schema import Config as Base
class Config(Base, frozen=True):
    lr: float = 0.1
def build(config, groups):
    raise RuntimeError("not built here")
"""
SOURCES = {"models": MODEL, "datasets": DATASET, "optimizers": OPTIMIZER}


def install(site: Path, name: str, points: str, **modules: str) -> None:
    """What an installer leaves behind: `points` are the lines of entry_points.txt."""
    facts = site / f"{name.replace('-', '_')}-1.2.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (facts / "entry_points.txt").write_text(points)
    for module, source in modules.items():
        (site / f"{module}.py").write_text(source)


def forget() -> None:
    """Begin as a new process does."""
    plugins.scan.cache_clear()
    plugins._installed.cache_clear()
    plugin_guard._loaded.clear()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    forget()
    yield folder
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None)
        if file and Path(file).is_relative_to(folder):
            del sys.modules[name]
    forget()


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | bytes], Path]:
    """Writes the user's configuration; returns where."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def write(text: str | bytes) -> Path:
        path = tmp_path / "config/bigmodel-tui/config.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        forget()
        return path

    return write
