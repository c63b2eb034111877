"""From presets and settings to a checked configuration."""

import pytest

from engine.config import configure
from engine.config.configure import batches_per_epoch
from presets import ConfigError
from presets.schema import plain, run_config


def resolve(**arguments):
    return configure.resolve(**arguments)


def test_settings_win_over_presets_and_presets_over_the_recipe():
    assert resolve().batch_size == 32
    assert resolve().optimizer.options["lr"] == 1e-3
    assert resolve(optimizer="gd").batch_size == "full"
    assert resolve(optimizer="sgd").optimizer.options["lr"] == 0.1  # not the recipe's 1e-3
    assert resolve(settings={"optimizer.lr": 3e-4}).optimizer.options["lr"] == 3e-4
    settings = {"batch_size": 7, "clip.mode": "none", "model.hidden": [8]}
    config = resolve(settings=settings)
    assert (config.batch_size, config.clip.mode, config.clip.threshold) == (7, "none", 1.0)
    assert config.model.options["hidden"] == [8]


def test_a_configuration_survives_its_plain_form():
    config = resolve(model="cnn-small", dataset="digits", settings={"name": "é 1"})
    assert run_config(plain(config)) == config


def test_epochs_and_steps_clear_each_other():
    config = resolve(settings={"steps": 7})
    assert (config.steps, config.epochs) == (7, None)
    assert configure.plan(config).steps == 7
    config = resolve(settings={"steps": 7, "epochs": 2})
    assert (config.steps, config.epochs) == (None, 2)
    plan = configure.plan(config)
    assert (plan.steps_per_epoch, plan.steps) == (40, 80)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer.lr": "fast"}, r"optimizer\.lr: expected a number.*got 'fast'"),
        ({"optimizer.lr": 0}, r"optimizer\.lr"),
        ({"optimizer.beta": 0.9}, r"optimizer\.beta: unknown key; allowed: .*lr"),
        ({"model.width": 3}, r"model\.width: unknown key"),
        ({"colour": 1}, "colour: unknown key"),
        ({"clip.mode": "hard"}, r"clip\.mode"),
        ({"batch_size.x": 1}, "batch_size is a value"),
        ({"batch_size": 0}, "batch_size"),
        ({"epochs": 0}, "epochs"),
        ({"target": "val/f1 > 2"}, "target: expected text such as"),
        ({"device": "gpu"}, "device: expected auto"),
        ({"seed": -1}, "seed"),
        ({"model.type": "vit"}, "unknown model.type 'vit'"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ConfigError, match=message) as caught:
        resolve(settings=settings)
    assert len(str(caught.value).splitlines()) == 1


def test_unknown_presets_are_named():
    with pytest.raises(ConfigError, match="did you mean adam"):
        resolve(optimizer="adamm")


def test_full_batch_needs_data_that_stays():
    with pytest.raises(ConfigError, match="spirals draws new samples every epoch"):
        resolve(dataset="spirals", optimizer="gd", settings={"dataset.fresh": True})
    resolve(dataset="spirals", settings={"dataset.fresh": True})


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"dataset.samples": 29}, "samples"),
        ({"dataset.noise": -0.1}, "noise"),
        ({"dataset.turns": 0}, "turns"),
        ({"dataset.fresh": "yes"}, "fresh"),
    ],
)
def test_bad_spirals(settings, key):
    with pytest.raises(ConfigError, match=rf"dataset\.{key}: expected"):
        resolve(dataset="spirals", settings=settings)


@pytest.mark.parametrize(
    ("samples", "batch_size", "batches"),
    [(96, 32, 3), (97, 32, 3), (98, 32, 4), (5, 1, 5), (10, 10, 1), (10, 64, 1)],
)
def test_batches_per_epoch(samples, batch_size, batches):
    assert batches_per_epoch(samples, batch_size) == batches


def test_a_batch_larger_than_the_data_is_the_whole_data():
    plan = configure.plan(resolve(settings={"batch_size": 100_000}))
    assert (plan.batch_size, plan.steps_per_epoch) == (1257, 1)


def test_data_of_a_person_is_found_from_anywhere(tmp_path, monkeypatch):
    (tmp_path / "mine.txt").write_text("abcd" * 4000)
    monkeypatch.chdir(tmp_path)
    config = configure.resolve(
        model="gru-char", dataset="text", settings={"dataset.path": "mine.txt"}
    )
    assert config.dataset.options["path"] == str(tmp_path / "mine.txt")
