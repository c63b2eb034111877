"""Settings as texts: any value that is written is read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presets import ConfigError
from tui.choices.typed_text import parse_settings, write_settings, write_value

plain = st.none() | st.booleans() | st.integers(-(10**17), 10**17)
plain |= st.floats(allow_nan=False, allow_infinity=False)
words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cn")))
printable = words.filter(lambda text: text.isprintable())
values = st.recursive(
    plain | printable,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(printable, inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.from_regex(r"[a-z_]+\.[a-z_]+", fullmatch=True), values, max_size=4))
def test_written_settings_are_read_back(settings: dict[str, object]) -> None:
    assert parse_settings(write_settings(settings), "more") == settings


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3e-4, "0.0003"),
        (0.123456789, "0.123456789"),
        (1e-8, "1e-08"),
        (True, "true"),
        (None, "null"),
        ("/data/my.csv", "/data/my.csv"),
        ("val/loss <= 0.1", '"val/loss <= 0.1"'),
        ("1e-3", '"1e-3"'),
        ("", '""'),
        ([0.9, 0.99], "[0.9,0.99]"),
    ],
)
def test_a_value_is_short_where_that_says_the_same(value: object, text: str) -> None:
    assert write_value(value) == text
    assert parse_settings(f"a={text} b=1", "more") == {"a": value, "b": 1}


def test_spaces_within_brackets_and_quotes_do_not_divide() -> None:
    text = "a=[1, 2] b='x y' c={k: 'it''s'} d=\"say \\\"a b\\\"\" e=don't"
    assert parse_settings(text, "more") == {
        "a": [1, 2],
        "b": "x y",
        "c": {"k": "it's"},
        "d": 'say "a b"',
        "e": "don't",
    }


@pytest.mark.parametrize("text", ["a", "=1", "a=1 b", "a=[1", "a='x", "a=*x"])
def test_what_is_no_setting_is_explained_in_one_line(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_settings(text, "more")
    assert len(str(caught.value).splitlines()) == 1
