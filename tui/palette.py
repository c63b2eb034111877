"""Colours of the plots, as theme variables that a theme may change."""

LANE_COLORS = {
    "lane-0": "#56b4e9",
    "lane-1": "#e69f00",
    "lane-2": "#2fbf8f",
    "lane-3": "#e07bb5",
    "lane-4": "#f0e442",
    "lane-5": "#f0743e",
    "lane-6": "#8f9bff",
    "lane-7": "#d0d0d0",
}
"""Theme variables, told apart with the common forms of colour blindness (after Okabe and Ito)."""

PLOT_INK = {"plot-ink": "#8a94a0"}
"""Axes, and text of less weight."""


def blend(color: str, background: str, share: float) -> str:
    """`color` with only this share of itself over `background`, all as #rrggbb."""
    pairs = zip(_rgb(color), _rgb(background), strict=True)
    return "#" + "".join(f"{round(c * share + b * (1 - share)):02x}" for c, b in pairs)


def _rgb(color: str) -> bytes:
    return bytes.fromhex(color.lstrip("#")[:6])
