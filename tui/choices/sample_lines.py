"""Samples of a data set as lines of text: images in cells, points, a text, a table; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from textwrap import wrap
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from engine.config.dataset_preview import Images, Passage, Points, Rows, Sample
from tui.plots import heat
from tui.plots.chart import LETTERS
from tui.plots.raster import BRAILLE
from tui.text import clean

_GAP = 2
_MOST_CELLS = 1200
"""Most cells of all images together: a cell of its own colour is up to 40 bytes on the link."""
_GREYS = 15
"""Steps from black to white; neighbours of one colour are sent together."""
_SAMPLE = 4
"""Lines that notes leave to a sample at least: a table's header and three rows."""
_WIDEST_CELL = 18
"""Greatest width of a table's cell, but for the column with the longest ones."""


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """The size of a drawing, and its colours as #rrggbb."""

    width: int
    height: int
    ink: str
    foreground: str
    lanes: tuple[str, ...]
    """The colours of classes."""
    ascii_only: bool = False
    warning: str = "default"


def draw(
    sample: Sample, canvas: Canvas, notes: Sequence[str] = (), cautions: Sequence[str] = ()
) -> list[Text]:
    """At most `canvas.height` lines of at most `canvas.width` cells: cautions and notes, as far as
    they leave room for the sample, and below them the sample."""
    if canvas.width < 4 or canvas.height < 2:
        return []
    said = _said(notes, cautions, canvas)
    for line in said:  # a character may be two cells wide
        line.truncate(canvas.width, overflow="ellipsis")
    return said + _drawn(sample, replace(canvas, height=canvas.height - len(said)))


def _said(notes: Sequence[str], cautions: Sequence[str], canvas: Canvas) -> list[Text]:
    lines = [
        Text(part, style=style, no_wrap=True)
        for texts, style in ((cautions, canvas.warning), (notes, "dim"))
        for text in texts
        for part in wrap(clean(text), canvas.width)
    ]
    room = max(0, canvas.height - _SAMPLE)
    if len(lines) <= room:
        return lines
    more = len(lines) - room + 1  # the last line says so
    return [*lines[: room - 1], Text(f"and {more} more lines", style="dim")] if room else []


def _drawn(sample: Sample, canvas: Canvas) -> list[Text]:
    if isinstance(sample, Images):
        lines = _images(sample, canvas)
    elif isinstance(sample, Points):
        lines = _points(sample, canvas)
    elif isinstance(sample, Passage):
        lines = _passage(sample, canvas)
    else:
        lines = _table(sample, canvas)
    for line in lines:
        line.truncate(canvas.width, overflow="ellipsis")
    return lines[: canvas.height]


def _images(sample: Images, canvas: Canvas) -> list[Text]:
    """Rows of images, each with its label below; two pixels are as high as one is wide."""
    _, height, width = sample.pixels.shape[:3]
    fits = [
        scale
        for scale in (2, 1)
        # Enlarged only as long as there is room for several.
        if -(-height * scale // 2) < canvas.height
        and (width * scale + _GAP) * min(4 if scale > 1 else 1, len(sample.labels)) <= canvas.width
    ]
    shrunk = 1 if fits else max(-(-height // (2 * (canvas.height - 1))), -(-width // canvas.width))
    sized = [_scaled(pixels, fits[0] if fits else 1, shrunk) for pixels in sample.pixels]
    most = max(1, _MOST_CELLS * 2 // max(1, sized[0].shape[0] * sized[0].shape[1]))
    pictures = [
        _image(pixels, clean(label, 40), canvas)
        for pixels, label in zip(sized[:most], sample.labels, strict=False)
    ]
    cells = max(line.cell_len for line in pictures[0]) + _GAP
    each = max(1, (canvas.width + _GAP) // cells)
    lines: list[Text] = []
    for first in range(0, len(pictures), each):
        if lines and len(lines) + len(pictures[0]) > canvas.height:
            break
        row = pictures[first : first + each]
        for parts in zip(*row, strict=True):
            line = Text(no_wrap=True)
            for part in parts:
                line.append(part).append(" " * (cells - part.cell_len))
            line.rstrip()
            lines.append(line)
    return lines


def _scaled(pixels: NDArray[Any], scale: int, shrink: int) -> NDArray[Any]:
    """Each pixel repeated, or squares of pixels averaged; incomplete squares are left out."""
    if shrink == 1:
        return pixels.repeat(scale, 0).repeat(scale, 1)
    height, width = (size // shrink * shrink for size in pixels.shape[:2])
    rest = pixels.shape[2:]
    squares = pixels[:height, :width].reshape(
        height // shrink, shrink, width // shrink, shrink, *rest
    )
    small: NDArray[np.uint8] = squares.mean(axis=(1, 3)).astype(np.uint8)
    return small


def _image(pixels: NDArray[Any], label: str, canvas: Canvas) -> list[Text]:
    if len(pixels) % 2:
        pixels = np.concatenate([pixels, pixels[-1:]])
    lines = []
    for upper, lower in zip(pixels[::2], pixels[1::2], strict=True):
        pairs = list(zip(upper, lower, strict=True))
        if canvas.ascii_only:
            lines.append(Text("".join(_letter(*pair) for pair in pairs), no_wrap=True))
            continue
        line = Text(no_wrap=True)
        # Cells of one colour at a time, which is what the terminal is then sent.
        for style, cells in groupby(
            f"{_color(above)} on {_color(below)}" for above, below in pairs
        ):
            line.append("▀" * len(list(cells)), style=style)
        lines.append(line)
    name = Text(label, style=canvas.ink)
    name.truncate(pixels.shape[1], overflow="ellipsis")
    name.pad_right(pixels.shape[1] - name.cell_len)
    return [*lines, name]


def _letter(above: NDArray[Any], below: NDArray[Any]) -> str:
    return heat.grey_letter(float(above.mean() + below.mean()) / 510)


def _color(pixel: NDArray[Any]) -> str:
    steps = np.rint(pixel / 255 * _GREYS) * (255 // _GREYS)
    if not pixel.ndim:
        return heat.grey(int(steps))
    return "#" + "".join(f"{int(channel):02x}" for channel in steps)


def _points(sample: Points, canvas: Canvas) -> list[Text]:
    """A square of points, each cell in the colour, and in ASCII the letter, of its first class."""
    rows = min(canvas.height - 1, canvas.width // 2)
    down, across = (1, 1) if canvas.ascii_only else (4, 2)
    size = np.array([2 * rows * across - 1, rows * down - 1])
    low, high = sample.places.min(axis=0), sample.places.max(axis=0)
    span = np.where(high > low, high - low, 1)
    places = np.rint((sample.places - low) / span * size).astype(int)
    places[:, 1] = size[1] - places[:, 1]
    bits = np.zeros((rows, 2 * rows), int)
    classes = np.full((rows, 2 * rows), -1)
    for (x, y), label in zip(places, sample.labels, strict=True):
        row, column = y // down, x // across
        bits[row, column] |= int(BRAILLE[y % down, x % across])
        if classes[row, column] < 0:
            classes[row, column] = label
    lines = [_line_of_points(b, c, canvas) for b, c in zip(bits, classes, strict=True)]
    legend = Text()
    for label in np.unique(sample.labels):
        mark = LETTERS[label % len(LETTERS)] if canvas.ascii_only else "●"
        legend.append(f"{mark} class {label}  ", style=canvas.lanes[label % len(canvas.lanes)])
    return [*lines, legend]


def _line_of_points(bits: NDArray[Any], classes: NDArray[Any], canvas: Canvas) -> Text:
    line = Text(no_wrap=True)
    for dots, label in zip(bits.tolist(), classes.tolist(), strict=True):
        mark = LETTERS[label % len(LETTERS)] if canvas.ascii_only else chr(0x2800 + dots)
        style = canvas.lanes[label % len(canvas.lanes)] if dots else ""
        line.append(mark if dots else " ", style=style)
    return line


def _passage(sample: Passage, canvas: Canvas) -> list[Text]:
    lines: list[Text] = []
    for written in sample.text.split("\n"):
        rest = clean(written, canvas.width * canvas.height)
        while len(lines) < canvas.height:
            end = len(rest) if len(rest) <= canvas.width else rest.rfind(" ", 0, canvas.width) + 1
            end = end or canvas.width
            lines.append(Text(rest[:end].rstrip(), style=canvas.foreground, no_wrap=True))
            rest = rest[end:]
            if not rest:
                break
    return lines


def _table(sample: Rows, canvas: Canvas) -> list[Text]:
    cells = [[clean(cell, 200) for cell in row] for row in (sample.names, *sample.rows)]
    needed = [
        max(Text(row[place]).cell_len for row in cells if place < len(row))
        for place in range(len(cells[0]))
    ]
    widths = [min(_WIDEST_CELL, width) for width in needed]
    # What is left of the line is for the texts of a table of texts.
    longest = needed.index(max(needed))
    left = canvas.width - sum(widths) - _GAP * (len(widths) - 1)
    widths[longest] = min(needed[longest], max(_WIDEST_CELL, widths[longest] + left))
    return [
        _row(row, widths, "bold" if not number else canvas.foreground)
        for number, row in enumerate(cells[: canvas.height])
    ]


def _row(cells: Sequence[str], widths: Sequence[int], style: str) -> Text:
    line = Text(no_wrap=True, style=style)
    for cell, width in zip(cells, widths, strict=False):
        part = Text(cell)
        part.truncate(width, overflow="ellipsis")
        part.pad_right(width - part.cell_len + _GAP)
        line.append(part)
    line.rstrip()
    return line
