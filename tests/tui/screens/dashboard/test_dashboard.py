"""The dashboard of recorded runs: what it shows, how runs are compared, how it is painted."""

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widget import Widget

from engine.config import configure, estimate
from engine.runs import run_directory
from engine.runs.events import Scalars
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import Lock, RunDir
from support.dashboards import SIZE, dashboard, running, screen, selected, table
from support.recorded import IDS, record
from support.seen import rows, text, until, until_shown
from tui.app import BigModelApp
from tui.panels.curves import CurvesPanel
from tui.panels.panel import Panel


async def test_a_finished_run_is_shown_with_all_that_is_known(
    recorded: Callable[..., list[RunDir]],
) -> None:
    app = dashboard(*recorded("adam"))
    async with running(app) as pilot:
        await until_shown(pilot, "step 120/120  epoch 3/3")
        shown = text(app)
        for words in (
            "done  adam  mlp on digits",
            "all 120 steps done",
            "100%",
            "Loss",
            "val 0.5699",
            "Accuracy",
            "val 0.9481",
            "Gradient norm",
            "of the last 100 steps",
            "clips",
            "Learning rate",
            "Samples per second",
            "mlp hidden=256-128-64 batch_norm=true",
            "59,338",
            "norm 1",
            "epoch 3/3: test loss 0.6204, accuracy 0.9333",
        ):
            assert words in shown
        assert table(app)[1].split() == ["adam", "done", "0.948", "0.948", "0.933"]
        assert not any("damaged" in row for row in rows(app))


async def test_several_runs_are_told_apart_and_compared(
    recorded: Callable[..., list[RunDir]],
) -> None:
    app = dashboard(*recorded("adam", "sgd"))
    async with running(app) as pilot:
        await until_shown(pilot, "training, smoothed")
        await until(pilot, lambda: text(app).count("done") >= 3)
        assert [row.split() for row in table(app)] == [
            ["best", "final", "test"],
            [">───", "adam", "done", "0.948", "0.948", "0.933"],
            ["╌╌╌", "sgd", "done", "0.889", "0.889", "0.867"],
        ]
        traces = app.screen.query_one("#loss", CurvesPanel).traces(screen(app).watched.view)
        assert [(t.state.id, t.smooth, t.behind) for t in traces] == [
            (IDS["sgd"], "ema", False),
            (IDS["adam"], "", True),  # the raw values of the selected run
            (IDS["adam"], "ema", False),
        ]
        assert len({trace.color for trace in traces}) == 3
        assert {len(trace.raw) for trace in traces} == {120}


async def test_v_changes_between_training_and_validation(
    recorded: Callable[..., list[RunDir]],
) -> None:
    app = dashboard(*recorded("adam", "sgd"))
    async with running(app) as pilot:
        await until_shown(pilot, "training, smoothed")
        await pilot.press("v")
        await until_shown(pilot, "Loss  validation")
        assert "training, smoothed" not in text(app)
        view = screen(app).watched.view
        loss = app.screen.query_one("#loss", CurvesPanel).traces(view)
        assert [trace.raw.steps.tolist() for trace in loss] == [[40, 80, 120]] * 2
        assert not any(trace.smooth or trace.behind for trace in loss)
        await pilot.press("v")
        await until_shown(pilot, "Loss  training, smoothed")


async def test_v_with_one_run_says_that_both_are_shown(
    recorded: Callable[..., list[RunDir]],
) -> None:
    app = dashboard(*recorded("adam"))
    async with running(app) as pilot:
        await until_shown(pilot, "done")
        await pilot.press("v")
        await until_shown(pilot, "One run shows both")


async def test_the_arrows_and_j_and_k_select_a_run(
    recorded: Callable[..., list[RunDir]],
) -> None:
    app = dashboard(*recorded("adam", "sgd", "failed"))
    async with running(app) as pilot:
        await until(pilot, lambda: text(app).count("done") >= 2)
        names = []
        for key in ("down", "j", "j", "up", "k"):
            await pilot.press(key)
            await pilot.pause()
            names.append(" ".join(selected(app).split()[1:3]))
        assert names == [
            "sgd done",
            "adam device=cuda:0",
            "adam done",
            "adam device=cuda:0",
            "sgd done",
        ]
        assert "sgd" in rows(app)[0]
        assert "optimizer  sgd" in text(app)


async def test_a_click_selects_a_run(recorded: Callable[..., list[RunDir]]) -> None:
    app = dashboard(*recorded("adam", "sgd"))
    async with running(app) as pilot:
        await until(pilot, lambda: text(app).count("done") >= 3)
        await pilot.click("#runs", offset=(10, 3))  # title, head, adam, sgd
        await pilot.pause()
        assert "sgd" in selected(app)


async def test_a_failed_run_says_why_and_where_to_look(
    recorded: Callable[..., list[RunDir]],
) -> None:
    (run,) = recorded("failed")
    app = dashboard(run)
    async with running(app) as pilot:
        await until_shown(pilot, "failed: device: cuda:0 is not available here")
        assert f"see {run.engine_log_path}" in text(app)
        assert "nothing was recorded" in text(app)
        assert "waiting for data" not in text(app)


async def test_a_run_whose_engine_was_killed_says_so(terminal_environment: None) -> None:
    run = record(Path("runs"), "r", status=None)
    app = dashboard(run)
    async with running(app) as pilot:
        await until_shown(pilot, "crashed: nobody saw how its engine ended, after step 6")
        assert f"see {run.engine_log_path}" in text(app)


async def test_a_run_appears_while_it_is_watched(terminal_environment: None) -> None:
    run = run_directory.create(Path("runs"), configure.resolve(settings={"steps": 10}))
    lock = Lock(run)
    try:
        app = dashboard(run)
        async with running(app) as pilot:
            await until_shown(pilot, "queued")
            assert "waiting for its turn" in text(app)
            assert "waiting for data" in text(app)
            run.engine_log_path.touch()
            await until_shown(pilot, "the engine is loading torch and the data")
            other = record(Path("other"), "r", steps=10)
            run.events_path.write_bytes(other.events_path.read_bytes())
            await until_shown(pilot, "step 10/10")
            await until_shown(pilot, "100%")
    finally:
        lock.release()


async def test_only_what_changed_is_painted_and_it_is_what_a_full_painting_shows(
    active: RunDir,
) -> None:
    painted: list[int] = []
    whole = Widget.refresh

    def refresh(self: Widget, *regions, **options):
        if isinstance(self, Panel):
            painted.append(sum(region.area for region in regions) or self.size.area)
        return whole(self, *regions, **options)

    app = dashboard(active)
    async with running(app) as pilot:
        await until_shown(pilot, "step 6/6")
        await pilot.pause(0.5)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Widget, "refresh", refresh)
            await pilot.pause(0.5)
            assert painted == []  # nothing new, nothing painted
            log = LogWriter(active.events_path)
            # titles show the mean of an epoch, which has two steps
            for step, mean in ((7, "3.833"), (8, "8"), (9, "9")):
                values = {
                    "train/loss": [step + 0.5],
                    "train/accuracy": [0.9],
                    "grad_norm": [0.2 * step],
                    "clipped": [1.0],
                    "lr": [1e-3],
                    "samples_per_second": [31000.0],
                }
                log.append(Scalars(step=[step], seconds=[step / 8], values=values))
                before = len(painted)
                await until_shown(pilot, f"train {mean}  ")
                assert 0 < sum(painted[before:]) < 0.5 * SIZE[0] * SIZE[1]
            log.close()
        grown = rows(app)
    afresh = dashboard(active)
    async with running(afresh) as pilot:
        await until_shown(pilot, "train 9  ")
        await pilot.pause()
        assert rows(afresh) == grown


async def test_another_theme_paints_everything_in_its_colours(
    recorded: Callable[..., list[RunDir]],
) -> None:
    app = dashboard(*recorded("adam"))
    async with running(app) as pilot:
        await until_shown(pilot, "100%")
        loss = app.screen.query_one("#loss", Panel)
        before = list(loss._strips)
        app.theme = "textual-light"
        await until(pilot, lambda: loss._strips != before)
        assert [strip.text for strip in loss._strips] == [strip.text for strip in before]


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
@pytest.mark.parametrize(
    "names", [("adam",), ("adam", "sgd"), ("failed",)], ids=["one", "several", "failed"]
)
def test_picture(
    recorded: Callable[..., list[RunDir]],
    snap_compare,
    names: tuple[str, ...],
    size: tuple[int, int],
) -> None:
    app = dashboard(*recorded(*names))

    async def settled(pilot) -> None:
        words = "failed:" if names == ("failed",) else "100%"
        await until_shown(pilot, words)
        await until(pilot, lambda: not screen(app).watched.at_work)
        await until(pilot, lambda: not screen(app).stale)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=settled)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
def test_picture_of_the_launch_screen(
    terminal_environment: None,
    monkeypatch: pytest.MonkeyPatch,
    snap_compare,
    size: tuple[int, int],
) -> None:
    monkeypatch.setattr(estimate, "free_memory", lambda device: 16 * 10**9)

    async def settled(pilot) -> None:
        await until_shown(pilot, "16 GB are free")
        await until_shown(pilot, "? Help")
        if size[1] >= 36:
            await until_shown(pilot, "▀▀▀▀")

    app = BigModelApp(root=Path("runs"))
    assert snap_compare(app, terminal_size=size, run_before=settled)
