"""What a person types to steer a run becomes a command's arguments, or one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.runs.control import Arguments
from presets import ConfigError
from tui.choices import orders


@pytest.mark.parametrize(
    ("parse", "text", "wanted"),
    [
        (orders.learning_rate, "3e-4", Arguments(lr=3e-4)),
        (orders.learning_rate, "1", Arguments(lr=1)),
        (orders.learning_rate, "x0.5", Arguments(lr_factor=0.5)),
        (orders.learning_rate, "* 2", Arguments(lr_factor=2)),
        (orders.clipping, "none", Arguments(clip_mode="none")),
        (orders.clipping, "norm 1.0", Arguments(clip_mode="norm", clip_threshold=1.0)),
        (orders.clipping, "value 0.5", Arguments(clip_mode="value", clip_threshold=0.5)),
        (orders.length, "20", Arguments(epochs=20)),
        (orders.length, "20 epochs", Arguments(epochs=20)),
        (orders.length, "400 steps", Arguments(steps=400)),
        (orders.own, "drop=0.2", Arguments(own={"drop": 0.2})),
        (orders.own, "mode = fast", Arguments(own={"mode": "fast"})),
        (orders.own, "shuffle", Arguments(own={"shuffle": None})),
        (orders.own_or_rate, "xavier", Arguments(own={"xavier": None})),
        (orders.own_or_rate, "x0.5", Arguments(lr_factor=0.5)),
        (orders.own_or_rate, "3e-4", Arguments(lr=3e-4)),
    ],
)
def test_orders(parse, text: str, wanted: Arguments) -> None:
    assert parse(text) == wanted


@pytest.mark.parametrize(
    ("parse", "text", "said"),
    [
        (orders.learning_rate, "fast", "learning rate: expected a number > 0"),
        (orders.learning_rate, "", "learning rate: expected a number > 0"),
        (orders.learning_rate, "0", "learning rate: expected a number > 0"),
        (orders.learning_rate, "x-1", "factor of the learning rate: expected"),
        (orders.learning_rate, ".inf", "expected a finite number"),
        (orders.clipping, "norm", "expected 'none', or a limit after norm, value,"),
        (orders.clipping, "norm 0", "clipping threshold: expected"),
        (orders.clipping, "norm .nan", "expected a finite number"),
        (orders.length, "0", "epochs: expected"),
        (orders.length, "2.5 steps", "steps: expected a whole number"),
        (orders.length, "3 days", "expected '20 epochs' or '400 steps'"),
        (orders.length, "", "expected '20 epochs' or '400 steps'"),
        (orders.own, "", "expected NAME=VALUE or NAME"),
        (orders.own, "drop=", "expected NAME=VALUE or NAME"),
        (orders.own, "drop=[1, 2]", "drop: expected a number or a text"),
        (orders.own_or_rate, "-1", "learning rate: expected"),
    ],
)
def test_mistakes(parse, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert said in str(caught.value)


@given(
    st.text(max_size=30),
    st.sampled_from([orders.learning_rate, orders.clipping, orders.length, orders.own_or_rate]),
)
def test_any_text_is_an_order_or_one_line(text: str, parse) -> None:
    said, found = "x", None
    try:
        found = parse(text)
    except ConfigError as error:
        said = str(error)
    assert len(said.splitlines()) == 1
    assert found is None or found != Arguments()
