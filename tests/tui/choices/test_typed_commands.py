"""What a person types to steer a run becomes a command's arguments, or one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.runs.control import Arguments
from presets import ConfigError
from tui.choices import typed_commands


@pytest.mark.parametrize(
    ("parse", "text", "wanted"),
    [
        (typed_commands.learning_rate, "3e-4", Arguments(lr=3e-4)),
        (typed_commands.learning_rate, "1", Arguments(lr=1)),
        (typed_commands.learning_rate, "x0.5", Arguments(lr_factor=0.5)),
        (typed_commands.learning_rate, "* 2", Arguments(lr_factor=2)),
        (typed_commands.clipping, "none", Arguments(clip_mode="none")),
        (typed_commands.clipping, "norm 1.0", Arguments(clip_mode="norm", clip_threshold=1.0)),
        (typed_commands.clipping, "value 0.5", Arguments(clip_mode="value", clip_threshold=0.5)),
        (typed_commands.length, "20", Arguments(epochs=20)),
        (typed_commands.length, "20 epochs", Arguments(epochs=20)),
        (typed_commands.length, "400 steps", Arguments(steps=400)),
        (typed_commands.own, "drop=0.2", Arguments(own={"drop": 0.2})),
        (typed_commands.own, "mode = fast", Arguments(own={"mode": "fast"})),
        (typed_commands.own, "shuffle", Arguments(own={"shuffle": None})),
        (typed_commands.own_or_learning_rate, "xavier", Arguments(own={"xavier": None})),
        (typed_commands.own_or_learning_rate, "x0.5", Arguments(lr_factor=0.5)),
        (typed_commands.own_or_learning_rate, "3e-4", Arguments(lr=3e-4)),
    ],
)
def test_typed_commands(parse, text: str, wanted: Arguments) -> None:
    assert parse(text) == wanted


@pytest.mark.parametrize(
    ("parse", "text", "said"),
    [
        (typed_commands.learning_rate, "fast", "learning rate: expected a number > 0"),
        (typed_commands.learning_rate, "", "learning rate: expected a number > 0"),
        (typed_commands.learning_rate, "0", "learning rate: expected a number > 0"),
        (typed_commands.learning_rate, "x-1", "factor of the learning rate: expected"),
        (typed_commands.learning_rate, ".inf", "expected a finite number"),
        (typed_commands.clipping, "norm", "expected 'none', or a limit after norm, value,"),
        (typed_commands.clipping, "norm 0", "clipping threshold: expected"),
        (typed_commands.clipping, "norm .nan", "expected a finite number"),
        (typed_commands.length, "0", "epochs: expected"),
        (typed_commands.length, "2.5 steps", "steps: expected a whole number"),
        (typed_commands.length, "3 days", "expected '10 epochs' or '400 steps'"),
        (typed_commands.length, "", "expected '10 epochs' or '400 steps'"),
        (typed_commands.own, "", "expected NAME=VALUE or NAME"),
        (typed_commands.own, "drop=", "expected NAME=VALUE or NAME"),
        (typed_commands.own, "drop=[1, 2]", "drop: expected a number or a text"),
        (typed_commands.own_or_learning_rate, "-1", "learning rate: expected"),
    ],
)
def test_mistakes(parse, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert said in str(caught.value)


@given(
    st.text(max_size=30),
    st.sampled_from(
        [
            typed_commands.learning_rate,
            typed_commands.clipping,
            typed_commands.length,
            typed_commands.own_or_learning_rate,
        ]
    ),
)
def test_any_text_is_a_command_or_one_line(text: str, parse) -> None:
    said, found = "x", None
    try:
        found = parse(text)
    except ConfigError as error:
        said = str(error)
    assert len(said.splitlines()) == 1
    assert found is None or found != Arguments()
