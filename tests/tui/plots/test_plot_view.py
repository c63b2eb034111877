"""How plots are looked at: zoom, pan, follow and crosshair keep inside of what there is."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tui.plots import plot_view
from tui.plots.plot_view import Extent, PlotView, shown

WHOLE = Extent(low=0.0, high=1000.0, newest=800.0)
DEEDS = {
    "closer": lambda view, extent: plot_view.zoom(view, 1 / 1.5, extent),
    "away": lambda view, extent: plot_view.zoom(view, 1.5, extent),
    "wheel": lambda view, extent: plot_view.zoom(view, 0.5, extent, extent.newest / 3),
    "left": lambda view, extent: plot_view.pan(view, -0.25, extent),
    "right": lambda view, extent: plot_view.pan(view, 0.25, extent),
    "all": lambda view, extent: plot_view.all_again(view),
    "recent": plot_view.recent,
    "follow": plot_view.toggle_follow,
    "back": lambda view, extent: plot_view.move(view, -1 / 120, extent),
    "on": lambda view, extent: plot_view.move(view, 0.1, extent),
    "log": lambda view, extent: replace(view, log_x=not view.log_x),
    "click": lambda view, extent: plot_view.place(view, extent.newest / 2, extent),
}
EXTENTS = st.builds(
    lambda low, width, share, steps: Extent(
        low=low, high=low + width, newest=low + share * width, unit=width / steps
    ),
    st.sampled_from([0.0, 0.0, 1.7e9]),
    st.floats(1e-2, 1e9),
    st.floats(0, 1),
    st.integers(1, 10**6),
)


@given(EXTENTS, st.lists(st.sampled_from(sorted(DEEDS)), max_size=30))
def test_whatever_a_person_does_stays_within_what_there_is(
    extent: Extent, deeds: list[str]
) -> None:
    view = PlotView(x="wall" if extent.low else "step")
    slack = 1e-6 * max(extent.high - extent.low, 1e-9 * extent.high)
    for deed in deeds:
        view = DEEDS[deed](view, extent)
        low, high = shown(view, extent)
        assert math.isfinite(low)
        assert low < high
        assert high - low <= (extent.high - extent.low) * (1 + 1e-6) + 10 * extent.unit + slack
        if not view.follow:
            assert extent.low - slack <= low
            assert high <= extent.high + extent.unit + slack
        if plot_view.logarithmic(view):
            assert low > 0
        if view.crosshair is not None:
            assert extent.low - slack <= view.crosshair <= extent.newest + slack


def test_closer_and_away_again_is_where_it_was() -> None:
    view = plot_view.zoom(PlotView(), 1 / 2, WHOLE)
    assert view.window == (200, 700)  # around the middle of what was recorded
    assert plot_view.zoom(view, 2, WHOLE).window is None
    assert plot_view.zoom(PlotView(), 2, WHOLE).window is None


def test_what_is_under_the_pointer_stays_there() -> None:
    view = plot_view.zoom(PlotView(), 1 / 2, WHOLE, at=200.0)
    assert view.window == (100, 600)
    assert plot_view.zoom(view, 1 / 2, WHOLE, at=100.0).window == (100, 350)
    with_crosshair = PlotView(crosshair=800.0)
    assert plot_view.zoom(with_crosshair, 1 / 2, WHOLE).window == (400, 900)


@pytest.mark.parametrize("log_x", [False, True])
@given(st.floats(1, 1000), st.integers(1, 20))
def test_closer_never_loses_what_was_recorded(log_x: bool, newest: float, times: int) -> None:
    extent = replace(WHOLE, newest=newest)
    view = PlotView(log_x=log_x)
    for _ in range(times):
        view = plot_view.zoom(view, 1 / 1.5, extent)
    assert shown(view, extent)[0] <= newest


def test_closer_leaves_a_part_without_values_and_does_not_look_for_a_crosshair_elsewhere() -> None:
    empty = PlotView(window=(900, 1000))
    assert plot_view.zoom(empty, 1 / 2, WHOLE).window == (750, 800)
    away = PlotView(window=(400, 600), crosshair=100.0)
    assert plot_view.zoom(away, 1 / 2, WHOLE).window == (450, 550)


def test_a_logarithmic_axis_is_zoomed_in_its_own_measure() -> None:
    extent = Extent(low=0.0, high=10_000.0, newest=10_000.0)
    view = plot_view.zoom(PlotView(log_x=True), 1 / 2, extent)
    assert view.window == pytest.approx((10, 1000))
    assert plot_view.pan(view, 1 / 2, extent).window == pytest.approx((100, 10_000))


def test_a_window_is_at_least_some_steps_wide() -> None:
    view = PlotView()
    for _ in range(60):
        view = plot_view.zoom(view, 1 / 2, WHOLE)
    low, high = shown(view, WHOLE)
    assert high - low == pytest.approx(4)


def test_panning_stops_at_the_ends() -> None:
    view = plot_view.zoom(PlotView(), 1 / 2, WHOLE)
    for _ in range(9):
        view = plot_view.pan(view, 1 / 4, WHOLE)
    assert view.window == (500, 1000)
    assert plot_view.pan(PlotView(), 1 / 4, WHOLE) == PlotView()


def test_recent_follows_in_leaps_and_back_to_all() -> None:
    view = plot_view.recent(PlotView(), WHOLE)
    assert view.follow
    windows = [shown(view, replace(WHOLE, newest=newest)) for newest in (800.0, 801.0, 819.0, 821)]
    assert windows == [(600, 800), (620, 820), (620, 820), (640, 840)]
    assert plot_view.recent(view, WHOLE).window is None


def test_follow_and_stay() -> None:
    view = plot_view.toggle_follow(PlotView(window=(100, 300)), WHOLE)
    assert shown(view, WHOLE) == (600, 800)
    stays = plot_view.toggle_follow(view, WHOLE)
    assert (stays.window, stays.follow) == ((600, 800), False)
    assert plot_view.toggle_follow(PlotView(), WHOLE).follow
    assert not plot_view.pan(view, -1 / 4, WHOLE).follow
    closer = plot_view.zoom(view, 1 / 2, WHOLE)
    assert shown(closer, WHOLE) == (700, 800)


def test_the_crosshair_appears_at_the_newest_value_and_takes_the_window_along() -> None:
    view = plot_view.move(PlotView(), -1 / 120, WHOLE)
    assert view.crosshair == 800
    assert plot_view.move(view, -1 / 10, WHOLE).crosshair == 700
    inside = plot_view.move(PlotView(window=(100, 200)), -1 / 120, WHOLE)
    assert inside.crosshair == 200
    assert plot_view.move(inside, -0.001, WHOLE).crosshair == 199  # a step at least
    left = replace(inside, crosshair=100.0)
    assert plot_view.move(left, -1 / 10, WHOLE).window == pytest.approx((90, 190))


def test_smoothing_goes_round_and_its_names_say_what_it_is() -> None:
    view, names = PlotView(), []
    for _ in range(4):
        view = plot_view.next_smoothing(view, several=False)
        names.append(plot_view.smoothing_name(view))
    assert names == ["EMA 0.9", "median 15", "", "EMA 0.9"]
    assert plot_view.next_smoothing(PlotView(), several=True).smoothing == "median"
    strong = plot_view.next_strength(PlotView())
    assert plot_view.smoothing_name(strong) == "EMA 0.9"
    strengths = [plot_view.smoothing_name(strong := plot_view.next_strength(strong)) for _ in "abc"]
    assert strengths == ["EMA 0.98", "EMA 0.7", "EMA 0.9"]


def test_the_summary_names_what_is_not_usual() -> None:
    assert plot_view.summary(PlotView()) == ""
    view = PlotView(x="epoch", log_y=True, smoothing="none", robust=False, window=(1, 2))
    assert plot_view.summary(view) == "epoch, log y, not smoothed, full y, zoomed"
    assert (
        plot_view.summary(PlotView(log_x=True, window=(1, 2), follow=True)) == "log step, follows"
    )


@pytest.mark.parametrize(
    ("room", "words"),
    [
        (28, "epoch, log y, full y, zoomed"),
        (27, "epoch, log y, full y, …"),
        (22, "epoch, log y, …"),
        (8, "epoch, …"),
        (7, "epoch,…"),
        (3, "ep…"),
        (0, ""),
    ],
)
def test_a_short_summary_keeps_the_first_words(room: int, words: str) -> None:
    view = PlotView(x="epoch", log_y=True, robust=False, window=(1, 2))
    assert plot_view.summary(view, room) == words
