"""Finds what to send a terminal so that it shows a new screen: the cells that changed, once.

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
"""Row, column, and the new content there."""
CellStyle = tuple[str, str, str]
"""Attributes, foreground and background as parameters of the sequence that sets them (SGR)."""

PLAIN: CellStyle = ("", "39", "49")
_RESET = "\x1b[0m"
_ATTRIBUTES = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "21", "51", "52", "53")
"""The codes of the bits of a Rich style, from the lowest bit on."""
_ONLY_COLORED = ("4", "7", "9", "21", "53")
"""Attributes that make the foreground visible on a blank."""
_NARROW = re.compile("[ -~\u00a1-\u02ff\u2010-\u2027\u2190-\u21ff\u2500-\u25fc\u2800-\u28ff]*")
"""Characters known to take one column each; others are measured one by one."""
_MOVE_BYTES = 4
"""Unchanged cells between two changes are sent again if they take no more bytes than this."""


class Delta:
    """A memory of what the terminal shows, which finds the shortest way to a new screen."""

    def __init__(self, colors: ColorSystem = ColorSystem.TRUECOLOR) -> None:
        self._colors = colors
        self._texts: list[list[str]] = []
        self._styles: list[list[CellStyle]] = []

    def forget(self, width: int, height: int) -> None:
        """Forget what the terminal shows, so that all of it will be sent."""
        self._texts = [["" for _ in range(width)] for _ in range(height)]
        self._styles = [[PLAIN for _ in range(width)] for _ in range(height)]

    def update(self, pieces: Iterable[Piece]) -> str:
        """The sequences that bring these pieces to the screen; "" if they are there already.

        They begin and end with the terminal's plain style.
        """
        pen = _Pen()
        for y, x, strip in pieces:
            if 0 <= y < len(self._texts):
                self._row(pen, y, x, strip)
        return pen.finish()

    def _row(self, pen: "_Pen", y: int, x: int, strip: Strip) -> None:
        texts, styles = self._texts[y], self._styles[y]
        cells, new_styles = self._cells(strip)
        cells, new_styles = cells[: len(texts) - x], new_styles[: len(texts) - x]
        end = x + len(cells)
        old, old_styles = texts[x:end], styles[x:end]
        if old == cells and old_styles == new_styles:
            return
        texts[x:end], styles[x:end] = cells, new_styles
        if {*map(len, cells), *map(len, old)} != {1}:
            # Unknown until now, or wide: a character of two columns must not be cut in half.
            pen.draw(y, x, cells, new_styles)
            pen.lift()
            return
        zipped = zip(cells, old, new_styles, old_styles, strict=True)
        changed = [i for i, (a, b, c, d) in enumerate(zipped) if a != b or c != d]
        for first, last in _spans(changed, cells, new_styles):
            pen.draw(y, x + first, cells[first:last], new_styles[first:last])

    def _cells(self, strip: Strip) -> tuple[list[str], list[CellStyle]]:
        """A text and a style for each column; the second column of a wide character is empty."""
        cells: list[str] = []
        styles: list[CellStyle] = []
        for text, rich_style, control in strip:
            if control:
                continue
            style = _cell_style(rich_style, self._colors) if rich_style else PLAIN
            if text.isspace():
                style = _blank(style)
                cells += text
                styles += [style] * len(text)
                continue
            blank = _blank(style)
            columns: Sequence[str] = text if _NARROW.fullmatch(text) else _wide(text)
            cells += columns
            styles += [blank if column == " " else style for column in columns]
        return cells, styles


class _Pen:
    """A writer of cells that uses as few escape sequences as it can."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._style = PLAIN
        self._at: tuple[int, int] | None = None

    def draw(self, y: int, x: int, cells: list[str], styles: list[CellStyle]) -> None:
        self._move(y, x)
        for cell, style in zip(cells, styles, strict=True):
            if style != self._style and cell:
                self._turn(style, blank=cell == " ")
            self._parts.append(cell)
        self._at = (y, x + len(cells))

    def lift(self) -> None:
        """Forget where the cursor is: terminals disagree about the width of some characters."""
        self._at = None

    def finish(self) -> str:
        if self._style != PLAIN:
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

    def _turn(self, style: CellStyle, *, blank: bool) -> None:
        """Set what differs from the present style; a blank has no foreground."""
        attributes, ink, paper = self._style
        if style[0] != attributes:
            self._parts.append(f"\x1b[0;{';'.join(filter(None, _but_plain(style)))}m")
            self._style = style
            return
        if blank and not style[1]:
            style = (style[0], ink, style[2])
        codes = [new for new, old in ((style[1], ink), (style[2], paper)) if new != old]
        if codes:
            self._parts.append(f"\x1b[{';'.join(codes)}m")
        self._style = style


def _but_plain(style: CellStyle) -> tuple[str, ...]:
    return tuple(code for code, plain in zip(style, PLAIN, strict=True) if code != plain)


def _spans(
    changed: list[int], cells: list[str], styles: list[CellStyle]
) -> Iterable[tuple[int, int]]:
    """Begin and end (exclusive) of each stretch of changes, small gaps included."""
    first = changed[0]
    for before, after in pairwise(changed):
        gap = range(before + 1, after)
        cheap = len("".join(cells[before + 1 : after]).encode()) <= _MOVE_BYTES
        if gap and not (cheap and all(styles[i] == styles[before] for i in gap)):
            yield first, before + 1
            first = after
    yield first, changed[-1] + 1


def _wide(text: str) -> list[str]:
    """Each character at its first column, followed by the marks that have no width."""
    columns: list[str] = []
    for character in text:
        width = cell_len(character)
        if width == 0 and columns:
            last = next(i for i in range(len(columns) - 1, -1, -1) if columns[i] or i == 0)
            columns[last] += character
        else:
            columns += [character, *[""] * (width - 1)]
    width = cell_len(text)  # less than the sum for a sequence that is drawn as one
    return columns if len(columns) == width else [text, *[""] * (width - 1)]


@lru_cache(maxsize=4096)
def _cell_style(rich_style: Style, colors: ColorSystem) -> CellStyle:
    bits = rich_style._attributes & rich_style._set_attributes
    attributes = ";".join(code for bit, code in enumerate(_ATTRIBUTES) if bits & 1 << bit)
    ink = rich_style.color.downgrade(colors).get_ansi_codes() if rich_style.color else ("39",)
    paper = (
        rich_style.bgcolor.downgrade(colors).get_ansi_codes(False)
        if rich_style.bgcolor
        else ("49",)
    )
    return attributes, ";".join(ink), ";".join(paper)


@lru_cache(maxsize=4096)
def _blank(style: CellStyle) -> CellStyle:
    """The style of a space: without a foreground, unless it is underlined or the like."""
    codes = style[0].split(";")
    if any(code in codes for code in _ONLY_COLORED):
        return style
    return "", "", style[2]
