"""Themes: text is readable, curves are told apart, also by the colour-blind and with 16 colours."""

from itertools import combinations
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from rich.color import Color, ColorSystem
from textual.theme import Theme

from presets.userconfig import ThemeName, UserConfig
from support.colors import VISIONS, delta_e, difference
from support.seen import until
from tui.app import BigModelApp
from tui.plots.palette import blend, contrast, ink_on
from tui.terminal import themes

TEXT = ("foreground", "primary", "accent", "warning", "error", "success", "plot-ink")
BACKGROUNDS = ("background", "surface", "panel")
LANES = [f"lane-{index}" for index in range(8)]
READABLE = 4.5
"""WCAG 2.2, level AA."""
LEAST_DIFFERENCE = {
    "dark": 13,
    "light": 9,
    "colorblind-dark": 16,
    "colorblind-light": 12,
}
"""CIEDE2000 between any two lanes with any vision; 1 is about what can just be seen."""

each_theme = pytest.mark.parametrize("theme", themes.THEMES, ids=lambda theme: theme.name)


def variables(theme: Theme) -> dict[str, str]:
    return theme.to_color_system().generate() | theme.variables


@each_theme
def test_text_is_readable_on_every_background(theme: Theme) -> None:
    colors = variables(theme)
    for back in BACKGROUNDS:
        for name in (*TEXT, "footer-key-foreground", "footer-description-foreground"):
            assert contrast(colors[name], colors[back]) >= READABLE, (name, back)
        dim = blend(colors["foreground"], colors[back], themes.DIM)
        assert contrast(dim, colors[back]) >= READABLE, back
    for lane in LANES:  # curves, and the words of a legend
        assert contrast(colors[lane], colors["background"]) >= READABLE, lane
    selected = contrast(colors["block-cursor-foreground"], colors["block-cursor-background"])
    assert selected >= 4.4


@each_theme
@pytest.mark.parametrize("vision", VISIONS)
def test_lanes_are_told_apart(theme: Theme, vision: str) -> None:
    least = LEAST_DIFFERENCE[theme.name]
    for one, other in combinations(LANES, 2):
        pair = theme.variables[one], theme.variables[other]
        assert difference(*pair, vision) >= least, (one, other)


@pytest.mark.parametrize("name", ["colorblind-dark", "colorblind-light"])
@pytest.mark.parametrize("vision", VISIONS)
def test_good_and_bad_are_told_apart_by_everybody(name: str, vision: str) -> None:
    theme = next(theme for theme in themes.THEMES if theme.name == name)
    colors = variables(theme)
    for one, other in combinations(("success", "warning", "error"), 2):
        assert difference(colors[one], colors[other], vision) >= 10, (one, other)


@each_theme
@pytest.mark.parametrize(
    ("system", "own"), [(ColorSystem.EIGHT_BIT, True), (ColorSystem.STANDARD, False)]
)
def test_each_lane_keeps_a_colour_of_its_own_where_there_are_few(
    theme: Theme, system: ColorSystem, own: bool
) -> None:
    lanes = theme.variables if own else themes.sixteen(dark=theme.dark)
    shown = {Color.parse(lanes[lane]).downgrade(system).number for lane in LANES}
    assert len(shown) == len(LANES)
    paper = Color.parse(variables(theme)["background"]).downgrade(system).number
    assert paper not in shown


def test_ink_is_readable_on_every_shade() -> None:
    for level in range(256):
        back = f"#{level:02x}{level:02x}{level:02x}"
        assert contrast(ink_on(back), back) >= READABLE


def test_the_difference_is_that_of_its_authors() -> None:
    """The first, an achromatic and a far one of the 34 pairs of Sharma, Wu and Dalal (2005)."""
    pairs = [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.5, 0.0), (58.0, 24.0, 15.0), 19.4535),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ]
    for one, other, expected in pairs:
        assert delta_e(np.array(one), np.array(other)) == pytest.approx(expected, abs=1e-4)


def test_a_user_can_decide_for_every_theme() -> None:
    assert get_args(ThemeName) == themes.NAMES


async def test_a_key_changes_the_theme_and_the_next_start_has_it(terminal_environment) -> None:
    app = BigModelApp(root=Path("runs"))
    async with app.run_test(size=(100, 30)) as pilot:
        assert app.theme == "dark"
        await pilot.press("D")
        await until(pilot, lambda: themes.first(None) == "light")
        assert app.theme_variables["background"] == "#FAFAFA"
    assert BigModelApp(root=Path("runs")).theme == "light"
    decided = UserConfig(theme="colorblind-dark")
    assert BigModelApp(root=Path("runs"), config=decided).theme == "colorblind-dark"


async def test_in_themes_of_textuals_own_the_curves_have_colours_too(terminal_environment) -> None:
    app = BigModelApp(root=Path("runs"))
    async with app.run_test(size=(100, 30)) as pilot:
        app.theme = "nord"
        await pilot.pause()
        assert app.theme_variables["lane-0"] == themes.THEMES[0].variables["lane-0"]


async def test_without_colours_the_theme_stays(terminal_environment, monkeypatch) -> None:
    themes.remember("light")
    monkeypatch.setenv("NO_COLOR", "1")
    app = BigModelApp(root=Path("runs"))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("D")
        assert app.theme == "dark"
    assert themes.first(None) == "light"


@pytest.mark.parametrize("remembered", ["no such theme", "\x1b[31m"])
def test_what_was_remembered_wrongly_is_left_aside(terminal_environment, remembered: str) -> None:
    themes.remember(remembered)
    assert BigModelApp(root=Path("runs")).theme == "dark"
