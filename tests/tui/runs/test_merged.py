"""Joined columns give the state that the single events give."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.runs.events import AnyEvent, Evaluation, Restarted, Scalars, StateChanged
from engine.runs.run_directory import RunDir
from tui.runs.follower import merged
from tui.runs.state.store import RunState

NAMES = st.sampled_from([("train/loss",), ("train/loss", "lr"), ("val/loss",), ("lr",)])


@st.composite
def logs(draw: st.DrawFn) -> list[AnyEvent]:
    """Events of a run whose steps rise, except at restarts."""
    events: list[AnyEvent] = []
    step = 0
    for kind in draw(st.lists(st.sampled_from("sssevr"), max_size=20)):
        step += 1
        if kind == "s":
            values = {name: [float(step)] for name in draw(NAMES)}
            events.append(Scalars(step=[step], seconds=[float(step)], values=values))
        elif kind == "e":
            found = {"loss": 1.0 / step}
            events.append(Evaluation(split="val", step=step, epoch=1, seconds=1, values=found))
        elif kind == "v":
            events.append(StateChanged(state="paused", step=step, reason="r"))
        else:
            step = draw(st.integers(0, step))
            events.append(Restarted(step=step, checkpoint="", attempt=1, reason="r"))
    return events


@given(logs())
def test_joined_columns_give_the_same_state(events: list[AnyEvent]) -> None:
    one, joined = (RunState(run=RunDir(Path("runs/a"))) for _ in range(2))
    for event in events:
        one.apply(event)
    for event in merged(events):
        joined.apply(event)
    assert one.metrics.keys() == joined.metrics.keys()
    for name, series in one.metrics.items():
        assert np.array_equal(series.steps, joined.metrics[name].steps), name
        assert np.array_equal(series.values, joined.metrics[name].values), name
    assert np.array_equal(one.seconds.values, joined.seconds.values)
    assert one.fallen == joined.fallen == 0
    assert [note.text for note in one.history] == [note.text for note in joined.history]
