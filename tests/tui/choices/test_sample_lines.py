"""Samples drawn in cells: what is bright, where it is, and that it fits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from engine.config.dataset_preview import Images, Passage, Points, Rows, Sample
from tui.choices.sample_lines import Canvas, draw

RAMP = np.array([[0, 255], [255, 0], [0, 0], [255, 255]], np.uint8)
IMAGES = Images(np.stack([RAMP, 255 - RAMP]), ("one", "two"))
COLOURED = Images(np.full((1, 4, 4, 3), (255, 0, 0), np.uint8), ("red",))
LARGE = Images(np.full((3, 512, 512), 200, np.uint8), ("a", "b", "c"))
POINTS = Points(np.array([[-1.0, -1.0], [1.0, 1.0], [0.0, 0.0]]), np.array([0, 1, 2]))
TEXT = Passage("a line\n\nof \x1b[31mwords " + "long " * 80)
TABLE = Rows(("size", "kind"), (("1", "rose" * 30), ("2", "[bold]\x1b]0;")))


def canvas(width: int = 40, height: int = 8, *, ascii_only: bool = False) -> Canvas:
    return Canvas(
        width=width,
        height=height,
        ink="#888888",
        foreground="#ffffff",
        lanes=("#ff0000", "#00ff00"),
        ascii_only=ascii_only,
    )


def styles(line) -> list[tuple[str, str]]:
    """Upper and lower colour of each half block of a line."""
    return [
        (style.color.name, style.bgcolor.name)
        for span in line.spans
        if (style := Style.parse(str(span.style))).bgcolor is not None
        for _ in range(span.end - span.start)
    ]


def test_two_rows_of_pixels_are_a_line_of_half_blocks() -> None:
    small = canvas(width=12, height=3)  # no room to enlarge the images
    lines = draw(IMAGES, small)
    assert [line.plain for line in lines] == ["▀▀  ▀▀", "▀▀  ▀▀", "o…  t…"]
    black, white = "#000000", "#ffffff"
    assert styles(lines[0])[:2] == [(black, white), (white, black)]
    assert styles(lines[1])[:2] == [(black, white), (black, white)]
    assert styles(lines[0])[2:] == [(white, black), (black, white)]


def test_ascii_has_a_character_for_both_rows() -> None:
    lines = draw(IMAGES, canvas(width=12, height=3, ascii_only=True))
    grey = "+" if "+" in lines[0].plain else "="
    assert lines[0].plain.split("  ")[0] == grey * 2
    dark = draw(Images(np.zeros((1, 4, 2), np.uint8), ("x",)), canvas(ascii_only=True))
    bright = draw(Images(np.full((1, 4, 2), 255, np.uint8), ("x",)), canvas(ascii_only=True))
    assert dark[0].plain.strip() == ""
    assert set(bright[0].plain) == {"@"}


def test_images_are_enlarged_where_there_is_room_and_averaged_where_there_is_none() -> None:
    assert draw(IMAGES, canvas(width=40, height=9))[0].plain == "▀▀▀▀  ▀▀▀▀"
    lines = draw(LARGE, canvas(width=40, height=8))
    assert len(lines) == 8
    assert {pair for line in lines for pair in styles(line)} == {("#cccccc", "#cccccc")}


def test_colours_stay_colours() -> None:
    assert set(styles(draw(COLOURED, canvas())[0])) == {("#ff0000", "#ff0000")}


@pytest.mark.parametrize("ascii_only", [False, True])
def test_points_lie_where_they_are_in_the_colour_of_their_class(ascii_only: bool) -> None:
    lines = draw(POINTS, canvas(width=40, height=6, ascii_only=ascii_only))
    marked = [line.plain.rstrip() for line in lines]
    assert len(marked[0]) == 10  # the largest x and y: top right
    assert len(marked[4]) == 1
    assert "class 0" in marked[5]
    assert "class 2" in marked[5]
    if ascii_only:
        assert (marked[0][-1], marked[4][0]) == ("o", "*")


def test_points_of_one_place_are_drawn() -> None:
    same = Points(np.zeros((3, 2)), np.zeros(3, int))
    assert any(line.plain.strip() for line in draw(same, canvas())[:-1])


def test_a_text_is_wrapped_and_harmless() -> None:
    lines = draw(TEXT, canvas(width=20, height=5))
    assert [line.plain for line in lines[:2]] == ["a line", ""]
    assert "\x1b" not in "".join(line.plain for line in lines)


def test_a_table_has_its_header_and_harmless_cells() -> None:
    lines = [line.plain for line in draw(TABLE, canvas())]
    assert lines[0] == "size  kind"
    assert lines[1] == "1     " + ("rose" * 9)[:33] + "…"
    assert "[bold]" in lines[2]
    assert "\x1b" not in lines[2]


@given(
    width=st.integers(0, 90),
    height=st.integers(0, 24),
    ascii_only=st.booleans(),
    sample=st.sampled_from([IMAGES, COLOURED, LARGE, POINTS, TEXT, TABLE]),
)
def test_nothing_is_larger_than_its_place(
    width: int, height: int, ascii_only: bool, sample: Sample
) -> None:
    lines = draw(sample, canvas(width, height, ascii_only=ascii_only))
    assert len(lines) <= height
    assert all(line.cell_len <= width for line in lines)
    if width >= 8 and height >= 3:
        assert lines


NOTES = ("predicts kind: classification, 2 classes, for it has words", "from size: numbers")
CAUTIONS = ("no header: the first row has numbers as those below have",)


@pytest.mark.parametrize("height", range(2, 14))
@pytest.mark.parametrize("width", [30, 40, 100])
def test_notes_leave_room_for_three_rows(width: int, height: int) -> None:
    table = Rows(("size", "kind"), tuple((str(row), "rose") for row in range(9)))
    lines = [line.plain for line in draw(table, canvas(width, height), NOTES, CAUTIONS)]
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)
    rows = [line for line in lines if "rose" in line]
    assert len(rows) >= min(3, height - 1)
    if height >= 5:  # what does not fit is counted, and cautions come first
        said = " ".join(lines[: -len(rows) - 1])
        assert said.startswith("no header"[:width]) or "more lines" in said
        whole = all(note in said for note in (*NOTES, *CAUTIONS))
        assert whole == ("more lines" not in said)


def test_the_column_of_texts_has_what_is_left_of_the_line() -> None:
    text = "a fine film that is told at some length "
    table = Rows(("text", "label"), ((text * 3, "positive"), ("short", "negative")))
    for width in (30, 60, 100):
        lines = [line.plain for line in draw(table, canvas(width))]
        assert [len(line) for line in lines[1:]] == [width, width]
        assert lines[1].startswith(text[: width - 12])
        assert [line.split()[-1] for line in lines] == ["label", "positive", "negative"]
