"""What a person chose: from presets and typed settings to configurations, without widgets."""

from dataclasses import replace
from pathlib import Path

import pytest

import presets
from engine.config import task_rules
from presets import ConfigError
from tui.choices.choice import FIELDS, START_SECONDS, Choice, Field

BY_KEY: dict[str, Field] = {field.key: field for field in FIELDS}


def test_the_first_choice_is_the_quickstart() -> None:
    (config,) = Choice().configs()
    assert (config.model.name, config.dataset.name) == ("mlp", "digits")
    assert (config.optimizer.name, config.optimizer.options["lr"]) == ("adam", 1e-3)
    assert (config.batch_size, config.epochs) == (32, 10)
    assert (config.clip.mode, config.clip.threshold) == ("norm", 1.0)


def test_several_optimizers_differ_in_nothing_else() -> None:
    choice = Choice(optimizers=("sgd", "adam", "momentum"), values={"seed": "7", "length": "30"})
    configs = choice.configs()
    assert [config.optimizer.name for config in configs] == ["sgd", "adam", "momentum"]
    for config in configs:
        assert config.seed == 7
        assert config.epochs == 30
        assert (config.model, config.dataset) == (configs[0].model, configs[0].dataset)
        assert config.batch_size == configs[0].batch_size
    seconds = sum(plan.seconds for plan in choice.plans())
    assert choice.seconds() == pytest.approx(START_SECONDS + seconds)


@pytest.mark.parametrize(
    ("key", "text", "setting", "value"),
    [
        ("length", "5", "epochs", 5),
        ("length", "1 epoch", "epochs", 1),
        ("length", "400 steps", "steps", 400),
        ("batch", "64", "batch_size", 64),
        ("batch", "full", "batch_size", "full"),
        ("lr", "3e-4", "optimizer.lr", 3e-4),
        ("clip", "none", "clip.mode", "none"),
        ("clip", "value 0.5", "clip.threshold", 0.5),
        ("clip", "norm 2", "clip.mode", "norm"),
        ("seed", "12", "seed", 12),
        ("device", "cuda:1", "device", "cuda:1"),
    ],
)
def test_a_typed_setting(key: str, text: str, setting: str, value: object) -> None:
    assert BY_KEY[key].parse(text)[setting] == value
    choice = Choice(values={key: text})
    assert choice.problem(BY_KEY[key]) is None
    assert len(choice.configs()) == 1


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("length", "0", "epochs: expected"),
        ("length", "ten", "epochs: expected"),
        ("length", "10 hours", "train for: expected '10 epochs' or '400 steps', got '10 hours'"),
        ("length", "10 20 steps", "train for: expected"),
        ("length", "1.5", "epochs: expected"),
        ("batch", "-1", "batch_size: expected"),
        ("batch", "all", "batch_size: expected"),
        ("lr", "-1", "optimizer.lr: expected a number > 0.0, got -1"),
        ("lr", "0", "optimizer.lr: expected a number > 0.0, got 0"),
        ("lr", "fast", "optimizer.lr: expected a number, got 'fast'"),
        ("lr", ".nan", "expected a finite number"),
        ("clip", "hard", "such as 'norm 1.0', got 'hard'"),
        ("clip", "norm", "clip: expected 'none', or a limit after norm, value,"),
        ("clip", "norm -1", "clip.threshold: expected"),
        ("clip", "none 3", "clip: expected 'none', or a limit after norm, value,"),
        ("seed", "-1", "seed: expected"),
        ("seed", "1.5", "seed: expected"),
        ("device", "gpu", "device: expected auto, cpu, cuda or cuda:N, got 'gpu'"),
        ("lr", "[", "Learning rate: line 1: "),
        ("lr", "*x", "aliases (*name) are not allowed"),
        ("lr", "1: 2: 3", "Learning rate: "),
        ("device", "\x1b[31m", "Device: "),
    ],
)
def test_a_setting_that_cannot_be_used_is_explained_in_one_line(
    key: str, text: str, said: str
) -> None:
    choice = Choice(values={key: text})
    problem = choice.problem(BY_KEY[key])
    assert problem is not None
    assert said in problem
    assert len(problem.splitlines()) == 1
    with pytest.raises(ConfigError):
        choice.configs()


@pytest.mark.parametrize(
    ("model", "optimizer"),
    [
        *(("mlp", name) for name in presets.names("optimizers") if name != "sparse-adam"),
        *((name, "adam") for name in presets.names("models")),
    ],
)
def test_what_is_shown_as_a_default_can_be_typed_and_changes_nothing(
    model: str, optimizer: str
) -> None:
    dataset = task_rules.suited_data(presets.load("models", model).type)
    choice = Choice(model=model, dataset=dataset, optimizers=(optimizer,))
    typed = replace(choice, values=choice.defaults())
    assert typed.configs() == choice.configs()


def test_defaults_that_differ_between_marked_optimizers_say_so() -> None:
    defaults = Choice(optimizers=("adam", "sgd")).defaults()
    assert defaults["lr"] == "varies"
    assert defaults["seed"] == "0"
    assert Choice(optimizers=("adam",)).defaults()["lr"] == "0.001"


def test_parameter_counts_follow_the_data_set() -> None:
    digits = Choice().parameter_counts()
    fashion = Choice(dataset="fashion-mnist").parameter_counts()
    assert set(digits) == set(presets.names("models"))
    assert digits["mlp"] == "59,338"
    assert fashion["mlp"] != digits["mlp"]
    assert Choice(dataset="spirals").parameter_counts()["cnn-small"] == "needs images"


@pytest.mark.parametrize("dataset", presets.names("datasets"))
def test_a_kind_of_data_that_a_model_cannot_learn_is_named_and_never_called_a_fit(
    dataset: str,
) -> None:
    for model, note in Choice(dataset=dataset).parameter_counts().items():
        assert "fit" not in note
        try:
            Choice(model=model, dataset=dataset).configs()
        except ConfigError as error:
            missing = "missing" in str(error)  # the path, of which no model is to blame
            allowed = {""} if missing else {"needs text data", "needs images"}
            assert note in allowed or (note.startswith("not for ") and not missing)
        else:
            assert note.replace(",", "").isdecimal()
            assert int(note.replace(",", "")) > 0


def test_a_data_set_s_own_settings_decide_which_models_go_with_it(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"{row}.5,c{row % 2}\n" for row in range(60)))
    counts = Choice(dataset="csv", values={"more": f"dataset.path={path}"}).parameter_counts()
    assert counts["gpt-mini"] == "needs text data"
    assert int(counts["logistic"]) > 0
