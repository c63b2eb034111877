"""What a person can do with a run, by key: the same on the dashboard and on the list of runs."""

from typing import Any, Literal

from textual import work
from textual.binding import Binding
from textual.screen import Screen

from engine.runs import checkpoint, control, launch, run_directory
from engine.runs.control import Arguments, CommandName
from engine.runs.run_directory import RunDir
from presets import ConfigError, UserError
from presets.schema import run_config
from tui.choices import orders
from tui.choices.choice import Fork
from tui.choices.rerun import Again
from tui.panels.prompt import Prompt, Question
from tui.runs import follow
from tui.runs.foreign.run import ForeignRun, read_only
from tui.runs.store import RunState
from tui.text import clean


class RunActions(Screen[None]):
    """Forking and resuming, for screens that know a run at hand."""

    KEYS_IN_ORDER = True
    """See `BigModelApp.on_event`."""

    def run_at_hand(self) -> RunDir | None:
        """The run that keys are about."""
        raise NotImplementedError

    def status_at_hand(self) -> str:
        """How that run stands."""
        raise NotImplementedError

    def label_at_hand(self) -> str:
        """What the screen calls that run."""
        raise NotImplementedError

    def runs_shown(self) -> list[RunDir]:
        """Those that a new run is shown together with."""
        raise NotImplementedError

    def action_again(self) -> None:
        """Go to the launch screen with this run's settings, to train another one beside it."""
        if (run := self.run_at_hand()) is None:
            return
        try:
            config = run.config()
        except UserError as error:
            self.complain(str(error))
            return
        shown = self.runs_shown()
        beside = shown if run.id in [other.id for other in shown] else [run, *shown]
        self._app.open_again(Again(run, self.label_at_hand(), config, tuple(beside)))

    def action_fork(self) -> None:
        """Go to the launch screen with this run's settings, to begin at its newest checkpoint."""
        run = self.run_at_hand()
        if isinstance(run, ForeignRun):
            self.complain(read_only(run))
        elif run is not None:
            self._prepare_fork(run)

    def action_resume_run(self) -> None:
        """Go on with a run that ended."""
        run = self.run_at_hand()
        if run is None:
            return
        if isinstance(run, ForeignRun):
            self.complain(read_only(run))
        elif run_directory.locked(run):
            self.complain(f"{run.id}: an engine is at work on it already")
        elif self.status_at_hand() == "done":
            self.complain(f"{run.id}: done, with nothing left to do; f forks it")
        elif self._start(run):
            self._app.open_dashboard([run])

    def _start(self, run: RunDir) -> bool:
        try:
            self._app.processes.append(launch.start([run], resume=True))
        except UserError as error:
            self.complain(str(error))
            return False
        return True

    # Summing up a long log takes a while; the screen goes on meanwhile.
    @work(thread=True, exclusive=True, group="fork")
    def _prepare_fork(self, run: RunDir) -> None:
        try:
            fork = fork_of(run)
        except UserError as error:
            self.app.call_from_thread(self.complain, str(error))
        else:
            self.app.call_from_thread(self._app.open_launch, fork)

    def complain(self, words: str) -> None:
        """Say what went wrong, in one line."""
        self.notify(clean(words), severity="error", markup=False)

    @property
    def _app(self) -> Any:
        return self.app


def fork_of(run: RunDir) -> Fork:
    """A fork at the newest checkpoint, with the settings that are in force.

    Raises UserError if there is no checkpoint or the run cannot be read.
    """
    found = checkpoint.listed(run)
    good = [item for item in found if item.manifest.finite] or found
    if not good:
        raise UserError(f"{run.id}: no checkpoint to fork from; c saves one while it trains")
    try:
        state = follow.load(run)
    except OSError as error:
        raise UserError(f"{run.events_path}: cannot be read ({error.strerror})") from None
    try:
        config = run_config(state.config, str(run.config_path)) if state.config else run.config()
    except ConfigError as error:
        raise UserError(f"{run.id}: {error}") from None
    return Fork(run.path.absolute(), good[-1].name, good[-1].step, config)


class SteeringScreen(RunActions):
    """Commands to the running engine of the run at hand."""

    BINDINGS = [
        Binding("p", "pause", "Pause", tooltip="Pause the selected run, or let it go on"),
        Binding("s", "stop('step')", "Stop", tooltip="Stop the selected run after this step"),
        Binding(
            "S",
            "stop('epoch')",
            "Stop after epoch",
            show=False,
            tooltip="Stop the selected run after this epoch",
        ),
        Binding("c", "checkpoint", "Save", tooltip="Write a checkpoint now"),
        Binding("l", "rate", "Lr", tooltip="Change the learning rate"),
        Binding("g", "clip", "Clip", tooltip="Change clipping"),
        Binding("e", "extend", "Epochs", tooltip="Change the total of epochs or steps"),
        Binding("f", "fork", "Fork", tooltip="Start a new run from a checkpoint of this one"),
        Binding("y", "profile", "Profile", show=False, tooltip="Profile the next 20 steps"),
        Binding("R", "resume_run", "Resume", tooltip="Go on with a run that ended"),
    ]
    STEERING_KEYS = (
        ("p", "pause the selected run, or let it go on"),
        ("s, S", "stop it after this step; after this epoch"),
        ("c", "write a checkpoint now"),
        ("l", "change the learning rate: 3e-4, or x0.5 for half of it"),
        ("g", "change clipping: norm 1.0, value 0.5, agc 0.01, ... or none"),
        ("e", "change its length: 20 epochs or 400 steps in all"),
        ("f", "fork: a new run from its newest checkpoint, with other settings"),
        ("y", "profile the next 20 steps: where the time goes"),
        ("R", "go on with a run that ended"),
    )

    def state_at_hand(self) -> RunState | None:
        """The run that keys are about."""
        raise NotImplementedError

    def run_at_hand(self) -> RunDir | None:
        state = self.state_at_hand()
        return state.run if state is not None else None

    def status_at_hand(self) -> str:
        state = self.state_at_hand()
        return state.status if state is not None else ""

    def action_pause(self) -> None:
        """Pause, or go on."""
        state = self.state_at_hand()
        if state is not None and state.paused:
            self.order("resume", said="goes on")
        else:
            self.order("pause", said="pauses after this step")

    def action_stop(self, after: str) -> None:
        """Stop after this step or this epoch."""
        unit: Literal["step", "epoch"] = "epoch" if after == "epoch" else "step"
        self.order("stop", Arguments(after=unit), said=f"stops after this {unit}")

    def action_checkpoint(self) -> None:
        """Write a checkpoint."""
        self.order("checkpoint", said="writes a checkpoint")

    def action_profile(self) -> None:
        """Profile the next steps."""
        self.order("profile", said="profiles the next 20 steps")

    def action_rate(self) -> None:
        """Ask for another learning rate; for a loop of one's own, also for what it registered."""
        state = self.state_at_hand()
        if state is not None and state.started and state.started.accepts and state.active:
            self._ask_own(state, state.started.accepts)
            return
        self._ask_order("Learning rate", "a value such as 3e-4, or a factor such as x0.5", "rate")

    def action_clip(self) -> None:
        """Ask for other clipping."""
        self._ask_order("Clip", "norm 1, value 0.5, parameter 1, agc 0.01, zclip 2.5, none", "clip")

    def action_extend(self) -> None:
        """Ask for another length."""
        self._ask_order("Train until", "20 epochs or 400 steps in all", "length")

    def _ask_own(self, state: RunState, accepts: list[str]) -> None:
        names = [name for name in accepts if name not in ("stop", "pause", "checkpoint", "profile")]
        if not names:
            self.remark(state, f"this loop accepts {', '.join(accepts)}; see run.on()")
            return
        others = [name for name in names if name != "lr"]
        rate = ["3e-4", "x0.5"] if "lr" in names else []
        hint = ", ".join([*rate, *(f"{name}=VALUE" for name in others)])

        def submit(text: str) -> None:
            self._send(state, "set", orders.own_or_rate(text), f"{text} asked for")

        label = "Set" if others else "Learning rate"
        self.query_one(Prompt).ask(Question(label, hint, submit))

    def _ask_order(self, label: str, hint: str, kind: str) -> None:
        state = self.state_at_hand()
        if state is None or not self._steerable(state):
            return
        parse = {
            "rate": orders.learning_rate,
            "clip": orders.clipping,
            "length": orders.length,
        }[kind]
        # To the run that was asked about, even if another one is selected meanwhile.
        said = f"{label.lower()} asked for"
        question = Question(label, hint, lambda text: self._send(state, "set", parse(text), said))
        self.query_one(Prompt).ask(question)

    def order(self, command: CommandName, arguments: Arguments | None = None, *, said: str) -> None:
        """Send a command to the run at hand, and say so."""
        state = self.state_at_hand()
        if state is None or not self._steerable(state):
            return
        try:
            self._send(state, command, arguments, said)
        except UserError as error:
            self.complain(str(error))

    def _steerable(self, state: RunState) -> bool:
        if state.read_only:
            self.complain(state.read_only)
            return False
        if not state.active:
            self.remark(state, f"already {state.status}")
        return state.active

    def _send(
        self, state: RunState, command: CommandName, arguments: Arguments | None, said: str
    ) -> None:
        """Leave a command for the engine. Raises UserError if it cannot be written."""
        self.sent(control.send(state.run, command, arguments))
        self.remark(state, said)

    def remark(self, state: RunState, words: str) -> None:
        """A notification about a run."""
        self.notify(clean(f"{self.name_of(state)}: {words}"), markup=False)

    def name_of(self, state: RunState) -> str:
        """What the screen calls a run."""
        return state.id

    def sent(self, command_id: str) -> None:
        """A command is on its way; its answer will bring this id."""
