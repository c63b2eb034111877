"""The Textual app: which screen is shown, theme and global keys."""

import asyncio
import gc
import os
import signal
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from subprocess import Popen
from typing import TYPE_CHECKING, Any

from textual.app import SystemCommand
from textual.events import Event, Key, Resize
from textual.filter import DimFilter, LineFilter
from textual.notifications import Notify, SeverityLevel
from textual.screen import Screen
from textual.theme import Theme
from textual.widgets import Input

from engine.runs import run_directory
from engine.runs.run_directory import RunDir
from presets.userconfig import UserConfig
from tui.panels.keys import bindings
from tui.runs.cache import write_failures
from tui.runs.run import Run
from tui.screens.app_screen import AppScreen, AtWork
from tui.screens.help import EVERYWHERE, HelpScreen
from tui.screens.too_small import MIN_HEIGHT, MIN_WIDTH, TooSmallScreen
from tui.terminal import themes, toast_limits
from tui.terminal.frugal_app import FrugalApp
from tui.terminal.plain_terminal import AsciiFilter, ColorlessFilter, has_colors, is_plain

if TYPE_CHECKING:
    from engine.race.directory import RaceDir
    from tui.choices.fork import Fork
    from tui.choices.rerun import Rerun
    from tui.screens.app_screen import Host

MOST_LANES = 20
"""How many runs are shown together at most when others are begun beside them."""
START_SECONDS = 3.0
"""Time after which the first screen has settled."""


class BigModelApp(FrugalApp):
    """The app: opens on the launch screen, on the dashboard of some runs, or on a race."""

    CSS_PATH = Path(__file__).with_name("app.tcss")
    TITLE = "bigmodel-tui"
    HORIZONTAL_BREAKPOINTS = [(0, "-slim"), (toast_limits.NARROW_COLUMNS, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (toast_limits.LOW_LINES, "-high")]
    KEYS = EVERYWHERE
    BINDINGS = bindings(KEYS)

    def __init__(
        self,
        *,
        root: Path,
        runs: Sequence[Run] | None = None,
        race: "RaceDir | None" = None,
        config: UserConfig | None = None,
    ) -> None:
        """`root` is where new runs go; the app opens on `runs` or on `race` if they are given."""
        self._race = race
        self.root = root
        self.config = config or UserConfig()
        self.plain = is_plain(os.environ, self.config.ascii)
        self.colorless = not has_colors(os.environ)
        self._runs = runs
        self.processes: list[Popen[bytes]] = []
        """Engines that this app started; each is polled, or it would stay in the process table."""
        self.started: list[RunDir] = []
        """Runs whose engines this app started."""
        self.failure: Exception | None = None
        """What ended the app, if it was an error of its own."""
        super().__init__()
        for theme in themes.THEMES:
            self.register_theme(theme)
        for line_filter in self._filters:
            if isinstance(line_filter, DimFilter):
                line_filter.dim_factor = themes.DIM
        # A terminal without colours gets bold and reverse for what is bright on black.
        wanted = themes.DEFAULT if self.colorless else themes.first(self.config.theme)
        self.theme = wanted if wanted in self.available_themes else themes.DEFAULT

    def _handle_exception(self, error: Exception) -> None:
        """Leave the terminal as it was and keep the error for whoever started the app.

        Textual would print a traceback with all local variables over the person's screen.
        """
        self._return_code = 1
        if self._exception is None:  # what Textual's pilot raises in a test
            self._exception = error
            self._exception_event.set()
        self.failure = self.failure or error
        self._close_messages_no_wait()

    async def on_event(self, event: Event) -> None:
        """Carry out a key before the next one is read, on screens with `KEYS_IN_ORDER`: over a slow
        link `l` and the learning rate after it come in one packet, which Textual reads at once."""
        if (
            isinstance(event, Key)
            and not event.is_forwarded
            and any(getattr(screen, "KEYS_IN_ORDER", False) for screen in self.screen_stack[-1:])
            and not isinstance(self.focused, Input)
            and await self._check_bindings(event.key)
        ):
            return
        await super().on_event(event)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The colours of the plots, for themes that do not define them."""
        like = "dark" if self.current_theme.dark else "light"
        return next(theme.variables for theme in themes.THEMES if theme.name == like)

    def get_css_variables(self) -> dict[str, str]:
        """The theme's variables; on a terminal of 16 colours, with lanes that it can tell apart."""
        variables = super().get_css_variables()
        if self.console.color_system == "standard":
            variables |= themes.sixteen(dark=self.current_theme.dark)
            self.theme_variables = variables
        return variables

    def _remember_theme(self, theme: Theme) -> None:
        if not self.colorless and theme.name != themes.first(self.config.theme):
            themes.remember(theme.name)

    def action_next_theme(self) -> None:
        """Change the colours, and remember them."""
        if self.colorless:
            self.notify("This terminal is taken to have no colours (TERM or NO_COLOR).")
            return
        self.theme = themes.after(self.theme)
        self.notify(f"Theme: {self.theme}", timeout=2)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a toast: on a small terminal one line over the footer, one at a time; else a few.

        What says the same as one that is shown takes its place.
        """
        if self._has_little_room:
            said = f"{title}: {message}" if title else message
            title, message = "", toast_limits.short(said, self.size.width - 4, severity)
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    def on_notify(self, event: Notify) -> None:
        """Make room for a toast before Textual shows it."""
        shown, small = list(self._notifications), self._has_little_room
        for old in toast_limits.outdated(shown, event.notification.message, small=small):
            self._unnotify(old, refresh=False)

    @property
    def _has_little_room(self) -> bool:
        return (
            self.size.width < toast_limits.NARROW_COLUMNS
            or self.size.height < toast_limits.LOW_LINES
        )

    def get_line_filters(self) -> list[LineFilter]:
        filters = list(super().get_line_filters())
        if self.colorless:
            filters.append(ColorlessFilter())
        if self.plain:
            filters.append(AsciiFilter())
        return filters

    first_page = 0
    """The page of the dashboard that is shown first, counted from 0."""

    def on_mount(self) -> None:
        self.set_interval(1.0, self._reap)
        self.theme_changed_signal.subscribe(self, self._remember_theme)
        write_failures.listen(partial(self.notify, severity="warning", timeout=20, markup=False))
        self.set_timer(START_SECONDS, _collect_garbage)
        # Ended by `kill`, it restores the terminal too. Signals need the main thread.
        with suppress(RuntimeError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.exit, None, 143)
        if self._runs:
            self.open_dashboard(self._runs, page=self.first_page)
        elif self._race is not None:
            self.open_launch()
            self.open_races()
            self.open_race(self._race)
        else:
            self.open_launch()

    def on_resize(self, event: Resize) -> None:
        small = event.size.width < MIN_WIDTH or event.size.height < MIN_HEIGHT
        if small and not isinstance(self.screen, TooSmallScreen):
            self.push_screen(TooSmallScreen())
        elif not small and isinstance(self.screen, TooSmallScreen):
            self.pop_screen()

    def open_launch(
        self, fork: "Fork | None" = None, *, longer: bool = False, clean: bool = False
    ) -> None:
        """Show the launch screen over what is shown, to fork a run if one is given; with `longer`,
        at the setting that says how long it trains; `clean`, with nothing of the last choice."""
        from tui.screens.launch.screen import LaunchScreen

        self._open(LaunchScreen(fork, longer=longer, clean=clean))

    def open_again(self, rerun: "Rerun") -> None:
        """Show the launch screen, filled with a run's settings, over what is shown."""
        from tui.screens.launch.screen import LaunchScreen

        self._open(LaunchScreen(rerun=rerun))

    @property
    def can_go_back(self) -> bool:
        """Whether a screen is under the one that is shown, dialogs and Textual's own aside."""
        screens = [screen for screen in self.screen_stack[1:] if not screen.is_modal]
        return len(screens) > 1

    def go_back(self) -> None:
        """Close the screen that is shown, if there is one under it."""
        if self.can_go_back:
            self.pop_screen()

    def open_beside(self, rerun: "Rerun", runs: Sequence[Run]) -> None:
        """Show new runs together with those beside which they were begun, at most `MOST_LANES`."""
        from tui.screens.dashboard.screen import DashboardScreen

        shown = [run for run in rerun.beside if run.id != rerun.run.id]
        kept = shown[max(0, len(shown) + 1 + len(runs) - MOST_LANES) :]
        if len(kept) < len(shown):
            self.notify(f"{MOST_LANES} runs are shown; the oldest were left out")
        self.pop_screen()
        below = self.screen
        if isinstance(below, DashboardScreen) and len(kept) == len(shown):
            below.add(runs)
        else:
            beside = [run for run in rerun.beside if run in kept or run.id == rerun.run.id]
            self._open(DashboardScreen([*beside, *runs], selected=runs[0]))

    def open_runs(self) -> None:
        """List all runs over what is shown."""
        from tui.screens.runs import RunsScreen

        self._open(RunsScreen(self.root))

    def open_dashboard(self, runs: Sequence[Run], *, page: int = 0) -> None:
        """Show the dashboard of these runs over what is shown, with this page, counted from 0."""
        from tui.screens.dashboard.screen import DashboardScreen

        self._open(DashboardScreen(runs, page=page))

    def open_races(self) -> None:
        """List all races over what is shown."""
        from tui.screens.race.all_races import RacesScreen

        self._open(RacesScreen(self.root))

    def open_race(self, race: "RaceDir") -> None:
        """Show a race over what is shown."""
        from tui.screens.race.screen import RaceScreen

        self._open(RaceScreen(race))

    def _open(self, screen: Screen[Any]) -> None:
        """Show a screen over what is shown, so that Esc leads back there.

        An older screen of its kind is closed, unless the app began with it: however long somebody
        goes from screen to screen, there are never more than kinds, each with its feed.
        """
        kind = type(screen)
        closed = [old for old in self.screen_stack[2:] if type(old) is kind]
        if type(self.screen) is kind:
            self.switch_screen(screen)
        else:
            self.push_screen(screen)
        for old in closed:
            if old in self._screen_stack:  # in the middle, where Textual has no way to close it
                self._screen_stack.remove(old)
                old.remove()

    def at_work(self) -> list[AtWork]:
        """The runs that train or are paused, of those that are shown or that this app started."""
        found: dict[Path, AtWork] = {}
        for screen in self.screen_stack:
            if isinstance(screen, AppScreen):
                found |= {each.run.path.absolute(): each for each in screen.runs_at_work()}
        for run in self.started:
            if run.path.absolute() not in found and run_directory.locked(run):
                found[run.path.absolute()] = AtWork(run)
        return list(found.values())

    def write_control(self, text: str) -> None:
        """Write control characters, such as a bell, to the terminal."""
        if text and self._driver is not None and not self.is_headless:
            self._driver.write(text)

    def _reap(self) -> None:
        self.processes = [process for process in self.processes if process.poll() is None]

    def action_repaint(self) -> None:
        """Draw the screen anew, as after something else wrote to the terminal."""
        self.repaint()

    def action_help(self) -> None:
        """Show the keys."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The command palette: what the screen's keys can do now, then what Textual offers."""
        called = screen.offered if isinstance(screen, AppScreen) else lambda _, name: name
        actions = {
            active.binding.action: active
            for active in screen.active_bindings.values()
            if active.binding.tooltip and active.binding.action != "command_palette"
        }
        for action, active in actions.items():
            binding = active.binding
            if not (name := called(action, binding.description)):
                continue
            yield SystemCommand(
                name,
                f"{binding.tooltip} (key {binding.key_display or binding.key})",
                partial(self.run_action, action, active.node),
            )
        for command in super().get_system_commands(screen):
            if command.title not in ("Quit", "Keys", "Maximize", "Minimize"):
                yield command


def _collect_garbage() -> None:
    """Collect garbage from now on, leaving out what start-up made: that takes as long as a key."""
    gc.freeze()
    gc.enable()


if TYPE_CHECKING:
    _offers_what_screens_ask_for: type[Host] = BigModelApp
