"""The keys and the mouse on the plots of recorded runs, from what a person sees."""

from collections.abc import Callable

import pytest

from engine.runs.events import CommandAnswered, Scalars
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import Lock, RunDir
from support.dashboards import dashboard, running
from support.seen import rows, text, until, until_shown
from tui.app import BigModelApp
from tui.panels.curves import CurvesPanel
from tui.panels.panel import Panel
from tui.plots.plot_view import PlotView
from tui.plots.ticks import LABEL_WIDTH
from tui.screens.dashboard.plot_actions import PlotActions
from tui.screens.dashboard.screen import DashboardScreen
from tui.text import number

Recorded = Callable[..., list[RunDir]]


def plots(app: BigModelApp) -> PlotView:
    assert isinstance(app.screen, DashboardScreen)
    view = app.screen.watched.view
    assert view is not None
    return view.plots


def panel(app: BigModelApp, name: str = "loss") -> list[str]:
    """The lines of a panel."""
    return [strip.text for strip in app.screen.query_one(f"#{name}", Panel)._strips]


async def open_(pilot, app: BigModelApp) -> None:
    await until_shown(pilot, "100%")
    await until(pilot, lambda: all(not lane.state.active for lane in app.screen.watched.view.lanes))
    await until(pilot, lambda: not app.screen.stale)


async def test_zoom_pan_and_all_again(recorded: Recorded) -> None:
    app = dashboard(*recorded("adam"))
    async with running(app) as pilot:
        await open_(pilot, app)
        whole = panel(app)
        await pilot.press("plus")
        assert plots(app).window == pytest.approx((20, 100))
        assert "zoomed" in rows(app)[2]
        zoomed = panel(app)
        assert zoomed[-1].split() == ["step", "20", "40", "60", "80", "100"]
        assert panel(app, "lr")[-1] != whole[-1]  # all of them
        await pilot.press("less_than_sign")
        assert plots(app).window == pytest.approx((0, 80))
        await pilot.press("full_stop")
        assert panel(app) == zoomed
        await pilot.press("minus")
        assert panel(app) == whole
        await pilot.press("equals_sign", "equals_sign", "comma", "0")
        assert panel(app) == whole
        assert "zoomed" not in rows(app)[2]


async def test_the_line_of_pages_says_what_it_has_room_for(recorded: Recorded) -> None:
    app = dashboard(*recorded("adam"))
    async with running(app, size=(80, 24)) as pilot:
        await open_(pilot, app)
        await pilot.press("X", "L", "t", "u", "plus")
        line = rows(app)[2]
        assert " log " in line
        assert line.rstrip().endswith("…")


@pytest.mark.parametrize("width", [72, 80, 100, 160])
async def test_titles_have_whole_values_at_any_width(recorded: Recorded, width: int) -> None:
    app = dashboard(*recorded("adam"))
    async with running(app, size=(width, 24)) as pilot:
        await open_(pilot, app)
        state = app.screen.watched.view.focus.state
        for name in ("loss", "accuracy"):
            title = panel(app, name)[0]
            assert "…" not in title
            # of training a mean, since one batch says little
            for value in (state.recent(f"train/{name}"), state.last(f"val/{name}")):
                assert any(f" {number(value, digits)} " in title for digits in (3, 4))
            assert ("train" in title) or width < 100


async def test_a_part_without_values_says_so(recorded: Recorded) -> None:
    app = dashboard(*recorded("adam"))
    async with running(app, size=(80, 24)) as pilot:
        await open_(pilot, app)
        app.screen.change_view(plots=PlotView(window=(130.0, 150.0)))
        assert "nothing here; 0 shows all" in "\n".join(panel(app))
        await pilot.press("0")
        assert "nothing here" not in "\n".join(panel(app))


async def test_the_crosshair_reads_all_curves_at_one_step(recorded: Recorded) -> None:
    app = dashboard(*recorded("adam"))
    async with running(app) as pilot:
        await open_(pilot, app)
        before = panel(app)
        state = app.screen.watched.view.focus.state
        await pilot.press("left")
        assert "step 120" in panel(app)[0]
        await pilot.press("left", "left", "shift+left")
        at = 106
        assert plots(app).crosshair == at
        loss = state.metrics["train/loss"].values[at - 1]
        assert f"step {at}  ─── train {loss:.4g}" in panel(app)[0]
        val = state.metrics["val/loss"].values[1]
        assert f"val {val:.4g} @80" in panel(app)[0]
        for name in ("loss", "accuracy", "gradients", "lr", "speed"):
            lines = panel(app, name)
            assert f"step {at}" in lines[0]
            column = app.screen.query_one(f"#{name}", CurvesPanel)._drawn.axes.column(at)
            assert any(line[column] == "│" for line in lines[1:-1])
        await pilot.press("right")
        assert plots(app).crosshair == at + 1
        await pilot.press("escape")
        assert panel(app) == before


async def test_with_several_runs_the_crosshair_lists_each_raw_and_smoothed(
    recorded: Recorded,
) -> None:
    app = dashboard(*recorded("adam", "sgd"))
    async with running(app) as pilot:
        await open_(pilot, app)
        await pilot.press("left", "shift+left")
        shown = "\n".join(panel(app))
        for lane in app.screen.watched.view.lanes:
            raw = lane.state.metrics["train/loss"].values[107]
            assert f"{lane.label.ljust(4)} {raw:.4g}".rstrip("0") in shown
        assert shown.count("~") == 2
        await pilot.press("t", "t")  # median, then none
        assert "not smoothed" in rows(app)[2]
        assert "~" not in "\n".join(panel(app))


async def test_a_click_sets_the_crosshair_and_the_wheel_zooms_there(recorded: Recorded) -> None:
    app = dashboard(*recorded("adam"))
    async with running(app) as pilot:
        await open_(pilot, app)
        loss = app.screen.query_one("#loss", CurvesPanel)
        column = LABEL_WIDTH + 1 + 18
        await pilot.click(loss, offset=(column, 5))
        await until(pilot, lambda: plots(app).crosshair is not None)
        assert loss._drawn.axes.column(plots(app).crosshair) == column
        loss.post_message(CurvesPanel.Pointed(30.0, 0.5))
        await until(pilot, lambda: plots(app).window is not None)
        assert plots(app).window == (15, 75)
        before = plots(app)
        await pilot.click(loss, offset=(2, 5))  # on the numbers of the axis
        assert plots(app) == before


async def test_each_x_axis_and_logarithms(recorded: Recorded) -> None:
    app = dashboard(*recorded("adam"))
    async with running(app) as pilot:
        await open_(pilot, app)
        lasts = []
        for _ in range(5):
            lasts.append(panel(app)[-1].split())
            await pilot.press("x")
        assert [last[0] for last in lasts] == ["step", "epoch", "sample", "time", "clock"]
        assert lasts[1][1:] == ["0", "1", "2", "3"]
        assert lasts[2][1:] == ["0", "1000", "2000", "3000"]
        assert lasts[3][1] == "0s"
        assert panel(app)[-1].split() == lasts[0]
        await pilot.press("X")
        assert panel(app)[-1].split()[:3] == ["step", "1", "2"] or "10" in panel(app)[-1]
        assert "log step" in rows(app)[2]
        await pilot.press("X", "L")
        assert "log y" in rows(app)[2]
        labels = [line[:6].strip() for line in panel(app)[1:-1] if line[6] == "┤"]
        assert labels[0] == "5"
        assert labels[-1] in ("0.2", "0.5", "0.1")


async def test_smoothing_of_one_run_has_the_raw_curve_faint_behind(recorded: Recorded) -> None:
    app = dashboard(*recorded("adam"))
    async with running(app) as pilot:
        await open_(pilot, app)
        raw = panel(app)
        loss = app.screen.query_one("#loss", CurvesPanel)
        await pilot.press("t")
        found = [(t.metric, t.smooth, t.behind) for t in loss.traces(app.screen.watched.view)]
        assert found == [
            ("train/loss", "", True),
            ("train/loss", "ema", False),
            ("val/loss", "", True),
            ("val/loss", "ema", False),
        ]
        assert "EMA 0.9" in rows(app)[2]
        assert panel(app) != raw
        await pilot.press("T")
        assert "EMA 0.98" in rows(app)[2]
        await pilot.press("t", "t")
        assert panel(app) == raw


async def test_markers_outliers_and_recent_steps(recorded: Recorded) -> None:
    app = dashboard(*recorded("adam"))
    async with running(app) as pilot:
        await open_(pilot, app)
        assert any("⣀" <= cell <= "⣿" for cell in "".join(panel(app)))
        await pilot.press("B")
        assert not any("⠁" <= cell <= "⣿" for cell in "".join(panel(app)))
        assert set("▀▄▌▐▖▗▘▝") & set("".join(panel(app)[1:-1]))
        await pilot.press("B")
        assert "*" in "".join(panel(app)[1:-1])
        await pilot.press("B", "u")
        assert "full y" in rows(app)[2]
        await pilot.press("a")
        assert "follows" in rows(app)[2]
        assert plots(app).window == (70, 120)
        await pilot.press("F")
        assert plots(app).follow is False
        await pilot.press("0")


async def test_a_followed_window_moves_with_what_arrives_and_a_mark_is_explained(
    recorded: Recorded,
) -> None:
    (run,) = recorded("adam")
    lines = run.events_path.read_bytes().splitlines(keepends=True)
    run.events_path.write_bytes(b"".join(line for line in lines if b"run_ended" not in line))
    lock, app = Lock(run), dashboard(run)
    async with running(app) as pilot:
        await until_shown(pilot, "step 120/120")
        await until(pilot, lambda: not app.screen.stale)
        await pilot.press("a")
        assert panel(app)[-1].split()[-1] == "120"
        log = LogWriter(run.events_path)
        values = {"train/loss": [0.5] * 30, "lr": [1.0] * 30}
        steps = list(range(121, 151))
        log.append(Scalars(step=steps, seconds=[9.0 + s for s in range(30)], values=values))
        log.append(
            CommandAnswered(id="a", command="set", outcome="applied", step=150, reason="lr now 1")
        )
        log.close()
        await until(pilot, lambda: panel(app)[-1].split()[-1] == "150")
        await pilot.press("left")
        assert any("lr now 1" in line for line in panel(app))
    lock.release()


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_another_size_keeps_the_view_and_m_shows_it_alone(
    recorded: Recorded, size: tuple[int, int]
) -> None:
    app = dashboard(*recorded("adam", "sgd"))
    async with running(app) as pilot:
        await open_(pilot, app)
        await pilot.press("plus", "left", "L", "x")
        before = plots(app)
        await pilot.resize_terminal(*size)
        await until(pilot, lambda: app.size == size)
        await pilot.press("m")
        await until(pilot, lambda: len(panel(app)[0]) == size[0])
        assert plots(app) == before
        assert "step 100, epoch 2.5" in panel(app)[0]
        await pilot.press("right")
        assert plots(app).crosshair > before.crosshair
        await pilot.press("escape")  # first the crosshair
        assert app.screen.maximized is not None
        await pilot.press("escape")
        assert app.screen.maximized is None


async def test_choices_are_remembered_and_places_are_not(recorded: Recorded) -> None:
    runs = recorded("adam")
    app = dashboard(*runs)
    async with running(app) as pilot:
        await open_(pilot, app)
        await pilot.press("L", "t", "plus", "left", "x")
    again = dashboard(*runs)
    async with running(again) as pilot:
        await open_(pilot, again)
        assert plots(again) == PlotView(log_y=True, smoothing="ema")


async def test_every_key_on_a_run_without_a_step_does_no_harm(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "vt100")
    app = dashboard(*recorded("failed"))
    async with running(app, (80, 24)) as pilot:
        await until_shown(pilot, "failed")
        for key in PLOTTING_KEYS:
            await pilot.press(key)
            await pilot.pause()
            assert text(app).isascii()


PLOT_KEYS = [key for line in PlotActions.KEYS for key in line.each]
PLOTTING_KEYS = [name for key in PLOT_KEYS for name in key.keys.split(",")]


async def test_every_key_in_ascii_and_each_is_in_the_palette(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "vt100")
    app = dashboard(*recorded("adam", "sgd"))
    async with running(app, (80, 24)) as pilot:
        await open_(pilot, app)
        for key in [*PLOTTING_KEYS, *reversed(PLOTTING_KEYS)]:
            await pilot.press(key)
            assert text(app).isascii()
        offered = {command.title for command in app.get_system_commands(app.screen)}
        assert {key.name for key in PLOT_KEYS} <= offered
