"""Pictures of styled characters that are written on and turned into lines; pure.

They are arrays, because a plot has thousands of cells and a key must not wait for each.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style

Codes = NDArray[np.uint32]
"""Unicode code points."""
Indices = NDArray[np.int16]


@dataclass
class Picture:
    """A picture of `height` rows of `width` cells; all characters are one cell wide."""

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
        text = text[: self.width - column]
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        self.glyphs[row, column : column + len(codes)] = codes
        self.styles[row, column : column + len(codes)] = self.style(style)

    def text(self, row: int) -> str:
        """The characters of a row."""
        return str(self.glyphs[row].tobytes(), "utf-32-le")

    def lines(self) -> list[list[Segment]]:
        """The rows as segments, one for each stretch of one style."""
        styles = [Style.parse(name) for name in self.palette]
        rows, columns = np.nonzero(np.diff(self.styles, axis=1))
        borders = np.searchsorted(rows, np.arange(self.height + 1))
        ends = (columns + 1).tolist()
        lines = []
        for row in range(self.height):
            text, line, begin = self.text(row), [], 0
            of_row = self.styles[row].tolist()
            for end in (*ends[borders[row] : borders[row + 1]], self.width):
                line.append(Segment(text[begin:end], styles[of_row[begin]]))
                begin = end
            lines.append(line)
        return lines
