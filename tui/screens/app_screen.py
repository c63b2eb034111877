"""The base of screens that fill the terminal: what they ask of the app, and the keys they share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
BACK = Key("escape", "back", "Back", "back to where you were", footer=True)
LEAVE = Key(
    "q",
    "leave",
    "Quit",
    "quit; asks whether a run that trains or is paused is left as it is or stopped",
    footer=True,
)
NEW = Key("n", "new", "New run", "choose and start another run; this one goes on", footer=True)


@dataclass(frozen=True)
class AtWork:
    """A run that an engine holds."""

    run: RunDir
    paused: bool = False


class Host(Protocol):
    """The app, as far as its screens know it; see `BigModelApp` for what each method does."""

    root: Path
    config: UserConfig
    processes: list[Popen[bytes]]
    started: list[RunDir]

    @property
    def can_go_back(self) -> bool: ...

    def go_back(self) -> None: ...

    def at_work(self) -> list[AtWork]: ...

    def open_launch(
        self, fork: "Fork | None" = None, *, longer: bool = False, clean: bool = False
    ) -> None: ...

    def open_again(self, rerun: "Rerun") -> None: ...

    def open_beside(self, rerun: "Rerun", runs: list[RunDir]) -> None: ...

    def open_runs(self) -> None: ...

    def open_dashboard(self, runs: list[RunDir], *, page: int = 0) -> None: ...

    def open_races(self) -> None: ...

    def open_race(self, race: "RaceDir") -> None: ...

    def ready(self, *, urgent: bool = False) -> bool: ...

    def when_painted(self, callback: Callable[[], object]) -> None: ...

    def write_control(self, text: str) -> None: ...


def host(node: DOMNode) -> Host:
    """The app that a screen or a widget is part of."""
    return cast(Host, node.app)


class AppScreen(Screen[None]):
    """A screen that opens others, leads back to the one under it, and says what went wrong."""

    @property
    def host(self) -> Host:
        """The app."""
        return host(self)

    def complain(self, words: str, title: str = "") -> None:
        """Say what went wrong, in one line."""
        self.notify(clean(words), title=title, severity="error", markup=False)

    def runs_at_work(self) -> Sequence[AtWork]:
        """The runs on this screen that an engine of ours holds."""
        return ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A way back only where there is a screen to go back to."""
        return self.host.can_go_back if action == "back" else True

    def offered(self, action: str, name: str) -> str:
        """What the footer calls an action; "" where it cannot be done now. Its key still says why
        not."""
        return name

    def action_back(self) -> None:
        """Back to the screen under this one."""
        self.host.go_back()

    def action_leave(self) -> None:
        """End the app, after asking what becomes of runs that train or are paused."""
        from tui.screens.quit import leave

        leave(self, self.host.at_work())

    def action_runs(self) -> None:
        """List all runs; those that are watched go on."""
        self.host.open_runs()

    def action_races(self) -> None:
        """List all races."""
        self.host.open_races()

    def action_new(self) -> None:
        """Go to the launch screen; the runs go on."""
        self.host.open_launch(clean=True)
