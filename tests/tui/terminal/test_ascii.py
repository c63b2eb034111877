"""Terminals that show ASCII only or no colours: when that is assumed, and what they get."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from tui.terminal.plain_terminal import AsciiFilter, ColorlessFilter, has_colors, is_plain, to_ascii

BLACK = Color(0, 0, 0)


@pytest.mark.parametrize(
    ("environment", "plain"),
    [
        ({}, False),
        ({"TERM": "xterm-256color", "LANG": "de_DE.UTF-8"}, False),
        ({"TERM": "screen", "LC_ALL": "C.utf8"}, False),
        ({"TERM": "xterm", "LANG": "C"}, True),
        ({"TERM": "xterm", "LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, True),
        ({"TERM": "xterm", "LC_ALL": "", "LANG": "en_US.UTF-8"}, False),
        ({"TERM": "xterm", "LC_CTYPE": "en_US.ISO-8859-1"}, True),
        ({"TERM": "vt100", "LANG": "en_US.UTF-8"}, True),
        ({"TERM": "vt220"}, True),
        ({"TERM": "linux", "LANG": "en_US.UTF-8"}, True),
        ({"TERM": "dumb"}, True),
    ],
)
def test_when_a_terminal_is_taken_to_be_plain(environment: dict, plain: bool) -> None:
    assert is_plain(environment) is plain


@pytest.mark.parametrize(
    ("term", "colors"),
    [("vt100", False), ("dumb", False), ("linux", True), ("xterm-256color", True)],
)
def test_which_terminals_have_colors(term: str, colors: bool) -> None:
    assert has_colors({"TERM": term}) is colors


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Mn", "Me", "Mc"])))
def test_the_same_cells_in_ascii(text: str) -> None:
    # A character that joins others into one cell is not drawn by any panel: `clean` removes it.
    single = [c for c in text if unicodedata.combining(c) == 0 and cell_len(c) > 0]
    for character in single:
        plain = to_ascii(character)
        assert plain.isascii()
        assert len(plain) == cell_len(character)


def test_likenesses() -> None:
    assert to_ascii("╭─┤█░▲…") == "+-+#.^."
    assert to_ascii("plain") == "plain"
    assert to_ascii("日") == "??"


def test_the_filters_keep_the_cells_and_what_stands_out() -> None:
    segments = [
        Segment("│ x", Style(color="red", bold=True)),
        Segment("chosen", Style(bgcolor="#e0e0e0")),
        Segment("─"),
    ]
    plain = AsciiFilter().apply(segments, BLACK)
    assert [segment.text for segment in plain] == ["| x", "chosen", "-"]
    assert [segment.style for segment in plain] == [segment.style for segment in segments]
    bold, chosen, bare = ColorlessFilter().apply(plain, BLACK)
    assert bold.style is not None
    assert (bold.style.color, bold.style.bold) == (None, True)
    assert chosen.style is not None
    assert (chosen.style.bgcolor, chosen.style.reverse) == (None, True)
    assert bare.style is None
