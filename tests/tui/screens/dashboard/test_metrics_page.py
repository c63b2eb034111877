"""Every metric has a panel: groups, filter, what is made and drawn of hundreds of them."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.runs.events import Scalars
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import RunDir
from presets import UserError
from support.recorded import record
from support.seen import text, until, until_shown
from tui.app import BigModelApp
from tui.panels.curves import CurvesPanel
from tui.panels.panel import Panel
from tui.screens.dashboard.pages import _metric_groups as metric_groups
from tui.screens.dashboard.pages._metric_groups import Group, Window

BAD = "[/foo][b]x\x1b]52;c;x\x07\x9b31m\u202e"


def test_metrics_are_grouped_by_prefix_the_well_known_first() -> None:
    names = ["zeta/b", "lr", "val/loss", "alpha/x", "train/loss", "test/loss", "clip/a/b"]
    assert metric_groups.grouped(names) == [
        Group("train/", ("train/loss",)),
        Group("val/", ("val/loss",)),
        Group("test/", ("test/loss",)),
        Group("", ("lr",)),
        Group("alpha/", ("alpha/x",)),
        Group("clip/", ("clip/a/b",)),
        Group("zeta/", ("zeta/b",)),
    ]


def test_numbers_in_names_are_sorted_as_numbers() -> None:
    (group,) = metric_groups.grouped(
        ["l/layer10", "l/layer9", "l/layer", "l/layer1b", f"l/{'9' * 5000}"]
    )
    assert group.names[-4:] == ("l/layer", "l/layer1b", "l/layer9", "l/layer10")


def test_a_filter_finds_anywhere_and_minds_capitals_only_if_it_has_some() -> None:
    names = ["val/Loss", "train/loss", "lr"]

    def found(expression: str) -> list[str]:
        wanted = metric_groups.pattern(expression)
        return [name for group in metric_groups.grouped(names, wanted) for name in group.names]

    assert found("loss") == ["train/loss", "val/Loss"]
    assert found("Loss") == ["val/Loss"]
    assert found("^l") == ["lr"]
    assert found("") == ["train/loss", "val/Loss", "lr"]
    assert found("nothing") == []


@pytest.mark.parametrize("expression", ["(", "[a", "a**", "(?P<n", "\\"])
def test_a_wrong_expression_is_said_in_a_line(expression: str) -> None:
    with pytest.raises(UserError, match=r"^not a regular expression: .+") as caught:
        metric_groups.pattern(expression)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=30))
def test_whatever_is_typed_is_an_expression_or_a_line(typed: str) -> None:
    try:
        wanted = metric_groups.pattern(typed)
    except UserError as error:
        said = str(error)
    else:
        said = "not a regular expression" * isinstance(wanted, re.Pattern)
    assert said.startswith("not a regular expression")


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=12),
    st.integers(2, 4),
    st.integers(12, 60),
    st.data(),
)
def test_the_window_shows_the_selected_row_and_fits(
    sizes: list[int], columns: int, height: int, data: st.DataObject
) -> None:
    found = [Group(f"{g}/", tuple(f"{g}/{i}" for i in range(size))) for g, size in enumerate(sizes)]
    rows = metric_groups.rows(found, columns)
    assert [name for row in rows for name in row.names] == [n for g in found for n in g.names]
    first = data.draw(st.integers(0, len(rows) + 3))
    selected = data.draw(st.integers(0, len(rows) - 1))
    window = metric_groups.window(rows, first, selected, height, 10)
    assert window.first <= selected < window.end <= len(rows)
    named = sum(
        metric_groups.begins_group(rows, row, window) for row in range(window.first, window.end)
    )
    assert (window.end - window.first) * window.lines + named <= height
    assert (
        metric_groups.window(rows, window.first, selected, height, 10) == window
    )  # it stays there


def test_no_metric_no_row() -> None:
    assert metric_groups.window([], 3, 0, 40, 10) == Window(0, 0, 9)


# The page.


def logged(name: str, metrics: list[str], *, seed: int = 0) -> RunDir:
    run = record(Path("runs"), name, seed=seed)
    log = LogWriter(run.events_path)
    log.append(Scalars(step=[6], seconds=[1], values={metric: [0.25] for metric in metrics}))
    log.close()
    return run


MANY = [f"{group}/metric{index}" for group in ("probe", "layer") for index in range(100)]


def running(*runs: RunDir, size: tuple[int, int] = (160, 48)):
    app = BigModelApp(root=Path("runs"), runs=list(runs))
    return app, app.run_test(size=size, notifications=True)


def shown(app: BigModelApp) -> list[str]:
    """The metrics whose panels are on the screen, in reading order."""
    panels = [p for p in app.screen.query("#metrics-page CurvesPanel") if p.display]
    ordered = sorted(panels, key=lambda panel: (panel.region.y, panel.region.x))
    return [panel._heading for panel in ordered]  # type: ignore[attr-defined]


def focused(app: BigModelApp) -> str:
    return getattr(app.screen.focused, "_heading", "")


async def opened(pilot, words: str = "Metrics  ") -> None:
    await until_shown(pilot, "100%")
    await pilot.press("4")
    await until_shown(pilot, words)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
async def test_every_metric_has_a_panel(terminal_environment: None, size) -> None:
    app, test = running(logged("r", ["probe/a", "odd"]), size=size)
    async with test as pilot:
        await opened(pilot, "Metrics  12 of 12")
        seen = []
        for _ in range(12):
            await until(pilot, lambda: focused(app) in shown(app))
            assert focused(app) not in seen
            seen.append(focused(app))
            await pilot.press("tab")
        assert seen == [
            *("train/accuracy", "train/loss", "val/accuracy", "val/loss"),
            *("test/accuracy", "test/loss"),
            *("clipped", "grad_norm", "lr", "odd", "samples_per_second", "probe/a"),
        ]
        await until(pilot, lambda: focused(app) == "train/accuracy")  # round the end
        await pilot.press("shift+tab")
        await until(pilot, lambda: focused(app) == "probe/a")
        await until_shown(pilot, "probe/  1")


async def test_of_many_metrics_only_those_in_sight_are_made_and_drawn(
    terminal_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: set[str] = set()
    draw = CurvesPanel.body

    def body(self: CurvesPanel, view, width: int, height: int):
        drawn.add(self._heading)
        return draw(self, view, width, height)

    monkeypatch.setattr(CurvesPanel, "body", body)
    app, test = running(logged("r", MANY))
    async with test as pilot:
        await opened(pilot, "Metrics  210 of 210")
        await until(pilot, lambda: len(shown(app)) > 6)
        made = len(app.screen.query("#metrics-page CurvesPanel"))
        assert made <= 12
        await until(pilot, lambda: set(shown(app)) <= drawn)
        assert len(drawn & {*MANY}) <= 12
        await pilot.press("end")
        await until(pilot, lambda: focused(app) == "probe/metric99")
        assert "probe/metric99" in shown(app)
        assert "probe/metric0" not in drawn
        assert len(app.screen.query("#metrics-page CurvesPanel")) <= made + 12
        await pilot.press("pageup", "up", "down", "pagedown")
        await until(pilot, lambda: focused(app) == "probe/metric99")
        await pilot.press("home")
        await until(pilot, lambda: focused(app) == "train/accuracy")


async def test_a_filter_while_typing_and_esc(terminal_environment: None) -> None:
    app, test = running(logged("r", MANY), size=(80, 24))
    async with test as pilot:
        await opened(pilot)
        await pilot.press("slash")
        await until_shown(pilot, "a regular expression")
        await pilot.press(*"metric9[12]")
        await until_shown(pilot, "4 of 210 match /metric9[12]/")
        await until(pilot, lambda: shown(app)[0] == "layer/metric91")
        await pilot.press(*"(")
        await until_shown(pilot, "not a regular expression: missing )")
        assert shown(app)[0] == "layer/metric91"  # the last good one
        await pilot.press("backspace", "enter")
        await until(pilot, lambda: focused(app) == "layer/metric91")
        assert "4 of 210 match" in text(app)
        await pilot.press("escape")
        await until_shown(pilot, "Metrics  210 of 210")
        await until(pilot, lambda: focused(app) in shown(app))
        # Esc while typing brings back what was before.
        await pilot.press("slash", *"zzz")
        await until_shown(pilot, "0 of 210 match /zzz/")
        await pilot.press("escape")
        await until_shown(pilot, "Metrics  210 of 210")
        await until(pilot, lambda: focused(app) in shown(app))


async def test_the_maximized_metric_is_the_selected_one(terminal_environment: None) -> None:
    app, test = running(logged("r", MANY))
    async with test as pilot:
        await opened(pilot)
        await until(pilot, lambda: focused(app) == "train/accuracy")
        await pilot.press("m")
        await until(pilot, lambda: app.screen.maximized is not None)
        await pilot.press("tab")
        await until(pilot, lambda: app.screen.maximized._heading == "train/loss")
        await pilot.press("end")
        await until(pilot, lambda: app.screen.maximized._heading == "probe/metric99")
        await until_shown(pilot, "probe/metric99  ─── 0.25")
        await pilot.press("escape")
        await until_shown(pilot, "Metrics  210 of 210")
        await until(pilot, lambda: focused(app) == "probe/metric99" in shown(app))


async def test_metrics_of_several_runs_come_together_as_they_appear(
    terminal_environment: None,
) -> None:
    first, second = logged("r1", ["one/a"]), logged("r2", ["two/b"], seed=1)
    app, test = running(first, second)
    async with test as pilot:
        await opened(pilot, "Metrics  12 of 12")
        await pilot.press("end")
        await until(pilot, lambda: {"one/a", "two/b"} <= set(shown(app)))
        log = LogWriter(first.events_path)
        log.append(Scalars(step=[6], seconds=[1], values={"zzz/new": [1.0]}))
        log.close()
        await until_shown(pilot, "Metrics  13 of 13")
        assert focused(app) == "two/b"  # what was selected stays so


async def test_a_page_of_nothing_says_so_and_takes_keys(terminal_environment: None) -> None:
    run = RunDir(Path("runs") / "empty")
    run.path.mkdir(parents=True)
    run.events_path.touch()
    _, test = running(run)
    async with test as pilot:
        await until_shown(pilot, "[1 Curves]")
        await pilot.press("4")
        await until_shown(pilot, "none was recorded yet")
        await pilot.press("tab", "down", "pagedown", "end", "slash", "a", "escape", "1")
        await until_shown(pilot, "[1 Curves]")


async def test_hostile_names_are_shown_and_never_obeyed(terminal_environment: None) -> None:
    app, test = running(logged("r", [f"{BAD}/{BAD}", BAD]))
    async with test as pilot:
        await opened(pilot, "12 of 12")
        await pilot.press("end")
        await until(pilot, lambda: "[/foo][b]x" in text(app))
        await pilot.press("A")
        await until_shown(pilot, "[ ] [/foo][b]x")
        for panel in app.screen_stack[-2].query(Panel):
            assert all(strip.text.isprintable() for strip in panel._strips)
        assert not set("\x1b\x07\x9b\u202e") & set(text(app))


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
def test_picture(terminal_environment: None, snap_compare, size: tuple[int, int]) -> None:
    async def settled(pilot) -> None:
        await opened(pilot, "Metrics  13 of 13")
        await until(pilot, lambda: focused(pilot.app) in shown(pilot.app))
        await until(pilot, lambda: not pilot.app.screen.stale)
        await pilot.pause()

    app, _ = running(logged("r", ["probe/a", "probe/b", "odd"]))
    assert snap_compare(app, terminal_size=size, run_before=settled)
