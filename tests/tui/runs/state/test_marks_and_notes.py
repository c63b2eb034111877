"""What happened to a run: its state, its marks, its history, and the marks on a plot."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.runs.events import (
    AnyEvent,
    CheckpointSaved,
    CommandAnswered,
    Evaluation,
    Gap,
    LogLine,
    NonFinite,
    Parent,
    Restarted,
    RunEnded,
    RunStarted,
    Scalars,
    StateChanged,
)
from engine.runs.run_directory import RunDir
from tui.plots.smoothing import Average
from tui.runs.points.series import Series
from tui.runs.state.store import RunState

CONFIG = {"optimizer": {"name": "adam", "lr": 0.1}, "clip": {"mode": "none", "threshold": 1.0}}


def started(parent: Parent | None = None) -> RunStarted:
    return RunStarted(
        config={**CONFIG, "epochs": 10, "steps": None},
        device="cpu",
        num_parameters=1,
        planned_steps=100,
        steps_per_epoch=10,
        samples={},
        parent=parent,
    )


def scalars(first: int, last: int) -> Scalars:
    steps = list(range(first, last + 1))
    return Scalars(
        step=steps, seconds=[s / 10 for s in steps], values={"train/loss": [1.0] * len(steps)}
    )


def command(step: int, outcome: str = "applied", **arguments: object) -> CommandAnswered:
    return CommandAnswered(
        id="x", command="set", arguments=arguments, outcome=outcome, step=step, reason="why"
    )


def state(*events: AnyEvent) -> RunState:
    run = RunState(run=RunDir(Path("runs/a")))
    for event in (started(), *events):
        run.apply(event)
    return run


def checkpoint(step: int) -> CheckpointSaved:
    return CheckpointSaved(
        name=f"step-{step:08}", step=step, reason="interval", bytes=5, finite=True
    )


def test_a_restart_makes_later_steps_void() -> None:
    run = state(
        scalars(1, 20),
        Evaluation(split="val", step=10, epoch=1, seconds=1, values={"loss": 2.0}),
        Evaluation(split="val", step=20, epoch=2, seconds=2, values={"loss": 1.0}),
        command(8, lr=0.5),
        command(15, lr=9.0),
        RunEnded(status="failed", reason="out of memory", step=20, seconds=2),
        Restarted(step=12, checkpoint="step-00000012", attempt=1, reason="resume", cut_bytes=7),
        scalars(13, 14),
    )
    assert run.metrics["train/loss"].steps.tolist() == list(range(1, 15))  # each step once
    assert run.metrics["val/loss"].steps.tolist() == [10]
    assert (run.step, run.elapsed, run.status, run.ended) == (14, 1.4, "running", None)
    assert run.config["optimizer"]["lr"] == 0.5
    assert [(mark.step, mark.kind) for mark in run.marks] == [(8, "command"), (12, "restart")]
    said = [note.text for note in run.history]
    assert "failed: out of memory" in said  # what happened stays in the history
    assert said[-1] == (
        "restarted (resume) from step-00000012 after step 12, 7 bytes of a torn line cut"
    )


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6))
def test_after_any_restarts_each_step_is_there_once(restarts: list[int]) -> None:
    run, reached = state(), 0
    for target in restarts:
        run.apply(scalars(reached + 1, reached + 10))
        reached = min(target, reached + 10)
        run.apply(Restarted(step=reached, checkpoint="", attempt=1, reason="resume"))
    assert run.step == reached
    series = run.metrics["train/loss"]
    assert series.steps.tolist() == list(range(1, reached + 1))


def test_smoothing_begins_again_where_values_became_void() -> None:
    source, smoothed, fresh = Series(), Average(), Average()
    source.extend([1, 2, 3], [1.0, 2.0, 3.0])
    smoothed.of(source)
    source.truncate(1)
    source.extend([2, 3, 4], [9.0, 9.0, 9.0])
    assert smoothed.of(source).values.tolist() == fresh.of(source).values.tolist()
    source.truncate(9)  # nothing is later than that
    assert source.cuts == 1


def test_commands_change_the_plan_and_the_settings_in_force() -> None:
    run = state(scalars(1, 5))
    assert (run.planned_steps, run.remaining) == (100, pytest.approx(9.5))
    run.apply(command(5, "rejected", epochs=1))
    run.apply(command(5, "accepted", epochs=20))
    assert run.planned_steps == 100
    run.apply(command(5, epochs=20))
    assert (run.planned_steps, run.config["epochs"]) == (200, 20)
    run.apply(command(5, steps=70))
    assert (run.planned_steps, run.config["epochs"], run.config["steps"]) == (70, None, 70)
    run.apply(command(5, lr_factor=0.5))
    run.apply(command(5, clip_mode="norm", clip_threshold=2.0))
    assert run.config["optimizer"] == {"name": "adam", "lr": 0.05}
    assert run.config["clip"] == {"mode": "norm", "threshold": 2.0}
    assert run.started is not None
    assert run.started.config["optimizer"]["lr"] == 0.1  # what it began with stays known


def test_pausing_guards_gaps_and_checkpoints() -> None:
    run = state(
        checkpoint(10),
        NonFinite(
            step=11,
            quantity="grad_norm",
            value="nan",
            layer="layers.0.weight",
            policy="pause",
            checkpoint="step-00000010",
        ),
        StateChanged(state="paused", step=10, reason="grad_norm is nan at step 11"),
    )
    assert (run.status, run.outcome()) == ("paused", "grad_norm is nan at step 11")
    assert run.alarm is not None
    assert run.alarm.layer == "layers.0.weight"
    run.apply(Gap(records=1200, first_step=11, last_step=12, reason="No space left on device"))
    run.apply(StateChanged(state="running", step=10, reason="command"))
    assert (run.status, run.paused, run.alarm, run.lost_records) == ("running", None, None, 1200)
    assert [item.name for item in run.checkpoints] == ["step-00000010"]
    assert [(mark.step, mark.kind) for mark in run.marks] == [
        (10, "checkpoint"),
        (11, "non-finite"),
        (11, "gap"),
    ]
    assert [note.text for note in run.history] == [
        "checkpoint step-00000010 (interval, 5 B)",
        "grad_norm is nan at step 11, first in layers.0.weight: pause",
        "paused after step 10: grad_norm is nan at step 11",
        "gap: 1,200 records not written, steps 11 to 12: No space left on device",
        "goes on after step 10: command",
    ]


def test_answers_and_log_lines_are_in_the_history() -> None:
    run = state(
        LogLine(level="warning", message="hm"),
        command(3, "accepted", lr=0.3),
        command(3, lr=0.3),
        command(4, "rejected", epochs=1),
    )
    assert [(note.level, note.text) for note in run.history] == [
        ("warning", "hm"),
        ("good", "set lr=0.3 applied at step 3: why"),
        ("warning", "set epochs=1 rejected: why"),
    ]


def test_a_fork_counts_on_from_its_parent() -> None:
    run = RunState(run=RunDir(Path("runs/child")))
    run.apply(started(Parent(run="p", checkpoint="step-00000040", step=40)))
    assert (run.step, run.remaining) == (40, None)
    run.apply(Scalars(step=[41, 42], seconds=[0.5, 1.0], values={"train/loss": [1, 1]}))
    assert (run.step, run.remaining) == (42, pytest.approx(29.0))
