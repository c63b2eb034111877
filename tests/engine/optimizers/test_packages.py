"""Optimizers of absent packages are refused in one line, and nothing else breaks."""

import pytest

import presets
from engine.config import configure, registry
from engine.optimizers import _packages
from presets import ConfigError
from presets.schema import ParameterGroups
from tui.choices.choice import Choice

OTHERS = [
    name
    for name in presets.names("optimizers")
    if hasattr(registry.module("optimizer", presets.load("optimizers", name).type), "GROUP_MEMORY")
]


@pytest.fixture
def bare(monkeypatch):
    """An installation without the optional packages."""
    monkeypatch.setattr(_packages.importlib.util, "find_spec", lambda name: None)
    _packages._installed.cache_clear()
    yield
    _packages._installed.cache_clear()


def test_there_are_some():
    promised = {"lion", "soap", "prodigy", "sophia", "lamb", "shampoo"}
    assert promised | {"schedule-free-adamw", "schedule-free-sgd"} == set(OTHERS)


@pytest.mark.parametrize("name", OTHERS)
def test_an_absent_package_is_said_in_one_line(bare, name):
    with pytest.raises(ConfigError) as caught:
        configure.resolve(optimizer=name)
    assert str(caught.value) == (
        f"optimizer: {name} needs the optional packages; install with "
        "pip install 'bigmodel-tui[optimizers]'"
    )


@pytest.mark.parametrize("name", OTHERS)
def test_building_says_so_too(bare, name):
    from support.optimizing import build, model

    with pytest.raises(ConfigError, match="install with pip install"):
        build(model(), name)


def test_a_package_that_does_not_import_is_said_in_one_line(monkeypatch):
    def broken(name):
        raise ImportError(f"{name}: an old\nlibrary")

    monkeypatch.setattr(_packages.importlib, "import_module", broken)
    with pytest.raises(ConfigError, match=r"no usable Lion: pytorch_optimizer: an old library$"):
        _packages.load("pytorch_optimizer", "Lion")


def test_the_launch_screen_lists_them_and_says_why_they_cannot_start(bare):
    choice = Choice(optimizers=("lion",))
    with pytest.raises(ConfigError, match="needs the optional packages"):
        choice.configs()
    assert choice.parameter_counts()
    assert Choice(optimizers=("adam",)).configs()
    assert ParameterGroups() == Choice().configs()[0].groups
