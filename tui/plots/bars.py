"""Draw bars and sparklines of block characters or ASCII; pure."""

from collections.abc import Sequence

from tui.plots.heat import HEIGHTS

_EIGHTHS = HEIGHTS[1:]
_ASCII_LEVELS = "_.:-=+*#"


def bar(share: float, width: int, *, ascii_only: bool) -> str:
    """A horizontal bar of `width` cells, a share of which, 0 to 1, is filled."""
    filled = round(max(0.0, min(1.0, share)) * width)
    done, rest = ("#", ".") if ascii_only else ("█", "░")
    return done * filled + rest * (width - filled)


def column(share: float, *, ascii_only: bool) -> str:
    """One character whose height is a share from 0 to 1."""
    levels = _ASCII_LEVELS if ascii_only else _EIGHTHS
    return levels[max(0, min(len(levels) - 1, round(share * (len(levels) - 1))))]


def past(
    values: Sequence[float | None], top: float, width: int, rows: int, *, ascii_only: bool
) -> list[str]:
    """The newest values on the right, a column each, as shares of `top`; None is a gap.

    In ASCII a column ends in a character that says how full its last cell is.
    """
    levels = _ASCII_LEVELS if ascii_only else _EIGHTHS
    full = levels[-1]
    lines = [""] * rows
    for value in values[-width:] if width > 0 else []:
        share = 0.0 if value is None or top <= 0 else max(0.0, min(1.0, value / top))
        eighths = max(1, round(share * rows * len(levels)))  # a share of 0 is seen too
        for row in range(rows):
            filled = eighths - (rows - 1 - row) * len(levels)
            cell = full if filled >= len(levels) else levels[filled - 1] if filled > 0 else " "
            lines[row] += " " if value is None else cell
    return [line.rjust(width) for line in lines]
