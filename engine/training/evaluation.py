"""Evaluation of a run on its held-out splits: means, pictures, and when the target is reached."""

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Literal

from engine.runs.events import Evaluation, number
from engine.runs.journal import Journal
from engine.tasks import Task
from engine.tasks.held_out_split import HeldOut
from engine.training.saving.judged_weights import Judge
from engine.training.state import Outcome, Training
from presets.schema import Target

_MAX_LINES = 50
"""Maximum number of evaluations that get a line for people; with full batches every step is an
epoch."""


class Gallery:
    """A schedule of pictures that thins out: they fill the log, and after an hour one more minute
    of training changes little. About a hundred in a run, however long it is."""

    def __init__(self) -> None:
        self.due_at = 0.0
        """Seconds after the run's start from which on the next evaluation has pictures."""

    def wants(self, seconds: float) -> bool:
        """Whether pictures are due `seconds` after the run's start; if so, they count as taken."""
        if seconds < self.due_at:
            return False
        self.due_at = 1.1 * seconds + 0.5
        return True


class Evaluator:
    """The validation and test sets of a run, and the log of how its model does on them."""

    def __init__(
        self,
        *,
        training: Training,
        judge: Judge,
        autocast: Callable[[], AbstractContextManager[object]],
        task: Task,
        journal: Journal,
        val: HeldOut,
        test: HeldOut,
        target: Target | None = None,
    ) -> None:
        self.reached: Outcome | None = None
        """How the run ends because a validation reached `target`; None until then."""
        self._training = training
        self._judge = judge
        self._autocast = autocast
        self._task = task
        self._journal = journal
        self._val, self._test = val, test
        self._target = target
        self._gallery = Gallery()

    def validate(self, training_seconds: float) -> dict[str, float]:
        """Log the means over the validation set, and return them.

        They decide on plateaus of the schedule and on the target. `training_seconds` are the
        seconds that the run has spent on steps. Waits for the device.
        """
        means = self._evaluate("val", self._val, training_seconds)
        if changed := self._training.evaluated(means["loss"]):
            self._journal.say(changed)
        self.reached = self._outcome(means)
        return means

    def test(self) -> None:
        """Log the means over the test set; waits for the device."""
        self._evaluate("test", self._test, None)

    def state_dict(self) -> dict[str, Any]:
        """When the next pictures are due, and whether the target was reached."""
        return {"pictures_at": self._gallery.due_at, "reached": self.reached}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load such a state. Raises KeyError, TypeError or ValueError if it does not fit."""
        self._gallery.due_at = float(state["pictures_at"])
        reached = state["reached"]
        self.reached = None if reached is None else ("done", str(reached[1]))

    def _evaluate(
        self, split: Literal["val", "test"], held: HeldOut, training_seconds: float | None
    ) -> dict[str, float]:
        training, task = self._training, self._task
        last = split == "test" or training.step >= training.steps
        with self._judge.judged(), self._autocast():
            means = task.evaluate(training.model, held)
            pictures = []
            if self._gallery.wants(self._journal.seconds()) or last:
                pictures = task.pictures(training.model, held, step=training.step, split=split)
        if self._judge.averages:
            with self._judge.averaged(), self._autocast():
                averaged = task.evaluate(training.model, held)
            means |= {f"ema_{name}": value for name, value in averaged.items()}
        self._report(split, means, training_seconds)
        for event in pictures:
            self._journal.emit(event)
        return means

    def _report(
        self,
        split: Literal["val", "test"],
        means: dict[str, float],
        training_seconds: float | None,
    ) -> None:
        """Log an evaluation, and a line for people unless there would be too many of them."""
        step, per_epoch = self._training.step, self._training.steps_per_epoch
        epoch = step / per_epoch
        self._journal.emit(
            Evaluation(
                split=split,
                step=step,
                epoch=epoch,
                seconds=self._journal.seconds(),
                training_seconds=training_seconds,
                values={name: number(mean) for name, mean in means.items()},
            )
        )
        epochs = math.ceil(self._training.steps / per_epoch)
        every = math.ceil(epochs / _MAX_LINES)
        if split == "test" or step == self._training.steps or round(epoch) % every == 0:
            where = f"epoch {epoch:g}/{epochs}" if epoch.is_integer() else f"step {step}"
            said = ", ".join(f"{name.replace('_', ' ')} {mean:.4f}" for name, mean in means.items())
            self._journal.say(f"{where}: {split} {said}")

    def _outcome(self, means: dict[str, float]) -> Outcome | None:
        """How the run ends if these means reach the target."""
        target = self._target
        if target is None:
            return None
        value = means.get(target.metric.removeprefix("val/"), math.nan)
        if not target.reached(value):
            return None
        goal = f"{target.metric} {value:.4f} {target.op} {target.value:g}"
        return ("done", f"{goal} reached at step {self._training.step}")
