"""Find what in a run is worth an alert; pure, and each new point is examined once.

| kind | told when |
|---|---|
| `nan` | a loss or gradient norm is NaN or infinite |
| `divergence` | the training loss, averaged over 20 steps, has lost half of what it had gained |
| `explosion` | a gradient norm is ten times as large as any before it |
| `clipping` | more of the last 300 steps were clipped than `clipped_share` allows |
| `plateau` | no better validation loss for half of the run so far, and for 20 evaluations |
| `stall` | the engine lives and makes no progress |
| `disk` | something of the run cannot be written: a checkpoint, its log, weights, a profile |
| `target` | an evaluation reached the run's target |
| `finished` | the run is done, stopped, failed or crashed |

`target` and the end of a run that did not fail are news: they are told as alerts are, but need
nobody, and so are neither counted nor listed.

An alert is told once; it is armed again when its cause is gone. The numbers are those of `Alerts`
in the user's configuration.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from engine.runs.run_directory import ENDED, NOT_SAVED
from presets.schema import Target, parse_target
from presets.userconfig import AlertKind, Alerts
from tui.runs.alerts.detectors import Clipping, Cursor, Divergence, Explosion, Found, Nan, Plateau
from tui.runs.state.store import RunState
from tui.text import number

Level = Literal["information", "warning", "error"]
LETTERS: dict[AlertKind, str] = {
    "nan": "N",
    "divergence": "D",
    "explosion": "X",
    "clipping": "C",
    "plateau": "P",
    "stall": "S",
    "disk": "W",
    "target": "T",
    "finished": "F",
}


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An event of a run that is worth telling; its texts are as untrusted as the log."""

    kind: AlertKind
    level: Level
    run: str
    """The run's id."""
    step: int
    text: str
    """One line, without the run's name."""

    @property
    def is_news(self) -> bool:
        """Whether it is good to know and nothing that a person has to see to."""
        return self.level == "information"

    @property
    def letter(self) -> str:
        """Stands for its kind where there is no room for words, and tells kinds apart without
        colours."""
        return LETTERS[self.kind]


class Watch:
    """A watch over one run, which finds what is new at each check."""

    def __init__(self, limits: Alerts) -> None:
        self._limits = limits
        self._loss = Cursor()
        self._norm = Cursor()
        self._clipped = Cursor()
        self._validation = Cursor()
        self._goal = Cursor()
        self._divergence = Divergence(limits.divergence_share)
        self._nan = Nan()
        self._explosion = Explosion(limits.explosion_factor)
        self._clipping = Clipping(limits.clipped_share)
        self._plateau = Plateau(limits.plateau_evaluations)
        self._stalled = self._finished = self._reached = self._unsaved = False

    def check(self, state: RunState) -> list[Alert]:
        """The alerts since the last check."""
        found = [
            Alert(kind=kind, level=level, run=state.id, step=step, text=text)
            for kind, level, step, text in self._found(state)
            if kind not in self._limits.off
        ]
        return sorted(found, key=lambda alert: alert.step)

    def _found(self, state: RunState) -> Iterator["_Finding"]:
        yield from self._numbers(state)
        yield from self._evaluations(state)
        stalled = state.status == "stalled"
        if stalled and not self._stalled:
            yield "stall", "warning", state.step, state.detail or "no progress"
        self._stalled = stalled
        if state.unsaved and not self._unsaved:
            yield "disk", "error", state.step, state.unsaved
        self._unsaved = bool(state.unsaved)
        # Nobody knows whether the program whose log is quiet has ended.
        finished = state.status in ENDED and state.status != "quiet"
        if finished and not self._finished:
            bad = NOT_SAVED | {"failed", "crashed"}
            level: Level = "error" if state.status in bad else "information"
            outcome = state.outcome()
            yield "finished", level, state.step, f"{state.status}: {outcome}".removesuffix(": ")
        self._finished = finished

    def _numbers(self, state: RunState) -> Iterator["_Finding"]:
        for name, cursor in (("train/loss", self._loss), ("grad_norm", self._norm)):
            steps, values = cursor.new(state.metrics.get(name))
            # A loss scaler leaves out steps whose gradients overflow, as a matter of course.
            if name == "train/loss" or "scaler/scale" not in state.metrics:
                yield from _as("nan", "error", self._nan.check(name, steps, values))
            if name == "train/loss":
                if cursor.rewound:
                    self._divergence.restart()
                yield from _as("divergence", "error", self._divergence.check(steps, values))
            else:
                yield from _as("explosion", "error", self._explosion.check(steps, values))
        steps, values = self._clipped.new(state.metrics.get("clipped"))
        yield from _as("clipping", "warning", self._clipping.check(steps, values))

    def _evaluations(self, state: RunState) -> Iterator["_Finding"]:
        steps, values = self._validation.new(state.metrics.get("val/loss"))
        flat = self._plateau.check(steps, values, state.first_step)
        yield from _as("plateau", "warning", flat)
        target = None if self._reached else _target(state)
        if target is None:
            return
        steps, values = self._goal.new(state.metrics.get(target.metric))
        for step, value in zip(steps.tolist(), values.tolist(), strict=True):
            if target.reached(value):
                self._reached = True
                words = f"{target.metric} {number(value)} {target.op} {target.value:g}"
                yield "target", "information", int(step), f"target reached: {words}"
                return


_Finding = tuple[AlertKind, Level, int, str]


def _target(state: RunState) -> Target | None:
    text = state.config.get("target")
    return parse_target(text) if isinstance(text, str) else None


def _as(kind: AlertKind, level: Level, found: Found) -> Iterator[_Finding]:
    for step, text in found:
        yield kind, level, step, text
