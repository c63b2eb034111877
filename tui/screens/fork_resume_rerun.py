"""What keys do with a run, on the dashboard and on the list of runs: fork, resume, train again."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import work

from engine.runs import run_directory, start_process
from engine.runs.run_directory import RunDir
from presets import UserError
from tui.panels.keys import Key
from tui.runs import loading
from tui.runs.run import Run, own
from tui.screens.app_screen import AppScreen
from tui.screens.too_large import start_if_it_fits

if TYPE_CHECKING:  # what prepares another run is loaded when it is asked for
    from tui.choices.fork import Fork
    from tui.choices.rerun import Rerun

FORK = Key(
    "f",
    "fork",
    "Fork",
    "start a new run from the newest checkpoint of this one, with other settings",
    footer=True,
)
RESUME = Key(
    "R", "resume_run", "Resume", "go on with a run that ended before it was done", footer=True
)
AGAIN = Key(
    "N",
    "again",
    "Again",
    "change something of the selected run, and train that beside it",
    footer=True,
)


class RunActions(AppScreen):
    """A screen with a run at hand, which a person may fork, resume, or train again."""

    KEYS_IN_ORDER = True
    """See `BigModelApp.on_event`."""

    def run_at_hand(self) -> Run | None:
        """The run that keys are about; None if there is none."""
        raise NotImplementedError

    def status_at_hand(self) -> str:
        """The status of that run; "" if there is none."""
        raise NotImplementedError

    def label_at_hand(self) -> str:
        """What the screen calls that run."""
        raise NotImplementedError

    def settings_at_hand(self) -> Mapping[str, Any] | None:
        """The settings of that run that are in force now; None where its log was not read."""
        return None

    def runs_shown(self) -> Sequence[Run]:
        """The runs that a new run is shown together with."""
        raise NotImplementedError

    def action_again(self) -> None:
        """Go to the launch screen with this run's settings, to train another one beside it."""
        if (run := self.run_at_hand()) is not None:
            shown = self.runs_shown()
            beside = shown if run.id in [other.id for other in shown] else [run, *shown]
            self._prepare_rerun(run, self.label_at_hand(), tuple(beside), self.settings_at_hand())

    def action_fork(self) -> None:
        """Go to the launch screen, to begin another run at this one's newest checkpoint."""
        if (run := self._own_run_at_hand()) is not None:
            self._prepare_fork(run, self.label_at_hand())

    def train_longer(self) -> None:
        """Go to the launch screen, to train on from the newest checkpoint of a run that ended."""
        if (run := self._own_run_at_hand()) is not None:
            self._prepare_fork(run, self.label_at_hand(), longer=True)

    def _own_run_at_hand(self) -> RunDir | None:
        """The run at hand if an engine of ours can work on it; else says why not."""
        run = self.run_at_hand()
        try:
            return own(run) if run is not None else None
        except UserError as error:
            self.complain(str(error))
            return None

    def action_resume_run(self) -> None:
        """Go on with a run that ended."""
        run = self._own_run_at_hand()
        if run is None:
            return
        if run_directory.locked(run):
            self.complain(f"{run.id}: an engine is at work on it already")
        elif self.status_at_hand() == "done":
            self.complain(f"{run.id}: done, with nothing left to do; f forks it")
        else:
            self._resume(run)

    def _resume(self, run: RunDir) -> None:
        try:
            config = run.config()
        except UserError as error:
            self.complain(str(error))
            return
        start_if_it_fits(self, [config], partial(self._start, run))

    def _start(self, run: RunDir) -> None:
        try:
            self.host.processes.append(start_process.start([run], resume=True))
            self.host.started.append(run)
        except UserError as error:
            self.complain(str(error))
        else:
            self.host.open_dashboard([run])

    # Reading a long log takes a while; the screen goes on meanwhile.
    @work(thread=True, exclusive=True, group="fork")
    def _prepare_rerun(
        self, run: Run, label: str, beside: tuple[Run, ...], settings: Mapping[str, Any] | None
    ) -> None:
        try:
            prepared = rerun_of(run, label, beside, settings)
        except UserError as error:
            self.app.call_from_thread(self.complain, str(error))
        else:
            self.app.call_from_thread(self.host.open_again, prepared)

    # Reading a large checkpoint takes a while; the screen goes on meanwhile.
    @work(thread=True, exclusive=True, group="fork")
    def _prepare_fork(self, run: RunDir, label: str, *, longer: bool = False) -> None:
        try:
            prepared = fork_of(run, label)
        except UserError as error:
            self.app.call_from_thread(self.complain, str(error))
        else:
            self.app.call_from_thread(self.host.open_launch, prepared, longer=longer)


def rerun_of(
    run: Run, label: str, beside: tuple[Run, ...], settings: Mapping[str, Any] | None = None
) -> "Rerun":
    """A run with the settings that another one has now, commands included.

    `settings` are those in force, as `RunState.config` has them; without, the log is read. Raises
    UserError, in one line.
    """
    from tui.choices.fields import compared
    from tui.choices.rerun import Rerun, as_it_is

    begun = run.config()
    if settings is None:
        try:
            settings = loading.load(run).config
        except OSError as error:
            raise UserError(f"{run.path}: cannot be read ({error.strerror})") from None
    now = as_it_is(begun, settings)
    return Rerun(run, label, now, beside, tuple(compared(begun, now)))


def fork_of(run: RunDir, label: str) -> "Fork":
    """A fork at the newest checkpoint, with the settings at that checkpoint.

    Reads the whole checkpoint. Raises UserError, in one line.
    """
    from engine.runs import checkpoint, fork
    from tui.choices.fork import Fork

    if not checkpoint.listed(run):
        raise UserError(f"{run.id}: no checkpoint to fork from; c saves one while it trains")
    at = fork.settings_at(run, warn=lambda line: None)  # the terminal is the app's
    return Fork(
        folder=run.path.absolute(),
        checkpoint=at.checkpoint.name,
        step=at.checkpoint.step,
        config=at.config,
        label=label,
        changed=at.changed,
    )
