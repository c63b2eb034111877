"""The training loop: forward, loss, backward, clip, step, record."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.runs.journal import Journal
from engine.tasks.held_out_split import Tensors
from engine.training.session import Session, open_session
from engine.training.state import Outcome
from engine.training.steering.commands import Steering
from engine.training.updates.clipping import gradient_norms
from presets.schema import RunConfig


def train(
    config: RunConfig, journal: Journal, steering: Steering, resume: Path | None = None
) -> Outcome:
    """Train as `config` says; every step and evaluation goes to `journal`.

    `resume` is the checkpoint to go on from. On one CPU the same configuration gives the same
    numbers, bit for bit, however often the run was interrupted. Raises UserError if the device is
    absent, or a checkpoint cannot be used.
    """
    with open_session(config, journal, steering, resume) as session:
        training, passes, task = session.training, session.passes, session.task
        while (outcome := _decide(session)) is None:
            batch = session.batches.at(training.begin_step())
            session.guard.before()
            session.diagnostics.begin(training.step)
            training.clear_gradients()
            for x, y, share in passes.parts(*batch):
                output, loss = passes.forward(x, y)
                passes.backward(loss, share)
                passes.tally.add(share, loss, task.metrics(output, y))
            values, norms = _final_gradients(session, batch)  # unscaled, clipped
            if session.guard.allows(values, norms):
                training.update(partial(passes.again, *batch))
            _record(session, values)
            _evaluate_and_save(session)
        session.profiler.close(training.step)
        session.saver.finish("end" if outcome[0] == "done" else "stop")
    if not training.is_range_test:
        with journal.busy("evaluating"):
            session.evaluator.test()
    return outcome


def _final_gradients(session: Session, batch: Tensors) -> tuple[dict[str, Any], Tensor]:
    """Turn the gradients that the backward passes left into those that the optimizer applies; no
    other place changes them.

    Returns what is recorded of the step, 0-dim tensors or numbers by name, and the L2 norm of each
    gradient before clipping, float32 (gradients,). Never waits for a GPU.
    """
    training = session.training
    values: dict[str, Any] = session.passes.tally.take()
    if training.scaler:
        training.scaler.unscale()
    norms = gradient_norms(training.parameters)
    session.diagnostics.gradients(partial(session.passes.half, *batch), len(batch[1]))
    values |= training.clipper(norms)
    if training.scaler:
        values |= training.scaler.update(values["grad_norm"])
    return values, norms


def _record(session: Session, values: Mapping[str, Tensor | float]) -> None:
    """Record a step that was taken, and show it to those who watch."""
    training, metrics = session.training, session.metrics
    session.diagnostics.end()
    metrics.record(training.step, session.batches.units, {**values, "lr": training.lr})
    session.journal.progress(training.step)
    if session.profiler.active:
        with metrics.paused():
            session.profiler.step(training.step)


def _evaluate_and_save(session: Session) -> None:
    """Evaluate and write checkpoints where they are due, outside the timed steps."""
    training, guard, saver = session.training, session.guard, session.saver
    metrics = session.metrics
    if training.evaluation_due and guard.settled(metrics):
        with metrics.paused(), session.journal.busy("evaluating"):
            saver.evaluated(session.evaluator.validate(metrics.training_seconds))
            session.weight_path.keep(training.step)
    if saver.due and guard.settled(metrics):
        with metrics.paused():
            saver.save_due()


def _decide(session: Session) -> Outcome | None:
    """Decide between two steps what does not follow from the batch alone: obey commands, act on
    what is not finite, wait while the run is paused, see the end. No other place ends a run.

    Returns how the run ends, None if another step is to be taken.
    """
    training, guard, steering = session.training, session.guard, session.steering
    saver, profiler = session.saver, session.profiler
    if session.evaluator.reached:
        return session.evaluator.reached
    while True:
        if steering.waiting(training.step):
            with session.metrics.paused():
                session.metrics.drain()  # the log has every step before the answer to a command
                stop = not guard.noticed and steering.obey(training, saver, profiler)
            if stop:
                return ("stopped", f"{stop} after step {training.step}")
        if guard.noticed:
            session.metrics.drain()
            if outcome := guard.act(session.journal, steering, saver.last_good):
                return outcome
        elif session.range_test and session.range_test.reason:
            return ("done", session.range_test.reason)
        elif training.step >= training.steps:
            return ("done", f"all {training.steps} steps done")
        else:
            return None
