"""The manual of keys, docs/keys.md: written from the keys that the screens declare."""

from collections.abc import Sequence

from tui.panels import keys
from tui.panels.prompt import Prompt
from tui.screens.dashboard.alert_list import AlertsScreen
from tui.screens.dashboard.arrange import ArrangeScreen
from tui.screens.dashboard.screen import DashboardScreen
from tui.screens.dashboard.step_profile import ProfileScreen
from tui.screens.help import EVERYWHERE, HelpScreen
from tui.screens.launch.data_and_schedule import PreviewScreen
from tui.screens.launch.finder import FinderScreen
from tui.screens.launch.recipes import RecipesScreen
from tui.screens.launch.save import SaveScreen
from tui.screens.launch.screen import LaunchScreen
from tui.screens.quit import QuitScreen
from tui.screens.race.all_races import RacesScreen
from tui.screens.race.screen import RaceScreen
from tui.screens.race.setup import RaceSetupScreen
from tui.screens.race.surface_descent import DescentScreen
from tui.screens.race.terrain_screen import TerrainScreen
from tui.screens.runs import RunsScreen
from tui.screens.too_large import TooLargeScreen
from tui.screens.too_small import MIN_HEIGHT, MIN_WIDTH, TooSmallScreen

_SCREENS: Sequence[tuple[str, type, str]] = (
    (
        "Launch screen",
        LaunchScreen,
        "A dim setting comes from the presets. Type over it to change it; what you type is checked "
        "at once. *Schedule* takes a type, perhaps `warmup` and steps, perhaps its own keys "
        "(`cosine warmup 100`, `wsd decay_share=0.3`), and on a screen tall enough its curve is "
        "drawn. *Clip* takes a mode and its limit. *More* takes any other `KEY=VALUE`; a value "
        "with spaces stands in quotes. Where the screen is tall, samples of the data set are drawn "
        "too; elsewhere `i` shows both. The next start begins with the last choice. The last line "
        "says how much memory the run will take, and whether the device has it.",
    ),
    ("Choosing a recipe", RecipesScreen, ""),
    ("Keeping a recipe", SaveScreen, ""),
    ("Looking for a learning rate", FinderScreen, ""),
    ("Dashboard", DashboardScreen, ""),
    ("Arranging panels", ArrangeScreen, ""),
    ("Leaving while runs train", QuitScreen, ""),
    ("Before a run that does not fit into memory", TooLargeScreen, ""),
    ("List of runs", RunsScreen, ""),
    ("List of races", RacesScreen, ""),
    ("Setting up a race", RaceSetupScreen, ""),
    ("Race", RaceScreen, ""),
    ("Trajectories of a race", TerrainScreen, ""),
    ("Optimizers on a surface", DescentScreen, ""),
    ("A question at the bottom of a screen", Prompt, ""),
    ("Help", HelpScreen, ""),
    ("List of alerts", AlertsScreen, ""),
    ("Profile", ProfileScreen, ""),
    ("Samples and schedule", PreviewScreen, ""),
    ("A terminal that is too small", TooSmallScreen, ""),
)
"""Title, screen, and what else is to be said of it."""

_FIRST = """\
# Keys

This page is written by `make docs` from the keys that the screens declare.

The footer shows the keys that fit; `?` and Ctrl+P have all of them.
"""
_LAST = f"""\
## Terminals

The app needs at least {MIN_WIDTH}x{MIN_HEIGHT} cells and shows everything at 80x24. Under \
`TERM=vt100`, `TERM=linux` or a locale that is not UTF-8, or with `--ascii`, it draws in plain \
ASCII. It takes what colours there are: 16 million, 256, 16, or none under `NO_COLOR`; line \
styles, letters and words say the same. `--no-mouse` leaves the mouse to the terminal. `theme`, \
`ascii` and `mouse` in `config.yaml` decide for good; else the theme chosen last stays.
"""


def keys_markdown() -> str:
    """The manual: a table for each screen, as Markdown."""
    parts = [_FIRST, _section("Everywhere", _Everywhere)]
    parts += [_section(title, screen, note) for title, screen, note in _SCREENS]
    return "\n".join([*parts, _LAST])


class _Everywhere:
    """The keys of the app, which this floor does not know."""

    KEYS = EVERYWHERE


def _section(title: str, screen: type, note: str = "") -> str:
    rows = [f"| {_cell(shown)} | {_cell(does)} |\n" for shown, does in keys.lines(screen)]
    after = f"\n{note}\n" if note else ""
    return f"## {title}\n\n| key | |\n|---|---|\n{''.join(rows)}{after}"


def _cell(words: str) -> str:
    """Text that Markdown shows as it is: `<` begins no tag, `|` ends no cell."""
    return words.replace("|", "\\|").replace("<", "&lt;")
