"""Another run with a run's settings: the texts give its configuration again, exactly."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import presets
from engine.config import configure
from presets import ConfigError
from presets.schema import Component, RunConfig, plain
from tui.choices import rerun
from tui.choices.choice import Choice
from tui.choices.fields import FIELDS
from tui.choices.kept import last_choice, save_recipe, small_files
from tui.choices.kept.last_choice import LastChoice

KEYS = {field.key for field in FIELDS}
settings = st.fixed_dictionaries(
    {},
    optional={
        "optimizer.lr": st.floats(1e-9, 10),
        "batch_size": st.integers(2, 500),
        "steps": st.integers(200, 10_000),
        "seed": st.integers(0, 2**32 - 1),
        "schedule.type": st.sampled_from(["constant", "cosine", "wsd", "step"]),
        "schedule.warmup_steps": st.integers(0, 100),
        "schedule.decay_share": st.floats(0.01, 1),
        "schedule.final_factor": st.floats(0, 1),
        "clip.mode": st.sampled_from(["none", "norm", "agc", "zclip"]),
        "clip.threshold": st.floats(1e-3, 1e3),
        "clip.ratio": st.floats(1e-4, 1),
        "precision": st.sampled_from(["fp32", "bf16"]),
        "device": st.sampled_from(["auto", "cpu", "cuda:1"]),
        "ema_decay": st.none() | st.floats(0, 0.999),
        "model.dropout": st.floats(0, 0.9),
        "model.hidden": st.lists(st.integers(1, 99), min_size=1, max_size=3),
        "groups.lr_scale": st.dictionaries(
            st.sampled_from(["*.bias", "head.*", "a b"]), st.floats(0.1, 9)
        ),
        "target": st.none() | st.sampled_from(["val/accuracy >= 0.97", "val/loss <= 0.1"]),
        "checkpoint.every_minutes": st.none() | st.floats(0.1, 60),
        "on_non_finite": st.sampled_from(["pause", "skip-step"]),
        "threads": st.just("auto") | st.integers(1, 8),
    },
)
parts = st.sampled_from(
    [
        {},
        {"optimizer": "gd"},
        {"recipe": "fashion-mlp"},
        {"recipe": "spirals-mlp", "optimizer": "adamw"},
        {"dataset": "spirals", "optimizer": "sgd"},
    ]
)


def resolved(chosen: dict[str, str], given: dict[str, Any]) -> RunConfig | None:
    """A configuration; None if these settings do not go together."""
    try:
        return configure.resolve(**chosen, settings={"on_non_finite": "pause", **given})
    except ConfigError:
        return None


@given(chosen=parts, given_settings=settings)
def test_a_run_s_settings_as_texts_give_the_same_run(chosen, given_settings) -> None:
    config = resolved(chosen, given_settings)
    if config is None:
        return
    choice, gone = rerun.choice_of(config)
    assert gone == []
    assert set(choice.values) <= KEYS
    assert choice.configs() == [config]
    assert rerun.changes(config, choice) == []


@given(chosen=parts, given_settings=settings)
def test_what_is_kept_as_a_recipe_is_the_same_run(chosen, given_settings) -> None:
    config = resolved(chosen, given_settings)
    if config is None:
        return
    choice, _ = rerun.choice_of(config)
    kept = configure.resolve(recipe=save_recipe.recipe_of(choice))
    expected = plain(config)
    if "on_non_finite" not in choice.values.get("more", ""):
        expected["on_non_finite"] = "stop"  # the app's own wish is not kept
    assert plain(kept) == expected


def test_the_recipe_is_the_nearest_one() -> None:
    config = configure.resolve(recipe="fashion-cnn", settings={"seed": 3})
    choice, _ = rerun.choice_of(config)
    assert (choice.recipe, choice.values) == ("fashion-cnn", {"seed": "3"})


def test_another_run_has_not_the_name_of_the_first() -> None:
    config = configure.resolve(settings={"name": "the first", "max_restarts": 2})
    choice, _ = rerun.choice_of(config)
    assert choice.values == {"more": "max_restarts=2"}
    assert rerun.changes(config, choice) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"lr": "3e-4"}, ["lr 0.001 -> 0.0003"]),
        ({"length": "20"}, ["train for 10 epochs -> 20 epochs"]),
        ({"clip": "none", "batch": "64"}, ["batch size 32 -> 64", "clip norm 1 -> none"]),
        ({"more": "model.dropout=0.1"}, ["model.dropout 0.5 -> 0.1"]),
        ({"more": "optimizer.betas=[0.8,0.9]"}, ["betas [0.9,0.999] -> [0.8,0.9]"]),
        ({"more": "on_non_finite=skip-step"}, ["on_non_finite stop -> skip-step"]),
    ],
)
def test_what_was_changed_is_listed(changed: dict[str, str], told: list[str]) -> None:
    config = configure.resolve()
    choice, _ = rerun.choice_of(config)
    assert rerun.changes(config, replace(choice, values=changed)) == told


def test_other_parts_are_listed_without_their_options() -> None:
    config = configure.resolve()
    choice, _ = rerun.choice_of(config)
    other = replace(choice, model="logistic", optimizers=("sgd", "momentum"))
    assert rerun.changes(config, other)[:2] == [
        "model mlp -> logistic",
        "optimizer adam -> sgd + momentum",
    ]
    assert not any("dropout" in line or "betas" in line for line in rerun.changes(config, other))


def test_a_preset_that_is_gone_is_said_and_replaced() -> None:
    config = configure.resolve(settings={"seed": 5})
    gone = Component(name="own", type="own:own", options={"width": 3})
    choice, lines = rerun.choice_of(
        RunConfig(model=gone, dataset=config.dataset, optimizer=config.optimizer, seed=5)
    )
    assert lines == ["model: the preset own is gone"]
    assert choice.model == "mlp"
    assert choice.configs()[0].seed == 5


def test_the_last_choice_comes_back_unless_it_goes_on_from_a_checkpoint() -> None:
    first, lines = last_choice.recall()
    assert (first, lines) == (Choice(), [])
    chosen = Choice(
        recipe="fashion-cnn",
        model="logistic",
        dataset="digits",
        optimizers=("sgd", "adam"),
        values={"lr": "3e-4", "more": "ema_decay=0.9"},
    )
    last_choice.keep(chosen)
    assert last_choice.recall() == (chosen, [])
    last_choice.keep(replace(chosen, values={"more": "parent=a-run/step-00000010"}))
    assert last_choice.recall() == (chosen, [])


def test_what_is_gone_is_said_and_replaced() -> None:
    last = LastChoice(recipe="own", model="mine", dataset="digits", optimizers=("soup", "adam"))
    small_files.save("launch", last)
    found, lines = last_choice.recall()
    assert lines == [
        f"{kind}: the preset {name} is gone"
        for kind, name in (("recipe", "own"), ("optimizer", "soup"), ("model", "mine"))
    ]
    assert (found.recipe, found.model, found.optimizers) == ("quickstart", "mlp", ("adam",))
    values = {"odd": "1", "rate": "\x1b2"}  # as older versions called the learning rate
    small_files.save(
        "launch", LastChoice(recipe="fashion-cnn", optimizers=("soup",), values=values)
    )
    found, _ = last_choice.recall()
    assert found.optimizers == (presets.load("recipes", "fashion-cnn").optimizer,)
    assert found.values == {"lr": "\N{REPLACEMENT CHARACTER}2"}
