"""Colours and characters that show a share; pure."""

from tui.plots.palette import blend

SHADES = " ░▒▓█"
ASCII_SHADES = " .:+#"
GREYS = " .:-=+*#%@"
HEIGHTS = " ▁▂▃▄▅▆▇█"


def shade(share: float, *, ascii_only: bool) -> str:
    """A character for a share, 0 to 1; any share above 0 is visible."""
    shades = ASCII_SHADES if ascii_only else SHADES
    if not share > 0:
        return shades[0]
    return shades[max(1, min(len(shades) - 1, round(share * (len(shades) - 1))))]


def heights(*, ascii_only: bool) -> str:
    """Characters from nothing to a full cell."""
    return GREYS if ascii_only else HEIGHTS


def grey_letter(share: float) -> str:
    """An ASCII character for a brightness from 0 to 1, where there are no colours."""
    return GREYS[round(max(0.0, min(1.0, share)) * (len(GREYS) - 1))]


def warmth(share: float, hot: str, cold: str) -> str:
    """A colour between two, as #rrggbb; a square root makes small shares visible."""
    return blend(hot, cold, max(0.0, min(1.0, share)) ** 0.5)


def grey(value: int) -> str:
    """A grey value 0 to 255 as #rrggbb."""
    level = max(0, min(255, value))
    return f"#{level:02x}{level:02x}{level:02x}"
