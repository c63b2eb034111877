"""Learning rates and options belong to the optimizer that they were typed for."""

import pytest

import presets
from presets import ConfigError
from tui.choices import per_optimizer_settings, rerun
from tui.choices.choice import Choice
from tui.choices.notices import notices

OPTIMIZERS = [name for name in presets.names("optimizers") if name != "sparse-adam"]


def rates(choice: Choice) -> list[object]:
    return [config.optimizer.options.get("lr") for config in choice.configs()]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_rate_that_was_left_of_one_optimizer_is_no_other_s(name: str) -> None:
    own = rates(Choice(optimizers=(name,)))
    others = [each for each in OPTIMIZERS if each != name]
    for other in (others[0], others[OPTIMIZERS.index(name) % len(others)]):
        begun = Choice(optimizers=(other,), values={"lr": "0.319"})
        assert rates(begun) == [0.319]
        for chosen in ((name,), (other, name)):
            values = per_optimizer_settings.follow(begun.values, (other,), chosen)
            assert values == {"lr": f"{other} 0.319"}
            assert rates(Choice(optimizers=chosen, values=values))[-1:] == own
        assert per_optimizer_settings.follow(values, (other, name), (other,)) == begun.values
    assert own == rates(Choice(optimizers=("adam", name), values={"lr": "0.319"}))[1:]


def test_all_is_said_in_words_and_told_before_the_start() -> None:
    chosen = ("adam", "momentum", "sgd")
    usual = rates(Choice(optimizers=chosen))
    left = Choice(optimizers=chosen, values={"lr": "0.319"})
    assert rates(left) == usual
    assert notices(left) == ["rate 0.319 is not used: all 3 keep their own; `all 0.319` sets it"]
    meant = Choice(optimizers=chosen, values={"lr": "all 0.319"})
    assert rates(meant) == [0.319] * 3
    (line,) = notices(meant)
    assert line.startswith("learning rate 0.319 for all 3, in place of adam 0.001, momentum ")
    each = Choice(optimizers=chosen, values={"lr": "adam 0.3, sgd for 0.2"})
    assert rates(each) == [0.3, usual[1], 0.2]
    assert notices(each) == []
    alone = Choice(optimizers=("sgd",), values={"lr": "adam 0.3"})
    assert rates(alone) == usual[2:]
    assert notices(alone) == ["rate 0.3 is adam's: sgd keeps its own"]


def test_a_setting_that_several_presets_bring_is_told_where_it_is_overridden() -> None:
    choice = Choice(optimizers=("adam", "gd", "rprop"), values={"length": "7 epochs"})
    (line,) = notices(choice)
    assert line == "train for 7 epochs for all 3, in place of adam 10 epochs, gd 300 steps, " + (
        "rprop 300 steps"
    )
    assert notices(Choice(optimizers=("adam", "sgd"), values={"seed": "3"})) == []


def test_options_of_one_optimizer_follow_it() -> None:
    texts = {"more": "optimizer.betas=[0.8,0.9] seed=3"}
    values = per_optimizer_settings.follow(texts, ("adam",), ("adam", "momentum"))
    assert values == {"more": "adam.betas=[0.8,0.9] seed=3"}
    adam, momentum = Choice(optimizers=("adam", "momentum"), values=values).configs()
    assert adam.optimizer.options["betas"] == [0.8, 0.9]
    assert "betas" not in momentum.optimizer.options
    assert per_optimizer_settings.follow(values, ("adam", "momentum"), ("adam",)) == texts


@pytest.mark.parametrize("text", ["adam", "adam 3 sgd 4", "all", "adam 0.1 0.2", "adam 0.1, 3"])
def test_words_that_say_no_rate_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match=r"Learning rate: expected a number, `all 0\.01`, or "):
        per_optimizer_settings.parse_rates(text, "Learning rate")


def test_the_finder_s_rate_is_put_beside_those_of_others() -> None:
    assert per_optimizer_settings.with_rate("", "adam", "0.1") == "adam 0.1"
    assert (
        per_optimizer_settings.with_rate("adam 0.3, sgd 0.2", "adam", "0.1") == "sgd 0.2, adam 0.1"
    )


def test_a_run_as_it_is_now_has_what_commands_changed() -> None:
    (begun,) = Choice().configs()
    settings = {
        "optimizer": {"lr": 3e-4},
        "clip": {"mode": "norm", "threshold": 2.0},
        "epochs": None,
        "steps": 900,
    }
    now = rerun.as_it_is(begun, settings)
    assert (now.optimizer.options["lr"], now.clip.threshold) == (3e-4, 2.0)
    assert (now.steps, now.epochs) == (900, None)
    assert rerun.as_it_is(begun, {}) == begun
