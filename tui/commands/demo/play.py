"""`bigmodel-tui --demo`: the dashboard on a recorded run, in a folder that is then removed."""

import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.widgets import Static

from tui.app import BigModelApp
from tui.commands.demo.player import Player, prepare, recording
from tui.commands.open_app import open_app
from tui.screens.dashboard.screen import DashboardScreen

if TYPE_CHECKING:
    from tui.choices.fork import Fork
    from tui.choices.rerun import Rerun
    from tui.runs.run import Run

_PACE = 2.0
"""Speed of the playback, relative to the recording."""
_WHAT = "A recording: this run was trained earlier and is played; nothing trains now"
_ONLY = "The demo plays a recorded run and trains nothing: bigmodel-tui without --demo does."


class DemoScreen(DashboardScreen):
    """A dashboard of the recording, which may be left without a question."""

    def compose(self) -> ComposeResult:
        yield Static(f" {_WHAT}", id="demo", markup=False)
        yield from super().compose()

    def action_leave(self) -> None:
        """Leave, and end the recording."""
        self.app.exit()

    def action_resume_run(self) -> None:
        """Say that there is no engine that could resume."""
        self.notify(_ONLY)

    def action_fork(self) -> None:
        """Say that there is no checkpoint to fork from."""
        self.notify(_ONLY)


class DemoApp(BigModelApp):
    """An app that plays the recording and starts no engine."""

    def open_dashboard(self, runs: "Sequence[Run]", *, page: int = 0) -> None:
        """Show the recorded run."""
        self._open(DemoScreen(runs))

    def open_launch(
        self, fork: "Fork | None" = None, *, longer: bool = False, clean: bool = False
    ) -> None:
        """Say that the demo trains nothing."""
        self.notify(_ONLY)

    def open_again(self, rerun: "Rerun") -> None:
        """Say that the demo trains nothing."""
        self.notify(_ONLY)


def show(*, ascii_only: bool, no_mouse: bool) -> int:
    """Play the recording in the app; returns the exit status."""
    folder = Path(tempfile.mkdtemp(prefix="bigmodel-demo-"))
    remove = partial(shutil.rmtree, folder, ignore_errors=True)
    try:
        events = recording()
        run = prepare(folder / "runs", events)
        player = Player(run, events, pace=_PACE)
        player.start()
        try:
            return open_app(
                run.path.parent,
                [run],
                ascii_only=ascii_only,
                no_mouse=no_mouse,
                app_class=DemoApp,
                at_hangup=remove,
            )
        finally:
            player.close()
    finally:
        remove()
