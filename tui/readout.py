"""What all curves have at the crosshair, as a list over the plot; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.chart import Axes
from tui.picture import Picture
from tui.text import count, number
from tui.ticks import LABEL_WIDTH

_LONGEST_LABEL = 22
_REMARKS = 2


@dataclass(frozen=True)
class Value:
    """What a curve has at the crosshair."""

    sample: str
    """Its line, as in a legend."""
    color: str
    label: str
    raw: float | None
    smooth: float | None = None
    """Where a smoothed curve is drawn."""
    step: int | None = None
    """Where the value was recorded, if that is not the step of the crosshair."""

    @property
    def text(self) -> str:
        """The label, the raw value, the smoothed one after `~`, and the step after `@`."""
        words = [self.label[:_LONGEST_LABEL]] if self.label else []
        words.append(number(self.raw))
        if self.smooth is not None:
            words.append(f"~{number(self.smooth)}")
        if self.step is not None:
            words.append(f"@{count(self.step)}")
        return " ".join(words)


@dataclass(frozen=True)
class _Side:
    """The columns beside the crosshair that are written on."""

    right: bool
    first: int
    last: int

    @property
    def room(self) -> int:
        return self.last - self.first

    def begin(self, width: int) -> int:
        """Where something so wide begins: close to the crosshair."""
        return self.first if self.right else self.last - width


def width_of(values: Sequence[Value]) -> int:
    """The cells that they take beside each other."""
    return sum(len(value.sample) + len(value.text) + 3 for value in values)


def draw(
    picture: Picture, values: Sequence[Value], remarks: Sequence[str], axes: Axes, at: int
) -> None:
    """List values under each other on that side of column `at` which has more room, and lines of
    text under them. Values that do not fit are counted."""
    right = axes.width - at - 1 > at - LABEL_WIDTH - 1
    side = _Side(right, *((at + 2, axes.width) if right else (LABEL_WIDTH + 2, at - 1)))
    rows = axes.canvas_height - 1
    if side.room < 8 or rows < 1:
        return
    remarks = [_cut(remark, side.room, axes) for remark in remarks[: min(_REMARKS, rows)]]
    below = _list(picture, values, axes, side, rows - len(remarks))
    for row, remark in enumerate(remarks):
        picture.write(below + row, side.begin(len(remark)), remark, "bold")


def _list(picture: Picture, values: Sequence[Value], axes: Axes, side: _Side, rows: int) -> int:
    """Draw as many values as fit; the row under the last one."""
    if rows < 1 or not values:
        return 1
    width = min(side.room, max(len(value.sample) + len(value.text) + 1 for value in values))
    places = max(1, (side.room + 2) // (width + 2)) * rows
    shown = [(value.sample, value.text, value.color) for value in values[:places]]
    if len(shown) < len(values):
        shown[-1] = "", f"and {len(values) - len(shown) + 1} more", axes.ink
    columns = -(-len(shown) // rows)
    begin = side.begin(columns * (width + 2) - 2)
    for index, (sample, text, color) in enumerate(shown):
        column, row = divmod(index, rows)
        x = begin + column * (width + 2)
        line = _cut(f"{sample} {text}".strip(), width, axes).ljust(width)
        picture.write(1 + row, x, line, "")
        picture.write(1 + row, x, line[: len(sample)], color)
    return 1 + min(rows, len(shown))


def _cut(text: str, width: int, axes: Axes) -> str:
    return text if len(text) <= width else text[: width - 1] + ("." if axes.ascii else "…")
