"""The user's own presets: found, told apart from ours, and never in the way."""

import os
import sys
from pathlib import Path

import pytest

import presets
from engine.config import configure
from engine.datasets._environments import facts
from presets import ConfigError, userpresets
from tui.commands import presets as catalog

RECIPE = """description: The quickstart, slower
model: mlp
dataset: digits
optimizer: adam
settings:
  optimizer: {lr: 2e-4}
  steps: 70
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes a preset of the user's, and has it read."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    userpresets.forget()

    def to(kind: str, name: str, text: str) -> Path:
        path = tmp_path / "bigmodel-tui" / "presets" / kind / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        userpresets.forget()
        return path

    yield to
    monkeypatch.undo()
    userpresets.forget()


def test_without_a_folder_there_are_ours_only(write) -> None:
    assert presets.problems() == []
    assert presets.origin("recipes", "quickstart") is None


def test_a_recipe_and_an_optimizer_of_the_user_are_presets_like_others(write) -> None:
    path = write("recipes", "slow", RECIPE)
    write("optimizers", "adam-slow", "description: Adam, slowly\ntype: adam\noptions: {lr: 1e-5}\n")
    assert "slow" in presets.names("recipes")
    assert presets.names("recipes") == sorted(presets.names("recipes"))
    assert presets.origin("recipes", "slow") == path
    config = configure.resolve(recipe="slow")
    assert (config.steps, config.optimizer.options["lr"]) == (70, 2e-4)
    config = configure.resolve(recipe="slow", optimizer="adam-slow")
    assert config.optimizer.options["lr"] == 1e-5
    assert presets.problems() == []


@pytest.mark.parametrize(
    ("kind", "name", "text", "said"),
    [
        ("recipes", "quickstart", RECIPE, "the name is that of the built-in recipe quickstart"),
        ("recipes", "Quick_Start", RECIPE.replace("model:", "modle:"), "modle: unknown key"),
        ("recipes", "digits_CNN", RECIPE, "the name is that of the built-in recipe digits-cnn"),
        ("recipes", "a b", RECIPE, "expected a name of up to 64 letters, digits, - and _"),
        ("recipes", "empty", "", "expected a mapping, got None"),
        ("recipes", "list", "[1]", "expected a mapping, got [1]"),
        ("models", "open", "{", "line 1: "),
        ("models", "bare", "description: nothing\n", "type: missing"),
    ],
)
def test_what_cannot_be_used_is_a_line_and_the_rest_stays(
    write, kind: presets.Kind, name: str, text: str, said: str
) -> None:
    path = write(kind, name, text)
    write("recipes", "slow", RECIPE)
    (line,) = presets.problems()
    assert line.startswith(f"{path}: ")
    assert said in line
    assert len(line.splitlines()) == 1
    assert "slow" in presets.names("recipes")
    assert presets.load("recipes", "quickstart").description.startswith("The mlp")
    if name not in presets.names(kind):
        with pytest.raises(ConfigError) as caught:
            presets.load(kind, name)
        assert str(caught.value) == line


def test_a_pipe_and_a_folder_are_not_read(write, tmp_path: Path) -> None:
    path = write("recipes", "slow", RECIPE)
    os.mkfifo(path.with_name("pipe.yaml"))
    path.with_name("folder.yaml").mkdir()
    userpresets.forget()
    assert [line.rpartition(": ")[2] for line in presets.problems()] == ["is no file"] * 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("steps: 70", "steps: soon"), "steps: expected"),
        (("lr: 2e-4", "lr: -1"), "optimizer.lr: expected a number > 0.0, got -1"),
        (("model: mlp", "model: mlpp"), "unknown model 'mlpp': did you mean mlp"),
        (("steps: 70", "colour: red"), "colour: unknown key"),
    ],
)
def test_a_recipe_whose_settings_are_wrong_is_named_where_it_is_used(write, change, said) -> None:
    path = write("recipes", "slow", RECIPE.replace(*change))
    with pytest.raises(ConfigError) as caught:
        configure.resolve(recipe="slow")
    assert str(caught.value).startswith(f"{path}: {said}")


def test_an_optimizer_whose_options_are_wrong_is_named_too(write) -> None:
    text = "description: Adam, wrongly\ntype: adam\noptions: {lr: fast}\n"
    path = write("optimizers", "adam-wrong", text)
    with pytest.raises(ConfigError) as caught:
        configure.resolve(optimizer="adam-wrong")
    assert str(caught.value) == f"{path}: optimizer.lr: expected a number, got 'fast'"


def test_a_setting_typed_wrongly_is_not_the_file_s_fault(write) -> None:
    write("recipes", "slow", RECIPE)
    with pytest.raises(ConfigError) as caught:
        configure.resolve(recipe="slow", settings={"seed": -1})
    assert str(caught.value).startswith("seed: expected")


def test_a_recipe_wins_over_what_its_own_optimizer_brings_along(write) -> None:
    assert configure.resolve(optimizer="gd").steps == 300
    write("recipes", "short-gd", RECIPE.replace("optimizer: adam", "optimizer: gd"))
    config = configure.resolve(recipe="short-gd")
    assert (config.steps, config.epochs, config.batch_size) == (70, None, "full")


def test_patterns_of_parameters_are_no_dotted_keys(write) -> None:
    groups = "  groups: {lr_scale: {'head.*': 0.1}}\n"
    write("recipes", "slow", RECIPE + groups)
    assert configure.resolve(recipe="slow").groups.lr_scale == {"head.*": 0.1}


def test_the_catalog_says_which_presets_need_what_is_not_installed(monkeypatch) -> None:
    facts.look.cache_clear()
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    problems = {entry["name"]: entry.get("problem", "") for entry in catalog.entries()}
    for name in ("gymnasium", "actor-critic", "cartpole"):
        assert "pip install 'bigmodel-tui[games]'" in problems.pop(name)
    assert not any(problems.values())


def test_the_catalog_says_where_presets_are_from_and_what_is_wrong_with_them(write) -> None:
    good = write("recipes", "slow", RECIPE)
    broken = write("recipes", "broken", "model: [")
    wrong = write("optimizers", "wrong", "description: Wrongly\ntype: adam\noptions: {lr: fast}\n")
    found = {(entry["kind"], entry["name"]): entry for entry in catalog.entries()}
    assert found["recipe", "quickstart"]["origin"] == "built-in"
    assert found["recipe", "slow"]["origin"] == str(good)
    assert found["recipe", "slow"]["steps"] == 70
    assert found["recipe", "broken"]["problem"].startswith(f"{broken}: line 1: ")
    assert "expected a number, got 'fast'" in found["optimizer", "wrong"]["problem"]
    lines = catalog.lines(list(found.values()))
    assert sum(f"from {good}" in line for line in lines) == 1
    assert sum(f"from {wrong}" in line for line in lines) == 1
    assert sum(str(broken) in line for line in lines) == 1
    assert not any("from built-in" in line for line in lines)
