"""Draw the values of all curves at the crosshair as a list over the plot; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.plots.axes import Axes
from tui.plots.picture import Picture
from tui.plots.ticks import LABEL_WIDTH
from tui.text import cells, column, count, cut, number

_LONGEST_LABEL = 22
_SHORTEST_LABEL = 8
_REMARKS = 2


@dataclass(frozen=True)
class Value:
    """The value of a curve at the crosshair."""

    sample: str
    """A piece of its line, as in a legend."""
    color: str
    label: str
    raw: float | None
    smooth: float | None = None
    """The smoothed value, if a smoothed curve is drawn."""
    step: int | None = None
    """The step at which it was recorded, if that is not the step of the crosshair."""

    @property
    def numbers(self) -> str:
        """The raw value, the smoothed one after `~`, and the step after `@`."""
        words = [number(self.raw).ljust(6)]
        if self.smooth is not None:
            words.append(f"~{number(self.smooth)}".ljust(7))
        if self.step is not None:
            words.append(f"@{count(self.step)}")
        return " ".join(words)

    @property
    def text(self) -> str:
        """Label and numbers."""
        return f"{self.label} {' '.join(self.numbers.split())}".strip()


def width_of(values: Sequence[Value]) -> int:
    """The width in cells of values side by side."""
    return sum(len(value.sample) + cells(value.text) + 3 for value in values)


def without_common(labels: Sequence[str]) -> list[str]:
    """Labels without the beginning that all of them share, up to a space or `=`."""
    if len(labels) < 2:
        return list(labels)
    first, last = min(labels), max(labels)  # a beginning that these two share, all share
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), 0)
    cut = 1 + max(first.rfind(" ", 0, same), first.rfind("=", 0, same))
    return [label[cut:] for label in labels]


@dataclass(frozen=True)
class _Side:
    """The side of the crosshair that is written on."""

    right: bool
    first: int
    last: int

    @property
    def room(self) -> int:
        return max(0, self.last - self.first)

    def begin(self, width: int) -> int:
        """The first column of something of this width, close to the crosshair."""
        return self.first if self.right else self.last - width


def draw(
    picture: Picture, values: Sequence[Value], remarks: Sequence[str], axes: Axes, at: int
) -> None:
    """List values under each other beside column `at`, and lines of text under them: where there
    is more room, then on the other side. Values that do not fit are counted."""
    sides = [_Side(True, at + 2, axes.width), _Side(False, LABEL_WIDTH + 2, at - 1)]
    sides.sort(key=lambda side: -side.room)
    rows = axes.canvas_height - 1
    if sides[0].room < 8 or rows < 1:
        return
    remarks = [_cut(remark, sides[0].room, axes) for remark in remarks[: min(_REMARKS, rows)]]
    below = 1
    if values and rows > len(remarks):
        below = _list(picture, values, axes, sides, rows - len(remarks))
    for row, remark in enumerate(remarks):
        picture.write(below + row, sides[0].begin(cells(remark)), remark, "bold")


def _list(
    picture: Picture, values: Sequence[Value], axes: Axes, sides: list[_Side], rows: int
) -> int:
    """Draw as many values as fit; returns the row below the last one of the first side."""
    labels = [_cut(value.label, _LONGEST_LABEL, axes) for value in values]
    of_label, of_sample = max(map(cells, labels)), len(values[0].sample)
    numbers = [value.numbers for value in values]
    room = sides[0].room - of_sample - 2
    if max(map(len, numbers)) + min(of_label, _SHORTEST_LABEL) > room:
        numbers = [number(value.raw) for value in values]
    of_numbers = max(len(text.rstrip()) for text in numbers)
    of_label = max(0, min(of_label, room - of_numbers))
    width = of_sample + of_numbers + (of_label + 2 if of_label else 1)
    columns = [max(0, (side.room + 2) // (width + 2)) for side in sides]
    places = max(1, sum(columns)) * rows
    begins = [
        side.begin(count * (width + 2) - 2) + index * (width + 2)
        for side, most in zip(sides, columns, strict=True)
        for count in [min(most, -(-len(values) // rows))]
        for index in range(count)
    ] or [sides[0].begin(min(width, sides[0].room))]
    shown = min(len(values), places)
    for index, (value, label) in enumerate(zip(values[:shown], labels[:shown], strict=True)):
        column, row = divmod(index, rows)
        start, name = begins[column], _column(label, of_label, axes)
        if shown < len(values) and index == shown - 1:
            text = f"and {len(values) - shown + 1} more".ljust(width)
            picture.write(1 + row, start, text, axes.ink)
            continue
        line = " ".join(part for part in (value.sample, name, numbers[index]) if part)
        picture.write(1 + row, start, _column(line.rstrip(), width, axes), "")
        picture.write(1 + row, start, value.sample, value.color)
    return 1 + min(rows, shown)


def _cut(text: str, width: int, axes: Axes) -> str:
    shorter = cut(text, max(0, width))
    return shorter.replace("…", ".") if axes.ascii and shorter != text else shorter


def _column(text: str, width: int, axes: Axes) -> str:
    return column(_cut(text, width, axes), max(0, width))
