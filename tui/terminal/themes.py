"""The colours of the screen: themes, and the colours of curves where a terminal has only 16."""

from typing import Any

from msgspec import Struct
from textual.theme import Theme

from tui.choices.kept import small_files
from tui.plots.palette import LANE_COLORS, LIGHT_LANE_COLORS, PLOT_INK, lanes

DEFAULT = "dark"
DIM = 0.7
"""Share of its contrast that dim text keeps: enough to be read on every background."""
_SUBJECT = "look"  # the name of a file that people have already

_ON_DARK: dict[str, Any] = {
    "foreground": "#e0e0e0",
    "background": "#121212",
    "surface": "#1e1e1e",
    "panel": "#242f38",
    "secondary": "#004578",
}
_ON_LIGHT: dict[str, Any] = {
    "foreground": "#1f1f1f",
    "background": "#fafafa",
    "surface": "#f0f0f0",
    "panel": "#e4e8ec",
    "secondary": "#0178d4",
    "dark": False,
}
_DARK_DETAILS = {
    **PLOT_INK,
    "block-cursor-background": "#0178d4",
    "block-cursor-foreground": "#ffffff",
    "block-cursor-blurred-background": "#0178d44c",
}
_LIGHT_DETAILS = {
    "plot-ink": "#57606a",
    "block-cursor-background": "#005a9e",
    "block-cursor-foreground": "#ffffff",
    "block-cursor-blurred-background": "#005a9e33",
}

# Whatever colour tells, words, letters or line styles tell too. The `colorblind` themes have blue
# for good and orange for bad.
THEMES = (
    Theme(
        name="dark",
        **_ON_DARK,
        primary="#5aa9f0",
        accent="#ffa62b",
        warning="#ffa62b",
        error="#ff7b8e",
        success="#4ebf71",
        variables=LANE_COLORS | _DARK_DETAILS | {"footer-key-foreground": "#ffa62b"},
    ),
    Theme(
        name="light",
        **_ON_LIGHT,
        primary="#005a9e",
        accent="#8a4500",
        warning="#7a5200",
        error="#b3261e",
        success="#17662f",
        variables=LIGHT_LANE_COLORS | _LIGHT_DETAILS | {"footer-key-foreground": "#8a4500"},
    ),
    Theme(
        name="colorblind-dark",
        **_ON_DARK,
        primary="#c9c9ff",
        accent="#ffe14d",
        warning="#ffe14d",
        error="#ff8a3d",
        success="#58b0ff",
        variables=lanes("#a085fa #e58805 #20f3a9 #bbc9fd #daff06 #b391ac #6ea37f #fff4fb")
        | _DARK_DETAILS
        | {"footer-key-foreground": "#ffe14d"},
    ),
    Theme(
        name="colorblind-light",
        **_ON_LIGHT,
        primary="#3d3d7a",
        accent="#3a3000",
        warning="#3a3000",
        error="#ab4300",
        success="#0057b0",
        variables=lanes("#3701fe #815a4c #257070 #5b2758 #5c6d00 #721520 #1e4499 #0c2025")
        | _LIGHT_DETAILS
        | {"footer-key-foreground": "#3a3000"},
    ),
)
NAMES = tuple(theme.name for theme in THEMES)

# Rich's values of the 16 colours of a terminal, one for each lane.
_SIXTEEN_ON_DARK = lanes("#55ffff #ffff55 #55ff55 #ff55ff #ff5555 #5555ff #aa5500 #aaaaaa")
_SIXTEEN_ON_LIGHT = lanes("#0000aa #aa5500 #00aaaa #aa00aa #aa0000 #5555ff #00aa00 #555555")


class RememberedTheme(Struct, frozen=True, kw_only=True):
    """The theme that was shown last, as it is kept on disk."""

    theme: str = ""


def sixteen(*, dark: bool) -> dict[str, str]:
    """The colours of lanes on a terminal of 16 colours."""
    return _SIXTEEN_ON_DARK if dark else _SIXTEEN_ON_LIGHT


def first(decided: str | None) -> str:
    """The theme to begin with: that of the user's configuration, else the one shown last."""
    return decided or small_files.load(_SUBJECT, RememberedTheme).theme or DEFAULT


def remember(name: str) -> None:
    """Keep this theme for the next start."""
    small_files.save(_SUBJECT, RememberedTheme(theme=name))


def after(name: str) -> str:
    """The theme after this one, of ours."""
    at = NAMES.index(name) if name in NAMES else -1
    return NAMES[(at + 1) % len(NAMES)]
