"""Panels that a person chooses and arranges: where they go, what is kept, and the screen for it."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.runs.events import Scalars
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import RunDir
from support.recorded import record
from support.seen import text, until, until_shown
from tui.app import BigModelApp
from tui.choices.kept import small_files
from tui.panels import chosen_panels
from tui.panels.chosen_panels import NARROW, SPANS, WIDE, Layout, Placed
from tui.panels.known import PANELS, known
from tui.panels.panel import Panel
from tui.panels.panel_grid import COLUMNS, GUTTER, Box, Cell, flow
from tui.screens.dashboard.arrange import ArrangeScreen
from tui.screens.dashboard.pages.curves import SUBJECT
from tui.screens.dashboard.screen import DashboardScreen

cells = st.lists(
    st.builds(Cell, st.sampled_from(SPANS), st.sampled_from([0, 0, 1, 11])), max_size=9
)


@given(cells, st.integers(72, 300), st.integers(5, 80), st.booleans())
def test_boxes_are_in_order_and_never_overlap(
    asked: list[Cell], width: int, height: int, stretch: bool
) -> None:
    boxes = flow(asked, width, height, stretch=stretch)
    assert len(boxes) == len(asked)
    taken: set[tuple[int, int]] = set()
    for box in boxes:
        assert box.x >= 0
        assert box.x + box.width <= width
        assert box.width > 0
        assert box.height > 0
        places = {
            (x, y) for x in range(box.x, box.x + box.width) for y in (box.y, box.y + box.height - 1)
        }
        assert not taken & places
        taken |= places
    assert [(box.y, box.x) for box in boxes] == sorted((box.y, box.x) for box in boxes)
    if stretch:
        for y in {box.y for box in boxes}:
            row = [box for box in boxes if box.y == y]
            assert sum(box.width + GUTTER for box in row) == width + GUTTER


@given(cells, st.integers(72, 300), st.integers(5, 80))
def test_shares_take_exactly_what_the_others_leave(
    asked: list[Cell], width: int, height: int
) -> None:
    boxes = flow(asked, width, height)
    bottom = max((box.y + box.height for box in boxes), default=0)
    rows = {box.y: box.height for box in boxes}
    shares = [box.height for box, cell in zip(boxes, asked, strict=True) if not cell.lines]
    assert bottom == sum(rows.values())
    if shares and min(shares) > 5:  # no row was kept at the least that a plot needs
        assert bottom == height
        assert max(shares) - min(shares) <= 1


def test_the_usual_page_is_three_rows_on_a_wide_terminal() -> None:
    lines = {"runs": 11, "settings": 11, "log": 11}
    boxes = flow([Cell(p.span, lines.get(p.panel, 0)) for p in WIDE], 160, 44)
    assert [(box.x, box.width) for box in boxes[:2]] == [(0, 79), (80, 80)]
    assert {(box.y, box.height) for box in boxes} == {(0, 16), (16, 17), (33, 11)}
    assert boxes[2] == Box(0, 16, 79, 17)


def test_what_is_too_much_goes_on_below() -> None:
    boxes = flow([Cell(COLUMNS)] * 9, 80, 20)
    assert [box.height for box in boxes] == [5] * 9


def names(listing: chosen_panels.Listing) -> list[str]:
    return [placed.panel for placed in listing.arrangement]


FIRST = {"a": 6, "b": 6, "c": 3, "d": 12}


def test_a_panel_is_hidden_where_it_stands_and_comes_back_there() -> None:
    listing = chosen_panels.listing((Placed("b"), Placed("a"), Placed("c", 4)), FIRST)
    assert listing.order == ("b", "a", "c", "d")
    hidden = listing.toggled("a")
    assert names(hidden) == ["b", "c"]
    assert hidden.order == listing.order
    assert hidden.toggled("a") == listing


def test_a_panel_that_was_never_shown_becomes_the_last_one() -> None:
    listing = chosen_panels.listing((Placed("b"),), FIRST).toggled("d")
    assert listing.arrangement == (Placed("b", 6), Placed("d", 12))
    assert listing.order == ("b", "d", "a", "c")


def test_the_last_panel_of_all_stays() -> None:
    listing = chosen_panels.listing((Placed("b"),), FIRST)
    assert listing.toggled("b") == listing


def test_no_more_panels_than_can_be_kept() -> None:
    many = {f"p{index}": 6 for index in range(chosen_panels.MAX_PANELS + 1)}
    full = tuple(Placed(name) for name in list(many)[:-1])
    listing = chosen_panels.listing(full, many)
    assert listing.toggled(list(many)[-1]) == listing
    kept = Layout(wide=listing.arrangement)
    assert msgspec.json.decode(msgspec.json.encode(kept), type=Layout) == kept


def test_moving_passes_over_hidden_panels_and_stops_at_the_ends() -> None:
    listing = chosen_panels.listing(tuple(Placed(name) for name in "abcd"), FIRST).toggled("b")
    assert names(listing.moved("a", 1)) == ["c", "a", "d"]
    assert names(listing.moved("c", -1)) == ["c", "a", "d"]
    assert names(listing.moved("d", -1).moved("d", -1)) == ["d", "a", "c"]
    assert listing.moved("a", -1) == listing.moved("d", 1) == listing.moved("b", 1) == listing


def test_widths_go_round() -> None:
    listing = chosen_panels.listing((Placed("c", 3),), FIRST)
    seen = []
    for _ in range(len(SPANS) + 1):
        seen.append(listing.spans["c"])
        listing = listing.widened("c")
    assert seen == [*SPANS, SPANS[0]]
    assert listing.widened("a") == listing  # hidden


def test_an_arrangement_is_of_one_kind_of_terminal() -> None:
    mine = (Placed("log"),)
    changed = chosen_panels.with_arrangement(Layout(), mine, narrow=True)
    assert chosen_panels.arrangement(changed, narrow=True) == mine
    assert chosen_panels.arrangement(changed, narrow=False) == WIDE
    assert chosen_panels.arrangement(
        chosen_panels.with_arrangement(changed, None, narrow=True), narrow=True
    ) == (NARROW)


def test_a_panel_twice_is_shown_once() -> None:
    twice = Layout(wide=(Placed("log", 3), Placed("loss"), Placed("log", 12)))
    assert chosen_panels.arrangement(twice, narrow=False) == (Placed("log", 3), Placed("loss"))


def test_the_usual_panels_are_known() -> None:
    assert {placed.panel for placed in (*WIDE, *NARROW)} <= PANELS.keys()
    assert known("no such panel") is None
    assert known("metric:any/thing").title == "any/thing"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "damage", ["[1, 2]", '{"wide": [{"panel": "loss", "span": 99}]}', '{"wide": 3}', "\x00"]
)
def test_a_damaged_layout_is_none(damage: str) -> None:
    path = small_files.path_of(SUBJECT)
    path.parent.mkdir(parents=True)
    path.write_text(damage)
    assert small_files.load(SUBJECT, Layout) == Layout()


# The screen.


def app_of(*runs: RunDir) -> BigModelApp:
    return BigModelApp(root=Path("runs"), runs=list(runs))


def with_metrics(name: str, *metrics: str, status: str | None = "done") -> RunDir:
    run = record(Path("runs"), name, status=status)
    log = LogWriter(run.events_path)
    log.append(Scalars(step=[6], seconds=[1], values={name: [1.0] for name in metrics}))
    log.close()
    return run


def shown(app: BigModelApp) -> list[str]:
    """The titles of the panels on the first page, in reading order."""
    panels = [panel for panel in app.screen.query("#panels Panel") if panel.display]
    assert all(isinstance(panel, Panel) for panel in panels)
    ordered = sorted(panels, key=lambda panel: (panel.region.y, panel.region.x))
    return [panel.title(panel._view) for panel in ordered if panel._strips]


USUAL = [
    "Loss",
    "Accuracy",
    "Gradient norm",
    "Learning rate",
    "Samples per second",
    "Runs",
    "Configuration",
    "Log",
]


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
async def test_panels_are_arranged_kept_and_found_again(
    terminal_environment: None, size: tuple[int, int]
) -> None:
    run = with_metrics("r", "probe/a")
    usual = USUAL if size[0] > 120 else [name for name in USUAL if name[:2] not in ("Le", "Sa")]
    app = app_of(run)
    async with app.run_test(size=size) as pilot:
        await until_shown(pilot, "100%")
        assert shown(app) == usual
        await pilot.press("A")
        await until(pilot, lambda: isinstance(app.screen, ArrangeScreen))
        await until_shown(pilot, "[x] Loss")
        await pilot.press("space", "down", "J", "w")  # accuracy behind the gradients, wider
        await pilot.press("slash", *"probe", "enter", "space", "K", "escape")
        await until_shown(pilot, "[x] Accuracy")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        wanted = ["Gradient norm", "Accuracy", *usual[3:-1], "probe/a", "Log"]
        await until(pilot, lambda: shown(app) == wanted)
        assert "Loss" not in text(app)
    again = app_of(run)
    async with again.run_test(size=size) as pilot:
        await until_shown(pilot, "100%")
        await until(pilot, lambda: shown(again) == wanted)
        await pilot.press("A")
        await until_shown(pilot, "[ ] Loss")
        await pilot.press("r")
        await until_shown(pilot, "[x] Loss")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(again.screen, DashboardScreen))
        await until(pilot, lambda: shown(again) == usual)
    assert small_files.load(SUBJECT, Layout) == Layout()


async def test_a_metric_that_no_run_has_takes_no_room_until_it_comes(
    terminal_environment: None,
) -> None:
    mine = (Placed("loss"), Placed("metric:probe/late", 12), Placed("panel of the future"))
    small_files.save(SUBJECT, Layout(wide=mine))
    run = with_metrics("r", "probe/early", status=None)
    app = app_of(run)
    async with app.run_test(size=(160, 48)) as pilot:
        await until_shown(pilot, "after step 6")
        assert shown(app) == ["Loss"]
        assert app.screen.query_one("#loss").size.width == 160
        log = LogWriter(run.events_path)
        log.append(Scalars(step=[7], seconds=[3], values={"probe/late": [0.5]}))
        log.close()
        await until_shown(pilot, "probe/late  ─── 0.5")
        assert shown(app) == ["Loss", "probe/late"]
        await pilot.press("A")
        await until_shown(pilot, "[x] probe/late")
        assert "[ ] probe/early" in text(app)
        assert "future" not in text(app)


async def test_a_layout_of_unknown_panels_alone_is_the_usual_one(
    terminal_environment: None,
) -> None:
    small_files.save(SUBJECT, Layout(wide=(Placed("panel of the future"),)))
    app = app_of(record(Path("runs"), "r"))
    async with app.run_test(size=(160, 48)) as pilot:
        await until_shown(pilot, "100%")
        assert shown(app) == USUAL


async def test_each_kind_of_terminal_has_its_own_arrangement(terminal_environment: None) -> None:
    small_files.save(SUBJECT, Layout(narrow=(Placed("log", 12),)))
    app = app_of(record(Path("runs"), "r"))
    async with app.run_test(size=(160, 48)) as pilot:
        await until_shown(pilot, "100%")
        assert shown(app) == USUAL
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: shown(app) == ["Log"])
        await pilot.resize_terminal(160, 48)
        await until(pilot, lambda: shown(app) == USUAL)


async def test_panels_of_other_pages_work_on_the_first_one(terminal_environment: None) -> None:
    chosen = (Placed("layers"), Placed("distribution"), Placed("samples", 12))
    small_files.save(SUBJECT, Layout(wide=chosen))
    app = app_of(record(Path("runs"), "r"))
    async with app.run_test(size=(160, 48)) as pilot:
        await until_shown(pilot, "no layer probe was recorded")
        await until_shown(pilot, "none were recorded")
        await pilot.press("2", "1")
        await until(pilot, lambda: shown(app) == ["Layers", "Magnitudes", "Samples"])


async def test_more_panels_than_fit_are_scrolled_to(terminal_environment: None) -> None:
    chosen = tuple(Placed(name, 12) for name in ("loss", "accuracy", "gradients", "lr", "speed"))
    small_files.save(SUBJECT, Layout(narrow=chosen))
    app = app_of(record(Path("runs"), "r"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "100%")
        assert "Samples per second" not in text(app)
        await pilot.press("shift+tab")
        await until_shown(pilot, "Samples per second")


async def test_a_click_shows_a_panel(terminal_environment: None) -> None:
    app = app_of(record(Path("runs"), "r"))
    async with app.run_test(size=(160, 48)) as pilot:
        await until_shown(pilot, "100%")
        await pilot.press("A")
        await until_shown(pilot, "[x] Loss")
        await pilot.click("#arrange-list", offset=(6, 0))
        await until_shown(pilot, "[ ] Loss")


async def test_help_on_the_arrange_screen(terminal_environment: None) -> None:
    app = app_of(record(Path("runs"), "r"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "100%")
        await pilot.press("A", "question_mark")
        await until_shown(pilot, "give the panel its next width")


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
def test_picture(
    recorded: Callable[..., list[RunDir]], snap_compare, size: tuple[int, int]
) -> None:
    small_files.save(SUBJECT, Layout(wide=(Placed("log"), Placed("loss", 4), Placed("lr", 12))))

    async def settled(pilot) -> None:
        await until_shown(pilot, "100%")
        await pilot.press("A")
        await until_shown(pilot, "[x] Log")
        await pilot.pause()

    app = app_of(*recorded("adam"))
    assert snap_compare(app, terminal_size=size, run_before=settled)
