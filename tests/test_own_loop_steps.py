"""Whatever the counters of a person's own loop do, no value vanishes and the axis rises."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bigmodel_tui
from bigmodel_tui._step_axis import Axis
from engine.programs.loop_commands import LoopCommands
from engine.programs.recorder import Recorder
from engine.runs.events import LogLine, Scalars
from engine.runs.log_reader import read_all
from engine.runs.run_directory import RunDir
from tui.runs.state.store import RunState

LOSS, VAL = "train/loss", "val/loss"
EPOCHS = range(3)


def anew(steps):
    """An index that begins anew in each epoch."""
    return [(step, {LOSS: 1.0}) for _ in EPOCHS for step in steps]


def by_epochs(first):
    """Steps of training, and a validation after each epoch that is logged with its number."""
    return [
        log
        for epoch in EPOCHS
        for log in (
            *((5 * epoch + step, {LOSS: 1.0}) for step in range(1, 6)),
            (first + epoch, {VAL: 1.0}),
        )
    ]


@pytest.mark.parametrize(
    ("logs", "per_epoch", "expected"),
    [
        (anew(range(1, 6)), None, {LOSS: [*range(1, 16)]}),
        (anew(range(5)), None, {LOSS: [*range(15)]}),
        (anew(range(0, 100, 10)), None, {LOSS: [*range(0, 300, 10)]}),
        (anew(range(10, 101, 10)), None, {LOSS: [*range(10, 301, 10)]}),
        (anew(range(50, 120, 50)), 120, {LOSS: [50, 100, 170, 220, 290, 340]}),
        (anew(range(0, 120, 50)), 120, {LOSS: [0, 50, 100, 120, 170, 220, 240, 290, 340]}),
        # an evaluation after each epoch, by the loop's index
        ([*anew(range(1, 3)), (2, {VAL: 1.0})], None, {LOSS: [*range(1, 7)], VAL: [6]}),
        # one counter of steps, and one of epochs that begins with 1 or 0, or after a resume
        (
            [
                log
                for epoch in EPOCHS
                for log in [
                    *((5 * epoch + i, {LOSS: 1.0}) for i in range(1, 6)),
                    (epoch, {VAL: 1.0}),
                ]
            ],
            None,
            {LOSS: [*range(1, 16)], VAL: [5, 10, 15]},
        ),
        ([(40, {LOSS: 1.0}), (4, {VAL: 1.0})], 10, {LOSS: [40], VAL: [40]}),
        # an evaluation of a checkpoint that comes late is right where it says it is
        (
            [(1200, {LOSS: 1.0}), (1000, {VAL: 1.0}), (1201, {LOSS: 1.0})],
            None,
            {LOSS: [1200, 1201], VAL: [1000]},
        ),
        # samples and steps
        (
            [(1, {LOSS: 1.0}), (64, {VAL: 1.0}), (2, {LOSS: 1.0}), (128, {VAL: 1.0})],
            None,
            {LOSS: [1, 2], VAL: [64, 128]},
        ),
        # back to somewhere in between
        (
            [(step, {LOSS: 1.0}) for step in (1, 2, 3, 4, 5, 6, 4, 5)],
            None,
            {LOSS: [1, 2, 3, 4, 5, 6, 7, 8]},
        ),
        # several values of one step
        ([(1, {LOSS: 1.0}), (1, {LOSS: 2.0}), (2, {LOSS: 1.0})], None, {LOSS: [1, 1, 2]}),
    ],
)
def test_where_a_log_belongs(logs, per_epoch, expected):
    axis = Axis(per_epoch)
    found: dict[str, list[int]] = {}
    for step, values in logs:
        place = axis.place(step, values.keys())
        for name in values:
            found.setdefault(name, []).append(place.step)
    assert found == expected


NAMES = st.sets(st.sampled_from([LOSS, VAL, "lr", "test/loss"]))


@settings(max_examples=300)
@given(
    logs=st.lists(st.tuples(st.integers(0, 20) | st.integers(0, 2**53), NAMES)),
    per_epoch=st.none() | st.integers(1, 30),
)
def test_no_metric_ever_falls(logs, per_epoch):
    axis = Axis(per_epoch)
    last: dict[str, int] = {}
    for step, names in logs:
        place = axis.place(step, names)
        assert place.step >= 0
        for name in names:
            assert place.step >= last.get(name, 0)
            last[name] = place.step


def recorded(tmp_path, logs) -> RunState:
    with bigmodel_tui.open_run({}, runs_dir=tmp_path / "runs") as run:
        for step, values in logs:
            run.log(step, values)
    found = RunState(RunDir(run.path))
    for event in read_all(found.run.events_path):
        found.apply(event)
    return found


def test_three_epochs_and_a_nan_are_all_there(tmp_path):
    losses = [1.0, 0.5, 0.25, 0.9, math.nan, 0.2, 0.8, 0.4, 0.1]
    logs = [(number % 3, {LOSS: loss}) for number, loss in enumerate(losses)]
    with pytest.warns(RuntimeWarning, match="bigmodel_tui: step 0 after step 2: steps") as warned:
        found = recorded(tmp_path, logs)
    assert len(warned) == 1
    assert found.metrics[LOSS].steps.tolist() == list(range(9))
    assert str(found.metrics[LOSS].values.tolist()) == str(losses)
    lines = [event for event in found.log if isinstance(event, LogLine)]
    assert [line.message for line in lines if line.level == "warning"] == [
        "step 0 after step 2: steps begin anew, and are counted on from 3"
    ]


def test_a_validation_that_counts_epochs_stands_after_its_epoch(tmp_path):
    logs = []
    for epoch in range(1, 5):
        logs += [((epoch - 1) * 5 + i + 1, {LOSS: 1.0 / (i + epoch)}) for i in range(5)]
        logs.append((epoch, {VAL: 10.0 / epoch}))
    with pytest.warns(RuntimeWarning, match="val/loss: step 1 after step 5 counts something else"):
        found = recorded(tmp_path, logs)
    assert found.metrics[VAL].steps.tolist() == [5, 10, 15, 20]
    assert found.metrics[VAL].values.tolist() == pytest.approx([10, 5, 10 / 3, 2.5])
    assert found.metrics[LOSS].steps.tolist() == list(range(1, 21))


class Pen:
    """In the place of a journal."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def emit(self, event: object) -> None:
        self.events.append(event)

    def progress(self, step: int) -> None:
        assert step >= 0


def test_a_speed_is_measured_over_a_second_at_least(tmp_path):
    pen = Pen()
    commands = LoopCommands(RunDir(tmp_path), pen, lambda report: None)
    recorder = Recorder({"steps_per_epoch": None}, pen, commands, rest=lambda why: None)
    # a log every 10 steps: some in a burst, some a long time apart
    for step, seconds in [(10, 0.0), (20, 0.01), (30, 0.02), (40, 0.9), (50, 2.0), (60, 2.01)]:
        recorder._take(
            {"kind": "rows", "step": [step], "seconds": [seconds], "values": {LOSS: [1.0]}}
        )
    speeds = [e for e in pen.events if isinstance(e, Scalars) and "steps_per_second" in e.values]
    assert [(e.step, e.values["steps_per_second"]) for e in speeds] == [([50], [20.0])]
