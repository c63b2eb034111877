"""A terminal that is sent only what differs shows the same as one that is sent everything."""

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.terminal.delta import Delta

WIDTH, HEIGHT = 12, 3
TEXTS = st.text(alphabet=" ab─⣿世é…", min_size=0, max_size=6)
STYLES = st.sampled_from(
    [
        Style.parse(text)
        for text in (
            "",
            "bold",
            "#ff0000",
            "bold #ff0000 on #000080",
            "on #000080",
            "underline #00ff00",
            "reverse red",
        )
    ]
)
PIECES = st.lists(
    st.tuples(
        st.integers(0, HEIGHT - 1),
        st.integers(0, WIDTH - 1),
        st.lists(st.tuples(TEXTS, STYLES), min_size=1, max_size=3),
    ),
    max_size=8,
)


def terminal() -> tuple[pyte.Screen, pyte.Stream]:
    screen = pyte.Screen(WIDTH, HEIGHT)
    screen.reset_mode(pyte.modes.DECAWM)  # as Textual sets it
    return screen, pyte.Stream(screen)


def strip_of(parts: list[tuple[str, Style]]) -> Strip:
    return Strip([Segment(text, style) for text, style in parts])


def whole(y: int, x: int, strip: Strip) -> str:
    """The plain way: move, and everything with all its colours."""
    text = "".join(style.render(text) if style else text for text, style, _ in strip)
    return f"\x1b[{y + 1};{x + 1}H{text}"


def seen(screen: pyte.Screen) -> list[list[tuple[object, ...]]]:
    """What a person sees: the colour of a blank is not, unless it is underlined or reversed."""
    rows = []
    for y in range(HEIGHT):
        row = [screen.buffer[y][x] for x in range(WIDTH)]
        rows.append(
            [
                (c.data, c.bg, c.underscore, c.reverse)
                if c.data == " " and not (c.underscore or c.reverse)
                else (c.data, c.fg, c.bg, c.bold, c.underscore, c.reverse)
                for c in row
            ]
        )
    return rows


@given(st.lists(PIECES, max_size=5))
def test_only_what_differs_gives_the_same_screen(frames: list[list]) -> None:
    expected, plainly = terminal()
    shown, frugally = terminal()
    delta = Delta()
    delta.forget(WIDTH, HEIGHT)
    blank = Strip([Segment(" " * WIDTH)])
    frugally.feed(delta.update((y, 0, blank) for y in range(HEIGHT)))
    for frame in frames:
        pieces = []
        for y, x, parts in frame:
            strip = strip_of(parts).crop(0, WIDTH - x)
            # A piece never begins or ends inside a wide character: Textual sees to that.
            row = [(y, 0, blank), (y, x, strip)]
            pieces += row
            plainly.feed("".join(whole(*piece) for piece in row))
        frugally.feed(delta.update(pieces))
        assert seen(shown) == seen(expected)


def test_nothing_is_sent_twice() -> None:
    delta = Delta()
    delta.forget(WIDTH, HEIGHT)
    red, blue = Style.parse("#ff0000 on #000000"), Style.parse("#0000ff on #000000")
    assert delta.update([(0, 0, Strip([Segment("step 12", red)]))])
    assert delta.update([(0, 0, Strip([Segment("step 12", red)]))]) == ""
    one = delta.update([(0, 0, Strip([Segment("step 13", red)]))])
    assert one == "\x1b[1;7H\x1b[38;2;255;0;0;48;2;0;0;0m3\x1b[0m"
    shared = delta.update([(1, 0, Strip([Segment("a", red), Segment("b", red)]))])
    assert shared.count("38;2") == 1
    half = delta.update(
        [(2, 0, Strip([Segment("a", red), Segment(" ", blue), Segment("b", blue)]))]
    )
    assert half.endswith("a \x1b[38;2;0;0;255mb\x1b[0m")  # the background stays


def test_what_was_forgotten_is_sent_again() -> None:
    delta = Delta()
    delta.forget(WIDTH, HEIGHT)
    piece = (0, 0, Strip([Segment("abc")]))
    first = delta.update([piece])
    delta.forget(WIDTH, HEIGHT)
    assert delta.update([piece]) == first != ""


@pytest.mark.parametrize("gap", [1, 8])
def test_small_gaps_are_written_over_and_large_ones_jumped(gap: int) -> None:
    delta = Delta()
    delta.forget(WIDTH, HEIGHT)
    delta.update([(0, 0, Strip([Segment("." * WIDTH)]))])
    sent = delta.update([(0, 0, Strip([Segment("x" + "." * gap + "y" + "." * (WIDTH - gap - 2))]))])
    assert sent == ("\x1b[1;1Hx.y" if gap == 1 else "\x1b[1;1Hx\x1b[8Cy")
