"""Bad configurations are refused with one line: the key, what was given, what is allowed."""

import pytest

from engine.config import configure
from presets import ConfigError
from presets.schema import RunConfig, Target, plain, run_config

RUN_KEYS = ", ".join(sorted(RunConfig.__struct_fields__))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer.lr": -1}, "optimizer.lr: expected a number > 0.0, got -1"),
        ({"optimizer.lr": "fast"}, "optimizer.lr: expected a number, got 'fast'"),
        ({"optimizer.lr": True}, "optimizer.lr: expected a number, got True"),
        ({"optimizer.lr": None}, "optimizer.lr: expected a number, got None"),
        ({"optimizer.speed": 1}, "optimizer.speed: unknown key; allowed: betas, eps, lr"),
        (
            {"optimizer.type": "adm"},
            "unknown optimizer.type 'adm': did you mean adam or radam or nadam? known: ...",
        ),
        ({"batch_size": "half"}, "batch_size: expected a whole number or full, got 'half'"),
        ({"batch_size": 0}, "batch_size: expected a whole number >= 1, got 0"),
        ({"batch_size": 2.5}, "batch_size: expected a whole number or ..."),
        ({"epochs": 0}, "epochs: expected a whole number >= 1, got 0"),
        ({"steps": -3}, "steps: expected a whole number >= 1, got -3"),
        (
            {"epochs": None},
            "expected exactly one of epochs and steps, got epochs=None and steps=None",
        ),
        (
            {"clip.mode": "both"},
            "clip.mode: expected one of none, norm, value, parameter, agc, ...",
        ),
        ({"clip.threshold": 0}, "clip.threshold: expected a number > 0.0, got 0"),
        ({"clip": "norm"}, "clip: expected a mapping, got 'norm'"),
        ({"loss": "hinge"}, "loss: expected one of auto, cross_entropy, mse, ..."),
        ({"seed": -1}, "seed: expected a whole number >= 0, got -1"),
        ({"seed": 2**32}, "seed: expected a whole number <= 4294967295, got 4294967296"),
        ({"device": "tpu"}, "device: expected auto, cpu, cuda or cuda:N, got 'tpu'"),
        ({"device": "cuda:"}, "device: expected auto, cpu, cuda or cuda:N, got 'cuda:'"),
        ({"threads": 0}, "threads: expected a whole number >= 1, got 0"),
        ({"threads": "many"}, "threads: expected a whole number or auto, got 'many'"),
        (
            {"target": "accuracy > 1"},
            "target: expected text such as 'val/accuracy >= 0.97' or 'val/loss <= 0.1', "
            "got 'accuracy > 1'",
        ),
        ({"name": 5}, "name: expected text, got 5"),
        ({"model": "mlp"}, "model: expected a mapping, got 'mlp'"),
        ({"model.hidden": [64, 0]}, "model.hidden[1]: expected a whole number >= 1, got 0"),
        ({"model.hidden": 64}, "model.hidden: expected a list, got 64"),
        ({"model.dropout": 1}, "model.dropout: expected a number < 1.0, got 1"),
        ({"speed": 1}, f"speed: unknown key; allowed: {RUN_KEYS}"),
        ({"seed.x": 1}, "seed: expected a whole number, got {'x': 1}"),
        ({"epochs.x": 1}, "epochs.x: epochs is a value, not a mapping"),
        ({"batch_size": 1}, "batch_size: batch norm has no variance for 1 sample; expected >= 2"),
    ],
)
def test_a_bad_setting_is_named_in_one_line(settings: dict, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configure.resolve(settings=settings)
    said = str(caught.value)
    assert said == message or (message.endswith("...") and said.startswith(message[:-3]))
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("data", [None, 3, "text", [1], True])
def test_a_configuration_that_is_not_a_mapping(data: object) -> None:
    with pytest.raises(ConfigError) as caught:
        run_config(data, "config.yaml")
    assert str(caught.value) == f"config.yaml: expected a mapping, got {data!r}"


def test_a_missing_part_is_named() -> None:
    data = plain(configure.resolve())
    del data["optimizer"]
    with pytest.raises(ConfigError, match=r"^config\.yaml: optimizer: missing$"):
        run_config(data, "config.yaml")


def test_steps_and_epochs_replace_each_other() -> None:
    config = configure.resolve(settings={"steps": 5})
    assert (config.steps, config.epochs) == (5, None)
    assert configure.plan(config).steps == 5


def test_both_of_epochs_and_steps_in_a_file() -> None:
    data = plain(configure.resolve()) | {"steps": 5}
    with pytest.raises(ConfigError, match="exactly one of epochs and steps, got epochs=10 and"):
        run_config(data)


def test_a_full_batch_of_data_that_is_new_every_epoch() -> None:
    settings = {"dataset.fresh": True, "batch_size": "full"}
    with pytest.raises(ConfigError) as caught:
        configure.resolve(model="mlp", dataset="spirals", settings=settings)
    assert str(caught.value) == (
        "batch_size: spirals draws new samples every epoch and has no full batch; give a number"
    )


@pytest.mark.parametrize(
    ("target", "reached", "missed"),
    [("val/accuracy >= 0.97", 0.97, 0.9699), ("val/loss<=.1", 0.1, 0.11)],
)
def test_a_target(target: str, reached: float, missed: float) -> None:
    parsed = configure.resolve(settings={"target": target}).stop_target()
    assert isinstance(parsed, Target)
    assert parsed.reached(reached)
    assert not parsed.reached(missed)
    assert not parsed.reached(float("nan"))
