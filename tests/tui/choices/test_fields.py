"""Settings as texts: any value that is written is read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presets import ConfigError
from tui.choices.fields import FIELDS, write_more, written

MORE = next(field for field in FIELDS if field.key == "more")

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
def test_what_is_written_as_more_is_read_back(settings: dict[str, object]) -> None:
    assert MORE.parse(write_more(settings)) == settings


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
    assert written(value) == text
    assert MORE.parse(f"a={text} b=1") == {"a": value, "b": 1}


def test_spaces_within_brackets_and_quotes_do_not_divide() -> None:
    text = "a=[1, 2] b='x y' c={k: 'it''s'} d=\"say \\\"a b\\\"\" e=don't"
    assert MORE.parse(text) == {
        "a": [1, 2],
        "b": "x y",
        "c": {"k": "it's"},
        "d": 'say "a b"',
        "e": "don't",
    }


@pytest.mark.parametrize("text", ["a", "=1", "a=1 b", "a=[1", "a='x", "a=*x"])
def test_what_is_no_setting_is_explained_in_one_line(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        MORE.parse(text)
    assert len(str(caught.value).splitlines()) == 1
