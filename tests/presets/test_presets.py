"""The shipped presets are usable, and unknown ones are answered with the nearest names."""

import pytest

import presets
from engine.config import configure, registry, task_rules
from presets import ConfigError
from presets.schema import Component, Recipe, plain, run_config


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("models", {"mlp", "logistic", "cnn-small", "cnn", "gru-char", "gpt-mini", "gpt-10m"}),
        ("datasets", {"digits", "fashion-mnist", "spirals", "bible-en", "text", "csv"}),
        ("optimizers", {"gd", "sgd", "momentum", "adam", "adamw"}),
        ("recipes", {"quickstart", "digits-cnn", "fashion-cnn", "bible-gpt", "gradient-explosion"}),
    ],
)
def test_the_promised_presets_exist(kind: presets.Kind, expected: set[str]) -> None:
    assert expected <= set(presets.names(kind))
    assert presets.names(kind) == sorted(presets.names(kind))


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in presets.KINDS for name in presets.names(kind)]
)
def test_every_preset_loads_and_fits_on_a_line(kind: presets.Kind, name: str) -> None:
    description = presets.load(kind, name).description
    assert description.isprintable()
    assert 10 <= len(description) <= 120


def test_a_recipe_for_data_of_a_person_asks_for_its_path() -> None:
    with pytest.raises(
        ConfigError, match=r"^dataset\.path: missing; expected the path of a folder"
    ):
        configure.resolve(recipe="gpt2-small")
    assert "dataset.path" in presets.load("recipes", "gpt2-small").description


@pytest.mark.parametrize("name", [n for n in presets.names("recipes") if n != "gpt2-small"])
def test_every_recipe_resolves_to_a_run(name: str) -> None:
    config = configure.resolve(recipe=name)
    assert configure.plan(config).steps >= 1
    assert run_config(plain(config)) == config


def suits(model: str, dataset: str) -> bool:
    data = presets.load("datasets", dataset)
    part = Component(name=dataset, type=data.type, options=data.options)
    try:
        info = registry.module("dataset", data.type).info(registry.config("dataset", part))
    except ConfigError:
        return False  # its path has to be given
    flat = model.startswith("cnn") and len(info.input_shape) != 3
    return task_rules.learns(presets.load("models", model).type, info) and not flat


@pytest.mark.parametrize("model", presets.names("models"))
@pytest.mark.parametrize("dataset", presets.names("datasets"))
def test_every_model_has_a_size_on_every_data_set_that_suits_it(model: str, dataset: str) -> None:
    if not suits(model, dataset):
        with pytest.raises(ConfigError) as caught:
            configure.plan(configure.resolve(model=model, dataset=dataset))
        assert len(str(caught.value).splitlines()) == 1
        return
    config = configure.resolve(model=model, dataset=dataset)
    plan = configure.plan(config)
    assert plan.num_parameters > 0
    assert plan.steps == config.epochs * plan.steps_per_epoch


@pytest.mark.parametrize("optimizer", presets.names("optimizers"))
def test_every_optimizer_preset_is_what_its_component_takes(optimizer: str) -> None:
    if optimizer == "sparse-adam":  # of no model that has no embeddings
        with pytest.raises(ConfigError, match=r"^optimizer: sparse-adam .* mlp lacks"):
            configure.resolve(optimizer=optimizer)
        return
    config = configure.resolve(optimizer=optimizer)
    assert config.optimizer.type in registry.names("optimizer")
    assert config.optimizer.options["lr"] > 0


def test_quickstart_is_the_run_that_the_readme_promises() -> None:
    config = configure.resolve(recipe="quickstart")
    names = (config.model.name, config.dataset.name, config.optimizer.name)
    assert names == ("mlp", "digits", "adam")
    assert config.optimizer.options["lr"] == 1e-3
    assert (config.batch_size, config.epochs, config.steps) == (32, 10, None)
    assert (config.clip.mode, config.clip.threshold) == ("norm", 1.0)
    assert configure.plan(config).steps == 400


def test_gd_takes_the_whole_training_set() -> None:
    config = configure.resolve(optimizer="gd")
    assert config.batch_size == "full"
    assert configure.plan(config).steps_per_epoch == 1


def test_an_unknown_preset_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        presets.load("optimizers", "adm")
    known = ", ".join(presets.names("optimizers"))
    assert str(caught.value) == (
        f"unknown optimizer 'adm': did you mean adam or radam or nadam? known: {known}"
    )
    with pytest.raises(ConfigError, match=r"^unknown model '\.\./models/mlp': "):
        presets.load("models", "../models/mlp")


def test_a_recipe_is_strict_about_its_keys() -> None:
    with pytest.raises(ConfigError, match=r"^colour: unknown key; allowed: "):
        presets.convert(
            {"description": "d", "model": "m", "dataset": "d", "optimizer": "o", "colour": 1},
            Recipe,
        )
