"""What a terminal has to be sent so that it shows a new screen: the cells that differ, once.

Textual repaints from a widget's left edge to the end of what changed, and sends all colours anew
with every piece of text. Over a slow link that is most of the bytes.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.style import Style
from textual.strip import Strip

Piece = tuple[int, int, Strip]
"""Row, column, and what is there now."""
Look = tuple[str, str, str]
"""Attributes, foreground and background as parameters of the sequence that sets them (SGR)."""

PLAIN: Look = ("", "39", "49")
_RESET = "\x1b[0m"
_ATTRIBUTES = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "21", "51", "52", "53")
"""Of the bits of a style, from the lowest on."""
_ONLY_COLORED = ("4", "7", "9", "21", "53")
"""Attributes that make the foreground visible on a blank."""
_NARROW = re.compile("[ -~\u00a1-\u02ff\u2010-\u2027\u2190-\u21ff\u2500-\u25fc\u2800-\u28ff]*")
"""Characters that take one column each; the rest is asked for one by one."""
_MOVE_BYTES = 4
"""Cells between two changes are sent again where that is not more than a move of the cursor."""


class Delta:
    """Remembers what the terminal shows, and finds the shortest way to what it should show."""

    def __init__(self, colors: ColorSystem = ColorSystem.TRUECOLOR) -> None:
        self._colors = colors
        self._texts: list[list[str]] = []
        self._looks: list[list[Look]] = []

    def forget(self, width: int, height: int) -> None:
        """Nothing is known of what the terminal shows: all of it will be sent."""
        self._texts = [["" for _ in range(width)] for _ in range(height)]
        self._looks = [[PLAIN for _ in range(width)] for _ in range(height)]

    def update(self, pieces: Iterable[Piece]) -> str:
        """The sequences that bring these pieces to the screen; "" if they are there already.

        They begin and end with the terminal's plain look.
        """
        pen = _Pen()
        for y, x, strip in pieces:
            if 0 <= y < len(self._texts):
                self._row(pen, y, x, strip)
        return pen.finish()

    def _row(self, pen: "_Pen", y: int, x: int, strip: Strip) -> None:
        texts, looks = self._texts[y], self._looks[y]
        cells, new_looks = self._cells(strip)
        cells, new_looks = cells[: len(texts) - x], new_looks[: len(texts) - x]
        end = x + len(cells)
        old, old_looks = texts[x:end], looks[x:end]
        if old == cells and old_looks == new_looks:
            return
        texts[x:end], looks[x:end] = cells, new_looks
        if {*map(len, cells), *map(len, old)} != {1}:
            # Unknown until now, or wide: what takes two columns is not cut in half.
            pen.draw(y, x, cells, new_looks)
            pen.lift()
            return
        zipped = zip(cells, old, new_looks, old_looks, strict=True)
        changed = [i for i, (a, b, c, d) in enumerate(zipped) if a != b or c != d]
        for first, last in _spans(changed, cells, new_looks):
            pen.draw(y, x + first, cells[first:last], new_looks[first:last])

    def _cells(self, strip: Strip) -> tuple[list[str], list[Look]]:
        """A text and a look for each column; the second column of a wide character is empty."""
        cells: list[str] = []
        looks: list[Look] = []
        for text, style, control in strip:
            if control:
                continue
            look = _look(style, self._colors) if style else PLAIN
            if text.isspace():
                look = _blank(look)
                cells += text
                looks += [look] * len(text)
                continue
            blank = _blank(look)
            columns: Sequence[str] = text if _NARROW.fullmatch(text) else _wide(text)
            cells += columns
            looks += [blank if column == " " else look for column in columns]
        return cells, looks


class _Pen:
    """Writes cells with as few sequences as it can."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._look = PLAIN
        self._at: tuple[int, int] | None = None

    def draw(self, y: int, x: int, cells: list[str], looks: list[Look]) -> None:
        self._move(y, x)
        for cell, look in zip(cells, looks, strict=True):
            if look != self._look and cell:
                self._turn(look, blank=cell == " ")
            self._parts.append(cell)
        self._at = (y, x + len(cells))

    def lift(self) -> None:
        """Forget where the cursor is: terminals disagree about the width of some characters."""
        self._at = None

    def finish(self) -> str:
        if self._look != PLAIN:
            self._parts.append(_RESET)
        return "".join(self._parts)

    def _move(self, y: int, x: int) -> None:
        if self._at == (y, x):
            return
        forward = x - self._at[1] if self._at and self._at[0] == y else 0
        if forward > 0:
            self._parts.append(f"\x1b[{forward}C" if forward > 1 else "\x1b[C")
        else:
            self._parts.append(f"\x1b[{y + 1};{x + 1}H")

    def _turn(self, look: Look, *, blank: bool) -> None:
        """Only what differs from the look before; a blank has no foreground."""
        attributes, ink, paper = self._look
        if look[0] != attributes:
            self._parts.append(f"\x1b[0;{';'.join(filter(None, _but_plain(look)))}m")
            self._look = look
            return
        if blank and not look[1]:
            look = (look[0], ink, look[2])
        codes = [new for new, old in ((look[1], ink), (look[2], paper)) if new != old]
        if codes:
            self._parts.append(f"\x1b[{';'.join(codes)}m")
        self._look = look


def _but_plain(look: Look) -> tuple[str, ...]:
    return tuple(code for code, plain in zip(look, PLAIN, strict=True) if code != plain)


def _spans(changed: list[int], cells: list[str], looks: list[Look]) -> Iterable[tuple[int, int]]:
    """From the first to behind the last of neighbouring changes, small gaps included."""
    first = changed[0]
    for before, after in pairwise(changed):
        gap = range(before + 1, after)
        cheap = len("".join(cells[before + 1 : after]).encode()) <= _MOVE_BYTES
        if gap and not (cheap and all(looks[i] == looks[before] for i in gap)):
            yield first, before + 1
            first = after
    yield first, changed[-1] + 1


def _wide(text: str) -> list[str]:
    """Each character at its first column, with what has no width of its own added to it."""
    columns: list[str] = []
    for character in text:
        width = cell_len(character)
        if width == 0 and columns:
            last = next(i for i in range(len(columns) - 1, -1, -1) if columns[i] or i == 0)
            columns[last] += character
        else:
            columns += [character, *[""] * (width - 1)]
    width = cell_len(text)  # of a sequence that is one picture it is not the sum
    return columns if len(columns) == width else [text, *[""] * (width - 1)]


@lru_cache(maxsize=4096)
def _look(style: Style, colors: ColorSystem) -> Look:
    bits = style._attributes & style._set_attributes
    attributes = ";".join(code for bit, code in enumerate(_ATTRIBUTES) if bits & 1 << bit)
    ink = style.color.downgrade(colors).get_ansi_codes() if style.color else ("39",)
    paper = style.bgcolor.downgrade(colors).get_ansi_codes(False) if style.bgcolor else ("49",)
    return attributes, ";".join(ink), ";".join(paper)


@lru_cache(maxsize=4096)
def _blank(look: Look) -> Look:
    """The look of a space: its foreground is not seen, unless it is underlined, say."""
    codes = look[0].split(";")
    if any(code in codes for code in _ONLY_COLORED):
        return look
    return "", "", look[2]
