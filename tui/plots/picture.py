"""Pictures of styled characters that are written on and turned into lines; pure.

They are arrays, because a plot has thousands of cells and a key must not wait for each.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style

from tui.text import cells

Codes = NDArray[np.uint32]
"""Unicode code points."""
Indices = NDArray[np.int16]

_SECOND_HALF = "\0"
"""Stands in the second cell of a wide character; never part of what is drawn."""


@dataclass
class Picture:
    """A picture of `height` rows of `width` cells; a wide character takes two of them."""

    glyphs: Codes
    """(height, width)."""
    styles: Indices
    """(height, width): indices of `palette`."""
    palette: list[str] = field(default_factory=lambda: [""])
    """Styles as rich writes them, such as `bold #ff0000`."""

    @classmethod
    def blank(cls, width: int, height: int) -> "Picture":
        shape = (max(0, height), max(0, width))
        return cls(np.full(shape, ord(" "), np.uint32), np.zeros(shape, np.int16))

    @property
    def width(self) -> int:
        return int(self.glyphs.shape[1])

    @property
    def height(self) -> int:
        return int(self.glyphs.shape[0])

    def copy(self) -> "Picture":
        return Picture(self.glyphs.copy(), self.styles.copy(), list(self.palette))

    def style(self, name: str) -> int:
        """The index of a style."""
        if name not in self.palette:
            self.palette.append(name)
        return self.palette.index(name)

    def write(self, row: int, column: int, text: str, style: str) -> None:
        """Write a line of text at a cell; what lies outside of the picture is left out."""
        if not 0 <= row < self.height or not 0 <= column < self.width:
            return
        if not text.isascii():
            text = _one_cell_each(text)
        if len(text) > self.width - column:
            whole, text = text, text[: self.width - column]
            if whole[len(text)] == _SECOND_HALF:  # half a character cannot be drawn
                text = f"{text[:-1]} "
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        end = column + len(codes)
        if self.glyphs[row, column] == ord(_SECOND_HALF):
            self.glyphs[row, column - 1] = ord(" ")
        if end < self.width and self.glyphs[row, end] == ord(_SECOND_HALF):
            self.glyphs[row, end] = ord(" ")
        self.glyphs[row, column:end] = codes
        self.styles[row, column:end] = self.style(style)

    def text(self, row: int) -> str:
        """The characters of a row."""
        return str(self.glyphs[row].tobytes(), "utf-32-le").replace(_SECOND_HALF, "")

    def lines(self) -> list[list[Segment]]:
        """The rows as segments, one for each stretch of one style."""
        styles = [Style.parse(name) for name in self.palette]
        rows, columns = np.nonzero(np.diff(self.styles, axis=1))
        borders = np.searchsorted(rows, np.arange(self.height + 1))
        ends = (columns + 1).tolist()
        lines = []
        for row in range(self.height):
            text, line, begin = str(self.glyphs[row].tobytes(), "utf-32-le"), [], 0
            of_row = self.styles[row].tolist()
            for end in (*ends[borders[row] : borders[row + 1]], self.width):
                part = text[begin:end].replace(_SECOND_HALF, "")
                line.append(Segment(part, styles[of_row[begin]]))
                begin = end
            lines.append(line)
        return lines


def _one_cell_each(text: str) -> str:
    """A character for each cell: accents that take none are left out."""
    found = []
    for character in text:
        width = cells(character)
        if width:
            found.append(character + _SECOND_HALF * (width - 1))
    return "".join(found)
