"""Steering: commands to the engine of the selected run, and what became of them."""

import time
from collections.abc import Sequence
from typing import Literal

from engine.runs import control
from engine.runs.control import Arguments, CommandName
from engine.runs.events import CommandAnswered, LogLine, Profiled
from presets import UserError
from presets.schema import run_config
from tui.choices import typed_commands, typed_text
from tui.panels.keys import Key, Keys, together
from tui.panels.prompt import Prompt, Question
from tui.runs.news import News
from tui.runs.run import Run, own
from tui.runs.state.marks_and_notes import note_of
from tui.runs.state.store import RunState
from tui.screens.dashboard.actions_base import DashboardActions
from tui.screens.dashboard.offered_actions import WITHOUT_VALUE, offered, possible
from tui.screens.fork_resume_rerun import FORK, RESUME
from tui.text import clean, number

_TYPED = {
    "lr": typed_commands.learning_rate,
    "clip": typed_commands.clipping,
    "length": typed_commands.length,
}
"""How a typed command is read, by what it changes."""


def _now(state: RunState, kind: str) -> str:
    """What is in force of that which a typed command changes; "" if it is not known."""
    lr = state.last("lr")
    if kind == "lr" and lr is not None:
        return number(lr)
    try:
        config = run_config(state.config)
    except UserError:
        return ""  # settings of a loop of the user's
    words = {"clip": typed_text.write_clip, "length": typed_text.write_length}
    return words[kind](config) if kind in words else ""


class SteeringActions(DashboardActions):
    """Keys that command the engine of the selected run."""

    KEYS: Keys = (
        Key("p", "pause", "Pause", "pause the selected run, or let it go on", footer=True),
        together(
            Key("s", "stop('step')", "Stop", "stop the selected run after this step", footer=True),
            Key("S", "stop('epoch')", "Stop after epoch", "stop it after this epoch"),
        ),
        Key("c", "checkpoint", "Save", "write a checkpoint now", footer=True),
        Key(
            "l",
            "lr",
            "Lr",
            "change the learning rate: `3e-4`, or `x0.5` for half of it",
            footer=True,
        ),
        Key(
            "g",
            "clip",
            "Clip",
            "change clipping: `norm 1.0`, `value 0.5`, `agc 0.01`, any other mode with its limit, "
            "or `none`",
            footer=True,
        ),
        Key(
            "e",
            "extend",
            "Epochs",
            "change the run's length: `20 epochs` or `400 steps` in all; train on from the newest "
            "checkpoint of a run that ended",
            footer=True,
        ),
        FORK,
        together(
            Key("y", "profile", "Profile", "profile the next 20 steps: where the time goes"),
            Key("Y", "show_profile", "Show profile", "show the newest profile"),
        ),
        RESUME,
    )

    def __init__(self, runs: Sequence[Run], selected: Run | None = None) -> None:
        super().__init__(runs, selected)
        self._opened_at = time.time()
        self._unanswered: set[str] = set()
        """The ids of commands that were sent from here."""

    def action_pause(self) -> None:
        """Pause, or go on."""
        state = self.state_at_hand()
        if state is not None and state.paused:
            self._command("resume", said="goes on")
        else:
            self._command("pause", said="pauses after this step")

    def action_stop(self, after: str) -> None:
        """Stop after this step or this epoch."""
        unit: Literal["step", "epoch"] = "epoch" if after == "epoch" else "step"
        self._command("stop", Arguments(after=unit), said=f"stops after this {unit}")

    def action_checkpoint(self) -> None:
        """Write a checkpoint."""
        self._command("checkpoint", said="writes a checkpoint")

    def action_profile(self) -> None:
        """Profile the next steps."""
        self._command("profile", said="profiles the next 20 steps")

    def action_show_profile(self) -> None:
        """Show the newest profile of the selected run."""
        state = self.state_at_hand()
        if state is not None and state.profile is not None:
            self._show_profile(state.profile)
        else:
            self.notify("No steps of this run were profiled; y profiles the next ones.")

    def _show_profile(self, profile: Profiled) -> None:
        from tui.screens.dashboard.step_profile import ProfileScreen

        self.app.push_screen(ProfileScreen(profile))

    def action_lr(self) -> None:
        """Ask for another learning rate; for a loop of one's own, also for what it registered."""
        state = self.state_at_hand()
        if state is not None and state.active and state.started and state.started.accepts:
            self._ask_own(state, state.started.accepts)
            return
        self._ask("Learning rate", "a value such as 3e-4, or a factor such as x0.5", "lr")

    def action_clip(self) -> None:
        """Ask for other clipping."""
        self._ask("Clip", "norm 1, value 0.5, parameter 1, agc 0.01, zclip 2.5, none", "clip")

    def action_extend(self) -> None:
        """Ask for another length; of a run that ended, go on in a new one."""
        state = self.state_at_hand()
        if state is not None and not state.active and "extend" in possible(state):
            self.train_longer()
            return
        self._ask("Train until", "20 epochs or 400 steps in all", "length")

    def offered(self, action: str, name: str) -> str:
        state, view = self.state_at_hand(), self.watched.view
        if action == "split" and view is not None and not view.several:
            return ""
        return offered(state, action, name) if state is not None else name

    def hear(self, news: News) -> None:
        """Say what became of commands that were sent from here, and what a loop of one's own is
        warned of, and show a profile that is new."""
        state = self.watched.states[news.run.id]
        own_loop = not state.read_only and state.started and state.started.task == "open"
        for event in news.events:
            if own_loop and isinstance(event, LogLine):
                self._warn_of_own_loop(state, event)
            if isinstance(event, CommandAnswered) and event.id in self._unanswered:
                self._say_outcome(event)
            elif isinstance(event, Profiled) and event.time >= self._opened_at:
                self._show_profile(event)

    def _warn_of_own_loop(self, state: RunState, line: LogLine) -> None:
        """Say what the recorder makes of a loop's calls, such as steps that fall."""
        if line.level == "warning" and line.time >= self._opened_at:
            words = clean(f"{self.watched.name_of(state)}: {line.message}")
            self.notify(words, severity="warning", markup=False)

    def _say_outcome(self, command: CommandAnswered) -> None:
        if (note := note_of(command)) is not None:
            self._unanswered.discard(command.id)
            rejected = command.outcome == "rejected"
            severity: Literal["warning", "information"] = "warning" if rejected else "information"
            self.notify(clean(note.text), severity=severity, markup=False)

    def _ask_own(self, state: RunState, accepts: list[str]) -> None:
        """Ask for a value of what a loop of one's own registered, and send it."""
        names = [name for name in accepts if name not in WITHOUT_VALUE]
        if not names:
            self._remark(state, f"this loop accepts {', '.join(accepts)}; see run.on()")
            return
        others = [name for name in names if name != "lr"]
        examples = ["3e-4", "x0.5"] if "lr" in names else []
        now = f"now {_now(state, 'lr')}; " if examples and _now(state, "lr") else ""
        hint = now + ", ".join([*examples, *(f"{name}=VALUE" for name in others)])

        def submit(text: str) -> None:
            typed = typed_commands.own_or_learning_rate(text)
            self._send(state, "set", typed, f"{text} asked for")

        label = "Set" if others else "Learning rate"
        self.query_one(Prompt).ask(Question(label, hint, submit))

    def _ask(self, label: str, hint: str, kind: str) -> None:
        """Ask for a typed command, and send it."""
        state = self.state_at_hand()
        if state is None or not self._steerable(state):
            return
        # To the run that was asked about, even if another one is selected meanwhile.
        said = f"{label.lower()} asked for"
        parse = _TYPED[kind]
        now = f"now {found}; {hint}" if (found := _now(state, kind)) else hint

        def answer(text: str) -> None:
            from tui.choices.rerun import jump_of  # it loads components, and few ask for it

            arguments = parse(text)
            jump = jump_of(state, arguments)
            self._send(state, "set", arguments, said)
            if jump:
                self.notify(clean(jump), severity="warning", markup=False)

        question = Question(label, now, answer)
        self.query_one(Prompt).ask(question)

    def _command(
        self, command: CommandName, arguments: Arguments | None = None, *, said: str
    ) -> None:
        """Send a command to the selected run, and say so."""
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
            self._remark(state, f"already {state.status}")
        return state.active

    def _send(
        self, state: RunState, command: CommandName, arguments: Arguments | None, said: str
    ) -> None:
        """Leave a command for the engine. Raises UserError if it cannot be written."""
        self._unanswered.add(control.send(own(state.run), command, arguments))
        self._remark(state, said)

    def _remark(self, state: RunState, words: str) -> None:
        self.notify(clean(f"{self.watched.name_of(state)}: {words}"), markup=False)
