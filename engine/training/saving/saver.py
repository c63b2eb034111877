"""When checkpoints are written: at intervals, at the best value, at the end, on command."""

import math
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Literal, Self

import torch

from engine.runs.checkpoint import Best, Checkpoint, Reason, listed
from engine.runs.events import CheckpointSaved
from engine.runs.journal import Journal
from engine.runs.run_directory import RunDir
from engine.training.saving import checkpoint_writer, snapshot
from engine.training.saving.judged_weights import Judge
from engine.training.saving.snapshot import Observer, Snapshot
from engine.training.state import Training
from presets.schema import CheckpointPolicy

BEST_SECONDS = 10.0
"""Time for which the best state waits in memory before it is written. Early on, every evaluation is
the best so far, and a run of a few seconds should write its best state once."""
_SYNC_SECONDS = 5.0
"""Maximum time that a checkpoint waits for the log to be on the disk."""


class Saver:
    """The writer of one run's checkpoints. On leaving its context the best state is on the disk."""

    def __init__(
        self,
        *,
        run: RunDir,
        journal: Journal,
        training: Training,
        judge: Judge,
        observers: Mapping[str, Observer],
        device: torch.device,
        policy: CheckpointPolicy,
        best: tuple[str, Literal["max", "min"]],
        settle: Callable[[], None],
        resumed: Checkpoint | None = None,
    ) -> None:
        """`best` is the name of the validation mean that decides, and whether a larger or a smaller
        one is better; `settle` sends all that was recorded to the log, so that no checkpoint is
        ahead of the log."""
        self._run = run
        self._journal = journal
        self._training = training
        self._judge = judge
        self._observers = observers
        self._device = device
        self._policy = policy
        self._best = best
        self._settle = settle
        self._waiting: Snapshot | None = None
        """The best state, unless it is on the disk."""
        self._began = self._best_at = self._saved_at = time.monotonic()
        checkpoint_writer.remove_drafts(run)
        self.newest = resumed
        """The newest checkpoint, not counting those of steps that became void."""
        self._newest_state = self._identity() if resumed else None
        finite = [item.name for item in listed(run) if item.manifest.finite]
        self.last_good = finite[-1] if finite else ""
        """The name of the newest checkpoint with finite weights, "" if there is none."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._waiting is not None:
            try:
                self._settle()
                self._write_best()
            except Exception as problem:
                if error is not None:  # the error that ended the run is the one to report
                    return
                line = f"{type(problem).__name__}: {problem}".splitlines()[0]
                self._journal.not_saved("best checkpoint", f"best state not written: {line}")

    @property
    def due(self) -> bool:
        """Whether a checkpoint is to be written now; cheap enough to be asked after every step."""
        if self._training.is_range_test:
            return False
        every, minutes = self._policy.every_steps, self._policy.every_minutes
        if every is not None and self._training.step % every == 0:
            return True
        now = time.monotonic()
        if self._waiting is not None and now - self._best_at >= BEST_SECONDS:
            return True
        return minutes is not None and now - self._saved_at >= 60 * minutes

    def save_due(self) -> None:
        """Write the checkpoints that are due."""
        now = time.monotonic()
        if self._waiting is not None and now - self._best_at >= BEST_SECONDS:
            self._settle()
            self._write_best()
        every, minutes = self._policy.every_steps, self._policy.every_minutes
        by_steps = every is not None and self._training.step % every == 0
        if by_steps or (minutes is not None and now - self._saved_at >= 60 * minutes):
            self.save("interval")

    def evaluated(self, means: Mapping[str, float]) -> None:
        """Keep the current state if these means over the validation set are the best so far."""
        name, direction = self._best
        value, best = means[name], self._training.best
        if not math.isfinite(value):
            return
        sign = 1 if direction == "max" else -1
        if best is not None and sign * value <= sign * best.value:
            return
        self._training.best = Best(metric=f"val/{name}", value=value, step=self._training.step)
        self._waiting = self._take()

    def save(self, reason: Reason) -> str | None:
        """Write a checkpoint of the current state; returns what went wrong, None if nothing did."""
        self._settle()
        self._saved_at = time.monotonic()
        if self.newest is not None and self._newest_state == self._identity():
            self._tell(self.newest, reason)
            return None
        best = self._waiting
        if best is not None and best.state == self._training.state(best.state.seconds):
            self._waiting = None  # one checkpoint is both
            trouble = self._write(best, reason, best=True)
            if trouble:
                self._waiting = best
            return trouble
        self._write_best()
        return self._write(self._take(), reason, best=False)

    def finish(self, reason: Reason) -> None:
        """Write the last checkpoint of the run, unless it took no step or was a range test."""
        if self._training.step and not self._training.is_range_test:
            self.save(reason)

    def _take(self) -> Snapshot:
        return snapshot.take(
            self._training,
            self._judge,
            self._device,
            self._journal.seconds(),
            self._observers,
        )

    def _identity(self) -> tuple[int, int]:
        """What two equal states of a run have in common, and different ones do not: the steps, and
        the number of commands that were applied."""
        return self._training.step, len(self._training.applied)

    def _write_best(self) -> None:
        taken, self._waiting = self._waiting, None
        self._best_at = time.monotonic()
        if taken is not None and self._write(taken, "best", best=True):
            self._waiting = taken  # the disk may have room later

    def _write(self, taken: Snapshot, reason: Reason, *, best: bool) -> str | None:
        """Write a checkpoint; returns what went wrong, since an error of the disk does not end
        training, None if nothing did."""
        try:
            with self._journal.busy("saving"):
                written = checkpoint_writer.write(
                    self._run,
                    step=taken.state.step,
                    reason=reason,
                    best=best,
                    finite=taken.finite,
                    fill=taken.write,
                    weights=taken.sets,
                )
                self._journal.sync(_SYNC_SECONDS)
        except OSError as error:
            why = error.strerror or error
            trouble = f"checkpoint of step {taken.state.step} not written: {why}"
            whole = self._whole()
            self._journal.not_saved(_kind(best=best), f"{trouble}; {whole}")
            return trouble
        self._journal.saved(_kind(best=best))
        if written.step == self._training.step:  # the newest state, whatever it was written for
            self._journal.saved(_kind(best=False))
        self.newest = written
        self._newest_state = (taken.state.step, len(taken.state.applied))
        if taken.finite:
            self.last_good = written.name
        self._tell(written, reason)
        checkpoint_writer.rotate(self._run)
        return None

    def _whole(self) -> str:
        """Words for the newest checkpoint of the run that is whole."""
        found = listed(self._run)
        if not found:
            return "there is no whole checkpoint"
        return f"the newest whole checkpoint is {found[-1].name}"

    def _tell(self, written: Checkpoint, reason: Reason) -> None:
        self._journal.emit(
            CheckpointSaved(
                name=written.name,
                step=written.step,
                reason=reason,
                bytes=written.bytes,
                finite=written.manifest.finite,
            )
        )


def _kind(*, best: bool) -> str:
    """The kind under which the journal keeps what was not saved."""
    return "best checkpoint" if best else "checkpoint"
