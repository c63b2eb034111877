"""The base of screens that fill the terminal: what they ask of the app, and the keys they share."""

from pathlib import Path
from subprocess import Popen
from typing import TYPE_CHECKING, Protocol, cast

from textual.dom import DOMNode
from textual.screen import Screen

from engine.runs.run_directory import RunDir
from presets.userconfig import UserConfig
from tui.panels.keys import Key
from tui.text import clean

if TYPE_CHECKING:
    from engine.race.directory import RaceDir
    from tui.choices.fork import Fork
    from tui.choices.rerun import Rerun

RUNS = Key("r", "runs", "Runs", "list all runs", footer=True)
RACES = Key("C", "races", "Races", "list all races")
NEW = Key("n", "new", "New run", "choose and start another run; this one goes on", footer=True)


class Host(Protocol):
    """The app, as far as its screens know it; see `BigModelApp` for what each method does."""

    root: Path
    config: UserConfig
    processes: list[Popen[bytes]]

    def open_launch(self, fork: "Fork | None" = None, *, clean: bool = False) -> None: ...

    def open_again(self, rerun: "Rerun") -> None: ...

    def close_again(self) -> None: ...

    def open_beside(self, rerun: "Rerun", runs: list[RunDir]) -> None: ...

    def open_runs(self) -> None: ...

    def close_runs(self) -> None: ...

    def open_dashboard(self, runs: list[RunDir]) -> None: ...

    def open_races(self) -> None: ...

    def open_race(self, race: "RaceDir") -> None: ...

    def ready(self, *, urgent: bool = False) -> bool: ...

    def write_control(self, text: str) -> None: ...


def host(node: DOMNode) -> Host:
    """The app that a screen or a widget is part of."""
    return cast(Host, node.app)


class AppScreen(Screen[None]):
    """A screen that opens others, and says what went wrong."""

    @property
    def host(self) -> Host:
        """The app."""
        return host(self)

    def complain(self, words: str, title: str = "") -> None:
        """Say what went wrong, in one line."""
        self.notify(clean(words), title=title, severity="error", markup=False)

    def action_runs(self) -> None:
        """List all runs; those that are watched go on."""
        self.host.open_runs()

    def action_races(self) -> None:
        """List all races."""
        self.host.open_races()

    def action_new(self) -> None:
        """Go to the launch screen; the runs go on."""
        self.host.open_launch(clean=True)
