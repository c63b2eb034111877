"""The x axis: steps become epochs, samples and times, and back; what a plot shows of a series."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.runs.events import CommandAnswered, Restarted, RunStarted, Scalars
from engine.runs.run_directory import RunDir
from tui.plots import traces, x_scale
from tui.plots.axes import Axes
from tui.plots.lane_view import View, make_lanes
from tui.plots.plot_view import PlotView, XKind
from tui.plots.traces import Trace, Traces
from tui.runs.points.series import Series
from tui.runs.state.store import RunState

BEGAN = 1_700_000_000.0


def run(
    name: str = "r", *, steps: int = 100, planned: int = 200, per_epoch: int | None = 10, **more
) -> RunState:
    """A run whose step k took place k / 4 seconds after the start."""
    state = RunState(run=RunDir(Path(name)))
    config = {"batch_size": 32, "optimizer": {"name": name}} | more
    state.apply(
        RunStarted(
            time=BEGAN,
            config=config,
            device="cpu",
            num_parameters=1,
            planned_steps=planned,
            steps_per_epoch=per_epoch,
            samples={"train": 320, "val": 1, "test": 1},
        )
    )
    record(state, 1, steps)
    return state


def record(state: RunState, first: int, last: int, *, seconds: float = 0.0) -> None:
    steps = list(range(first, last + 1))
    state.apply(
        Scalars(
            step=steps,
            seconds=[seconds + step / 4 for step in steps],
            values={"train/loss": [float(step % 7) for step in steps]},
        )
    )


def view(*states: RunState, **plots: object) -> View:
    return View(make_lanes(list(states), {}), plots=PlotView(**plots))


@pytest.mark.parametrize(
    ("kind", "x"),
    [("step", 40), ("epoch", 4), ("samples", 1280), ("relative", 10), ("wall", BEGAN + 10)],
)
def test_a_step_and_its_place_on_each_axis(kind: XKind, x: float) -> None:
    scale = x_scale.scale_of(run(), kind)
    assert scale.to_x(np.array([40.0])).tolist() == [x]
    assert scale.to_step(np.array([float(x)])).tolist() == [40]


@given(
    st.sampled_from(x_scale.KINDS),
    st.lists(st.floats(0, 120), min_size=1, max_size=9),
    st.booleans(),
)
def test_steps_stay_in_order_and_come_back(
    kind: XKind, steps: list[float], restarted: bool
) -> None:
    state = run()
    if restarted:
        state.apply(Restarted(time=BEGAN + 500, step=60, checkpoint="", attempt=1, reason="resume"))
        record(state, 61, 100)
    scale = x_scale.scale_of(state, kind)
    x = scale.to_x(np.array(sorted(steps)))
    assert (np.diff(x) >= 0).all()
    back = scale.to_step(x)
    inside = np.array([1 <= step <= 100 for step in sorted(steps)])
    # A restart is a moment at which no step was taken.
    np.testing.assert_allclose(back[inside], np.sort(steps)[inside], atol=1.01 * restarted + 1e-4)


def test_the_clock_goes_on_while_no_engine_is_at_work_and_the_seconds_do_not() -> None:
    state = run()
    state.apply(Restarted(time=BEGAN + 5000, step=60, checkpoint="", attempt=1, reason="resume"))
    record(state, 61, 80)
    steps = np.array([60.0, 61.0, 80.0])
    assert x_scale.scale_of(state, "relative").to_x(steps).tolist() == [15, 15.25, 20]
    wall = x_scale.scale_of(state, "wall").to_x(steps) - BEGAN
    assert wall.tolist() == [15, 5000.25, 5005]


def test_axes_that_a_run_does_not_have_are_not_offered() -> None:
    assert x_scale.kinds_of(view(run(), run("s"))) == list(x_scale.KINDS)
    assert x_scale.kinds_of(view(run(), run("s", per_epoch=None, batch_size="?"))) == [
        "step",
        "relative",
        "wall",
    ]
    assert x_scale.kinds_of(view(RunState(run=RunDir(Path("new"))))) == ["step"]
    full = run("gd", batch_size="full")
    assert x_scale.batch_size(full) == 320


def test_the_extent_of_each_axis() -> None:
    long, short = run(), run("s", steps=40)
    found = {kind: x_scale.extent(view(long, short, x=kind)) for kind in x_scale.KINDS}
    assert [(e.low, e.high, e.newest) for e in list(found.values())[:3]] == [
        (0, 200, 100),
        (0, 20, 10),
        (0, 6400, 3200),
    ]
    assert (found["relative"].low, found["relative"].newest) == (0, 25)
    assert found["relative"].high == 50  # a round number, while they go on
    assert (found["wall"].low, found["wall"].newest) == (BEGAN + 0.25, BEGAN + 25)
    nothing = x_scale.extent(view(RunState(run=RunDir(Path("new"))), x="wall"))
    assert nothing.low < nothing.high


@pytest.mark.parametrize(
    ("steps", "status", "end"),
    [
        (3, "running", 10),
        (90, "running", 100),
        (1999, "running", 2000),
        (2000, "running", 20_000),
        (150, "stopped", 200),
        (6000, "stopped", 10_000),
        (15_000, "failed", 20_000),
        (20_000, "done", 20_000),
    ],
)
def test_a_long_plan_is_shown_when_a_good_part_of_it_is_done(
    steps: int, status: str, end: float
) -> None:
    state = run(steps=steps, planned=20_000)
    state.status = status
    assert x_scale.extent(view(state)).high == end
    assert x_scale.extent(view(state, x="samples")).high <= 20_000 * 32


@pytest.mark.parametrize("kind", x_scale.KINDS[1:])
def test_window_and_crosshair_stay_at_their_steps_on_another_axis(kind: XKind) -> None:
    before = view(run(), window=(20.0, 60.0), crosshair=40.0)
    there = x_scale.converted(before, kind)
    assert there.x == kind
    assert traces.step_at(before.focus.state, there) == 40
    back = x_scale.converted(View(before.lanes, plots=there), "step")
    assert back.window == pytest.approx((20, 60))
    assert back.crosshair == pytest.approx(40)


def axes(low: float, high: float, **more: object) -> Axes:
    return Axes(width=67, height=12, low=low, high=high, ink="#808080", **more)


def test_epochs_end_where_they_do_and_are_few() -> None:
    state = run()
    step = x_scale.scale_of(state, "step")
    assert x_scale.epoch_borders(state, step, axes(0, 100)).tolist() == list(range(10, 101, 10))
    assert x_scale.epoch_borders(state, step, axes(15, 45)).tolist() == [20, 30, 40]
    assert x_scale.epoch_borders(state, step, axes(0, 1e6)).tolist()[0] == 10 * 10_000
    seconds = x_scale.scale_of(state, "relative")
    assert x_scale.epoch_borders(state, seconds, axes(0, 50)).tolist()[-1] == 25
    assert not len(x_scale.epoch_borders(run(per_epoch=None), step, axes(0, 100)))


def series_of(steps: np.ndarray, values: np.ndarray) -> Series:
    made = Series()
    made.extend(steps, values)
    return made


@given(st.lists(st.booleans(), min_size=1, max_size=300), st.sampled_from(["step", "relative"]))
def test_each_clipped_step_counts_in_the_column_that_shows_it(
    clipped: list[bool], kind: XKind
) -> None:
    state = run(steps=len(clipped))
    scale = x_scale.scale_of(state, kind)
    steps, events = np.arange(1.0, len(clipped) + 1), np.array(clipped, dtype=float)
    size = axes(0.0, float(scale.to_x(steps[-1:])[0]) + 1e-9)
    found = x_scale.shares(series_of(steps, events), scale, size)
    at = size.across(scale.to_x(steps), size.canvas_width).astype(int)
    for column in range(size.canvas_width):
        inside = events[at == column]
        assert found[column] == pytest.approx(inside.mean() if len(inside) else 0)


def test_a_window_of_the_strip_has_only_its_own_steps() -> None:
    steps, events = np.arange(1.0, 101), np.zeros(100)
    events[[9, 49, 89]] = 1
    found = x_scale.shares(
        series_of(steps, events), x_scale.scale_of(run(), "step"), axes(20.0, 80.0)
    )
    assert np.flatnonzero(found).tolist() == [axes(20.0, 80.0).column(50) - 7]


def trace(state: RunState, **more: object) -> Trace:
    return Trace(state, "train/loss", 0, "", "#ffffff", **more)


def test_what_is_drawn_is_cut_to_the_axes_and_smoothed() -> None:
    state, found = run(), Traces()
    plots = PlotView(x="epoch")
    (raw,) = found.curves([trace(state)], axes(2.0, 4.0), plots)
    assert raw.x == pytest.approx([step / 10 for step in range(19, 42)])  # with the neighbours
    assert raw.y.tolist() == [float(step % 7) for step in range(19, 42)]
    (smooth,) = found.curves([trace(state, smooth="median")], axes(2.0, 4.0), plots)
    assert smooth.y.tolist() == [
        float(np.median([(k % 7) for k in range(step - 14, step + 1)])) for step in range(19, 42)
    ]


def test_a_logarithmic_axis_keeps_points_at_its_left() -> None:
    state = run(steps=50_000)
    (curve,) = Traces().curves([trace(state)], axes(1.0, 50_000.0, log_x=True), PlotView())
    assert (curve.x[:20] == np.arange(1, 21)).all()
    assert (np.diff(curve.x) >= 0).all()
    assert len(curve.x) < 5000


def test_a_picture_is_made_anew_when_and_only_when_something_changed() -> None:
    state, found = run(), Traces()
    plots = PlotView(x="relative")
    before = found.key(trace(state), plots)
    assert found.key(trace(state), replace(plots, crosshair=3.0)) == before
    record(state, 101, 101)
    grown = found.key(trace(state), plots)
    assert grown != before
    state.apply(Restarted(step=50, checkpoint="", attempt=1, reason="resume"))
    record(state, 51, 101)
    assert found.key(trace(state), plots) != grown  # as long as before, but other values


def test_steps_without_a_finite_value_are_known() -> None:
    state, found = run(), Traces()
    assert not len(found.lost(trace(state)))
    for step, value in ((101, "nan"), (102, 1.0), (103, "-inf")):
        state.apply(Scalars(step=[step], seconds=[30.0], values={"train/loss": [value]}))
        found.lost(trace(state))
    assert found.lost(trace(state)).tolist() == [101, 103]
    state.apply(Restarted(step=102, checkpoint="", attempt=1, reason="resume"))
    assert found.lost(trace(state)).tolist() == [101]


def test_values_at_a_step_are_those_known_by_then() -> None:
    state = run()
    series = state.metrics["train/loss"]
    assert traces.value_at(series, 40) == (40, 5.0)
    assert traces.value_at(series, 1000) == (100, 2.0)
    assert traces.value_at(series, 0) is None
    assert traces.value_at(None, 5) is None
    for step in range(1, 101):  # no float64 rounds to the step before
        x = float(x_scale.scale_of(state, "epoch").to_x(np.array([float(step)]))[0])
        assert traces.step_at(state, PlotView(x="epoch", crosshair=x)) == step
    assert traces.nearest_step(state, PlotView(x="relative"), 10.1) == 10.0


def test_marks_keep_their_step_when_commands_follow() -> None:
    state = run()
    state.apply(CommandAnswered(id="a", command="set", outcome="applied", step=40, reason="lr"))
    scale = x_scale.scale_of(state, "wall")
    assert scale.to_x(np.array([float(state.marks[0].step)])).tolist() == [BEGAN + 10]
