"""Text for the terminal: nothing untrusted controls it, and numbers are readable."""

import math
import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui import text

NOT_PRINTED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.text(st.characters(exclude_categories=())))
@example("\x1b[31mred\x1b[0m")
@example("\x9b31m\x90q\x9c\x07\x7f\x00")
@example("a\u202eb\u2066c\u200fd\u200be\ufefff")
@example("\ud800\udfff\ue000\U0010ffff\u2028\u2029\x85")
def test_clean_lets_nothing_through_that_controls_a_terminal(dirty: str) -> None:
    cleaned = text.clean(dirty)
    assert not {unicodedata.category(character) for character in cleaned} & NOT_PRINTED
    assert len(cleaned.splitlines()) <= 1
    cleaned.encode("utf-8")  # a surrogate would raise


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_clean_leaves_what_is_harmless(harmless: str) -> None:
    assert text.clean(harmless) == harmless


@given(st.text(max_size=300), st.integers(0, 50))
def test_clean_keeps_to_the_limit(dirty: str, limit: int) -> None:
    cleaned = text.clean(dirty, limit)
    assert len(cleaned) == min(len(dirty), limit + 1)
    assert cleaned.endswith("…") or len(dirty) <= limit


def test_one_thing_has_no_plural() -> None:
    counted = [text.counted(number, "lane") for number in (0, 1, 2, 1200)]
    assert counted == ["0 lanes", "1 lane", "2 lanes", "1,200 lanes"]


def test_clean_turns_line_ends_and_tabs_into_spaces() -> None:
    assert text.clean("a\tb\r\nc") == "a b  c"
    assert text.clean("a\x1bb") == "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (0, "0"),
        (-0.0, "0"),
        (0.97411, "0.9741"),
        (0.5, "0.5"),
        (1.0, "1"),
        (100.0, "100"),
        (9999.4, "9999"),
        (12340.2, "12340"),
        (1.2e-5, "1.2e-5"),
        (1e-4, "0.0001"),
        (0.001, "0.001"),
        (1.5e9, "1.5e9"),
        (1e100, "1e100"),
        (-2.5, "-2.5"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
    ],
)
def test_number(value: float | None, shown: str) -> None:
    assert text.number(value) == shown


@given(st.floats(), st.integers(2, 8))
def test_number_is_near_the_value_and_short(value: float, digits: int) -> None:
    shown = text.number(value, digits)
    read = float(shown)
    if math.isnan(value):
        assert math.isnan(read)
    elif math.isinf(value):
        assert read == value
    else:
        # Mantissas have one digit fewer than plain numbers.
        assert math.isclose(read, value, rel_tol=10.0 ** (2 - digits), abs_tol=5e-324)
        assert len(shown) <= digits + 7


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (math.nan, "-"),
        (math.inf, "-"),
        (0, "0.0 s"),
        (4.24, "4.2 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (38.4, "38 s"),
        (59.4, "59 s"),
        (59.6, "1:00"),
        (60, "1:00"),
        (727.2, "12:07"),
        (3599.6, "1:00:00"),
        (11110, "3:05:10"),
        (48 * 3600 - 1, "47:59:59"),
        (48 * 3600, "2d 0h"),
        (12.5 * 86_400, "12d 12h"),
        (120 * 86_400, "120d"),
        (4000 * 86_400, "4,000d"),
    ],
)
def test_duration(seconds: float | None, shown: str) -> None:
    assert text.duration(seconds) == shown


@given(st.floats(0, 1e9))
def test_duration_never_shows_sixty(seconds: float) -> None:
    assert not re.search(r"(^|:)60|\b10\.0 s", text.duration(seconds))


def test_counts_and_columns() -> None:
    assert text.count(59338) == "59,338"
    assert text.fixed(0.974) == "0.9740"
    assert text.fixed(None) == "-"
    assert text.fixed(math.nan) == "nan"
    assert text.fixed(12.5, 1) == "12.5"
