"""Colours of the plots, as theme variables that a theme may change, and computing with colours."""

from collections.abc import Mapping


def lanes(colors: str) -> dict[str, str]:
    """Theme variables for the curves, from colours separated by blanks."""
    return {f"lane-{index}": color for index, color in enumerate(colors.split())}


LANE_COLORS = lanes("#85d4fc #f0b604 #34ab8e #bd8cb7 #ffff7d #e77753 #9785fd #d5e3e4")
"""Told apart on a dark background with the common forms of colour blindness too: near the colours
of Okabe and Ito, moved apart as seen in simulations of all three."""

LIGHT_LANE_COLORS = lanes("#1466c1 #a54101 #2b614f #834a7d #70673b #8e0c06 #1023e6 #333037")
"""The same for a light background, and for pictures on paper."""

PLOT_INK = {"plot-ink": "#909aa6"}
"""The colour of axes and secondary text."""


def blend(color: str, background: str, share: float) -> str:
    """A share of `color` mixed with the rest of `background`, all as #rrggbb."""
    pairs = zip(_rgb(color), _rgb(background), strict=True)
    return "#" + "".join(f"{round(c * share + b * (1 - share)):02x}" for c, b in pairs)


def luminance(color: str) -> float:
    """Relative luminance of #rrggbb from 0 to 1 (WCAG 2.2)."""
    red, green, blue = (_linear(part / 255) for part in _rgb(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, from 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ink_on(background: str) -> str:
    """Black or white, whichever is read more easily on this colour."""
    return max(("#000000", "#ffffff"), key=lambda ink: contrast(ink, background))


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _rgb(color: str) -> bytes:
    return bytes.fromhex(color.lstrip("#")[:6])


def lane_colors(variables: Mapping[str, str]) -> tuple[str, ...]:
    """The lane colours of a theme, from its variables."""
    return tuple(variables.get(name, color) for name, color in LANE_COLORS.items())
