"""Draw marks over a plot that is drawn already, without moving its canvas; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.text import Text

from tui.history import Mark, MarkKind
from tui.plot import LABEL_WIDTH, Frame

GLYPHS: dict[MarkKind, str] = {
    "checkpoint": "k",
    "gap": "g",
    "command": "c",
    "restart": "r",
    "non-finite": "!",
}
"""The letter of each kind on the top row; where two meet, the later in this order is shown."""
COLORS: dict[MarkKind, str] = {
    "checkpoint": "plot-ink",
    "gap": "warning",
    "command": "accent",
    "restart": "warning",
    "non-finite": "error",
}
"""Theme variables."""
_RANKS = {kind: rank for rank, kind in enumerate(GLYPHS)}
_BLANK = " \N{BRAILLE PATTERN BLANK}"


@dataclass(frozen=True)
class _Column:
    kind: MarkKind
    column: int


def overlay(
    lines: Sequence[Text], marks: Iterable[Mark], frame: Frame, colors: dict[MarkKind, str]
) -> list[Text]:
    """`lines` of `plot.draw` with a letter on the top row for each mark, and under it a faint
    column wherever the plot is empty, except under checkpoints, of which there are many.

    `colors` are #rrggbb by kind. Marks outside of the plot are left out.
    """
    columns = _columns(marks, frame)
    if not columns or frame.canvas_width < 8 or len(lines) < 3:
        return list(lines)
    return [
        _draw(line.copy(), row, columns, frame, colors) for row, line in enumerate(lines[:-1])
    ] + [lines[-1]]


def _columns(marks: Iterable[Mark], frame: Frame) -> list[_Column]:
    at: dict[int, MarkKind] = {}
    for mark in marks:
        if not 0 <= mark.step <= frame.x_limit:
            continue
        column = min(int(mark.step / frame.x_limit * frame.canvas_width), frame.canvas_width - 1)
        if column not in at or _RANKS[mark.kind] > _RANKS[at[column]]:
            at[column] = mark.kind
    return [_Column(kind, column + LABEL_WIDTH + 1) for column, kind in sorted(at.items())]


def _draw(
    line: Text, row: int, columns: list[_Column], frame: Frame, colors: dict[MarkKind, str]
) -> Text:
    cells = list(line.plain.ljust(frame.width))
    faint = ":" if frame.ascii else "┊"
    drawn = []
    for mark in columns:
        if row == 0:
            cells[mark.column] = GLYPHS[mark.kind]
        elif mark.kind == "checkpoint" or cells[mark.column] not in _BLANK:
            continue
        else:
            cells[mark.column] = faint
        drawn.append(mark)
    line.plain = "".join(cells)
    for mark in drawn:
        style = f"bold {colors[mark.kind]}" if row == 0 else f"dim {colors[mark.kind]}"
        line.stylize(style, mark.column, mark.column + 1)
    return line
