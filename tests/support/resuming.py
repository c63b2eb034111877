"""Runs that are interrupted and go on, and what has to be equal then."""

import torch

from engine.runs import control, run_directory
from engine.runs.events import RunEnded
from engine.runs.log_reader import read_all
from engine.training.saving import snapshot
from support.forked import in_child, last_checkpoint, of, told, train, train_and_die, wait


def same(first, second):
    """Deep equality, tensors bit by bit: a NaN equals itself."""
    if isinstance(first, torch.Tensor):
        return first.shape == second.shape and torch.allclose(
            first, second, rtol=0.0, atol=0.0, equal_nan=True
        )
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


def final(run):
    """All that the last checkpoint holds, apart from times."""
    taken = snapshot.load(last_checkpoint(run))
    state = taken.state
    facts = (state.step, state.steps, state.clip, state.best, state.plateau)
    forget_times(taken)
    return taken.weights, taken.trained, taken.averaged, taken.tensors, facts


def forget_times(taken):
    """Leave out what depends on the clock."""
    observers = taken.tensors["observers"]
    del observers["metrics"]["training_seconds"], observers["evaluator"]["pictures_at"]


def interrupt(root, config, *steps, prepare=None):
    """A run that was killed at these steps, in this order, and finished at last."""
    run = run_directory.create(root, config)
    if prepare:
        prepare(run)
    for step in steps:
        train_and_die(run, step)
    assert wait(in_child(lambda: train(run))) == 0
    return run


def check_equal(interrupted, whole):
    assert told(interrupted) == told(whole)
    assert same(final(interrupted), final(whole))
    ended = of(RunEnded, read_all(interrupted.events_path))
    assert [end.status for end in ended] == ["done"]


def steer_at(run, commands, *, die=None):
    """Train, sending commands to oneself after these steps; perhaps be killed at step `die`."""
    import os
    import signal

    from engine.runs.journal import Journal
    from engine.training.steering.commands import Steering

    waiting = Steering.waiting

    def child():
        def wait_for_all(self, step):
            if step in commands:
                for command in [commands[step]] if die is None or step < die else []:
                    control.send(run, *command)
                del commands[step]
                self._inbox._next_poll = 0.0
            return waiting(self, step)

        def progress(self, step):
            if step == die:
                os.kill(os.getpid(), signal.SIGKILL)

        Steering.waiting = wait_for_all
        Journal.progress = progress
        train(run)

    status = wait(in_child(child))
    assert status == (0 if die is None else -9)
