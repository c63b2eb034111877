"""The page of a run: what differs from its presets, its history, its log, and searching them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import configure
from engine.runs.events import CheckpointSaved, CommandAnswered, LogLine
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import RunDir
from presets.schema import plain
from support.recorded import FIXTURES, record
from support.seen import text, until, until_shown
from tui.app import BigModelApp
from tui.choices.preset_differences import Compared, Setting, compare
from tui.commands import find_runs
from tui.panels import find_in_lines
from tui.panels.lines import LinesPanel
from tui.panels.panel import Panel
from tui.runs import text_tail

BAD = "[/foo][b]x\x1b]52;c;x\x07\x9b31m\u202e"


# What differs.


def changed(compared: Compared) -> dict[str, tuple[str, str | None]]:
    return {s.key: (s.value, s.usual) for s in compared.settings if s.usual is not None}


def test_a_run_as_its_recipe_says_differs_nowhere() -> None:
    for recipe in ("quickstart", "bible-gpt", "fashion-cnn"):
        compared = compare(plain(configure.resolve(recipe=recipe)))
        assert compared.recipe == recipe
        assert changed(compared) == {}


def test_what_was_set_differs_and_comes_first() -> None:
    settings = {"optimizer.lr": 0.003, "steps": 50, "clip.mode": "none", "model.dropout": 0.25}
    compared = compare(plain(configure.resolve(settings=settings)))
    assert compared.recipe == "quickstart"
    assert changed(compared) == {
        "model.dropout": ("0.25", "0.5"),
        "optimizer.lr": ("0.003", "0.001"),
        "epochs": ("none", "10"),
        "steps": ("50", "none"),
        "clip.mode": ("none", "norm"),
    }
    assert compared.changed == 5
    assert [s.key for s in compared.settings[:5]] == list(changed(compared))


def test_the_recipe_is_the_one_from_which_least_differs() -> None:
    config = plain(configure.resolve(recipe="bible-gpt", settings={"steps": 150}))
    compared = compare(config)
    assert compared.recipe == "bible-gpt"
    assert changed(compared) == {"steps": ("150", "1200")}


def test_another_optimizer_brings_its_own_preset() -> None:
    compared = compare(plain(configure.resolve(optimizer="sgd", settings={"optimizer.lr": 0.5})))
    assert changed(compared) == {"optimizer.lr": ("0.5", "0.1")}


def test_what_a_command_changed_shows_what_it_was() -> None:
    begun = plain(configure.resolve())
    now = begun | {"optimizer": begun["optimizer"] | {"lr": 0.01}}
    (setting,) = [s for s in compare(now, begun).settings if s.first is not None]
    assert setting == Setting("optimizer.lr", "0.01", "0.001", "0.001")


def test_what_no_preset_knows_is_compared_with_nothing() -> None:
    for config in ({"model": "text", "lr": 0.5}, {"model": {"name": "gone"}}, {}):
        compared = compare(config)
        assert compared.recipe == ""
        assert changed(compared) == {}
        assert len(compared.settings) == len(config)


# Searching.


def test_small_letters_find_capitals_and_capitals_only_themselves() -> None:
    assert find_in_lines.spans("Loss of loss", "loss") == [(0, 4), (8, 12)]
    assert find_in_lines.spans("Loss of loss", "Loss") == [(0, 4)]
    assert find_in_lines.spans("aaaa", "aa") == [(0, 2), (2, 4)]
    assert find_in_lines.spans("anything", "") == []


@given(st.text(max_size=40), st.text(min_size=1, max_size=3))
def test_every_span_has_the_words(line: str, words: str) -> None:
    for begin, end in find_in_lines.spans(line, words):
        assert line[begin:end].lower() == words.lower()


def test_hits_go_round_and_are_counted() -> None:
    found = find_in_lines.found(["a", "b", "ab", "c"], "a")
    assert found == [0, 2]
    assert [find_in_lines.next_hit(found, at, 1) for at in (None, 0, 1, 2)] == [0, 2, 2, 0]
    assert [find_in_lines.next_hit(found, at, -1) for at in (None, 0, 1, 2)] == [2, 2, 0, 0]
    assert find_in_lines.next_hit([], 0, 1) is None
    assert [find_in_lines.nearest(found, at) for at in (0, 1, 3)] == [0, 2, 2]
    assert find_in_lines.nearest([], 0) is None
    assert find_in_lines.counted(found, 2) == "2 of 2"
    assert find_in_lines.counted(found, None) == "2 lines"
    assert find_in_lines.counted([5], None) == "1 line"
    assert find_in_lines.counted([], None) == "nothing found"


# The end of a file.


def test_the_end_of_a_file_is_read_and_cleaned(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    assert text_tail.read(path).problem == "there is none yet"
    path.write_bytes(b"first\n 10%\r 20%\r\nevil \x1b]0;x\x07\xff\nno end")
    found = text_tail.read(path)
    assert found.lines[:2] == ("first", " 20%")
    assert found.lines[2].isprintable()
    assert found.lines[3] == "no end"
    assert not found.cut
    assert text_tail.read(path, found) is found
    with path.open("a") as file:
        file.write(" yet\n")
    assert text_tail.read(path, found).lines[-1] == "no end yet"


def test_a_large_file_is_read_at_its_end_only(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    path.write_text("".join(f"line {number}\n" for number in range(200_000)))
    found = text_tail.read(path)
    assert found.cut
    assert found.lines[-1] == "line 199999"
    assert len(found.lines) == text_tail.MAX_LINES
    path.write_bytes(b"x" * (3 * text_tail.MAX_BYTES))  # one line without an end
    assert text_tail.read(path).lines == ()
    path.write_bytes(b"x\n" * 10)
    assert not text_tail.read(path).cut


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "engine.log")
    assert text_tail.read(tmp_path / "engine.log").problem.startswith("cannot be read")


# The page.


def told(name: str = "r", lines: int = 60, status: str | None = "done") -> RunDir:
    run = record(Path("runs"), name, status=status)
    log = LogWriter(run.events_path)
    for number in range(lines):
        log.append(LogLine(level="info", message=f"line {number} of {'odd' * (number % 2)}"))
    log.append(
        CommandAnswered(
            id="1", command="set", arguments={"lr": 0.5}, outcome="applied", step=4, reason=""
        )
    )
    log.append(CheckpointSaved(name="step-6", step=6, reason="request", bytes=1, finite=True))
    log.close()
    run.engine_log_path.write_text("".join(f"printed {number}\n" for number in range(300)))
    return run


def running(run: RunDir, size: tuple[int, int] = (160, 48)):
    app = BigModelApp(root=Path("runs"), runs=[run])
    return app, app.run_test(size=size, notifications=True)


def lines_of(app: BigModelApp, panel: str) -> list[str]:
    strips = app.screen.query_one(f"#{panel}", Panel)._strips[1:]
    return [line for strip in strips if (line := strip.text.strip())]


def title_of(app: BigModelApp, panel: str) -> str:
    return app.screen.query_one(f"#{panel}", Panel)._strips[0].text


async def opened(pilot) -> None:
    await until_shown(pilot, "100%")
    await pilot.press("6")
    await until_shown(pilot, "printed 299")


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
async def test_configuration_history_log_and_output(terminal_environment: None, size) -> None:
    app, test = running(told(), size)
    async with test as pilot:
        await opened(pilot)
        assert "[6 Run]" in text(app)
        assert lines_of(app, "configuration")[0].startswith("*optimizer.lr")
        assert "0.5  preset 0.001" in text(app)
        assert "set lr=0.5 applied at step 4" in "\n".join(lines_of(app, "history"))
        assert "line 59" not in "\n".join(lines_of(app, "history"))
        assert "checkpoint step-6 (request" in lines_of(app, "log-lines")[-1]
        assert lines_of(app, "output")[-1] == "printed 299"
        assert "engine.log" in title_of(app, "output")


async def test_lines_are_scrolled_and_follow_again_at_the_end(terminal_environment: None) -> None:
    run = told(status=None)
    app = BigModelApp(root=Path("runs"), runs=[run])
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "after step 6")
        await pilot.press("6", "tab", "tab", "tab")
        await until(pilot, lambda: app.screen.focused.id == "output")
        await until(pilot, lambda: lines_of(app, "output")[-1:] == ["printed 299"])
        await pilot.press("home")
        assert lines_of(app, "output")[0] == "printed 0"
        await pilot.press("down", "j")
        assert lines_of(app, "output")[0] == "printed 2"
        await pilot.press("k")
        assert lines_of(app, "output")[0] == "printed 1"
        page = len(lines_of(app, "output"))
        await pilot.press("pagedown")
        assert lines_of(app, "output")[0] == f"printed {page}"
        with run.engine_log_path.open("a") as file:
            file.write("new\n")
        await until(pilot, lambda: app.screen.query_one("#output")._texts[-1].plain == " new")
        assert lines_of(app, "output")[0] == f"printed {page}"  # who reads is not disturbed
        await pilot.press("end")
        assert lines_of(app, "output")[-1] == "new"
        with run.engine_log_path.open("a") as file:
            file.write("newer\n")
        await until(pilot, lambda: lines_of(app, "output")[-1] == "newer")


async def test_a_search_marks_counts_and_goes_from_hit_to_hit(terminal_environment: None) -> None:
    app, test = running(told(), (80, 24))
    async with test as pilot:
        await opened(pilot)
        await pilot.press("tab", "tab", "tab", "slash")
        await until_shown(pilot, "Search:")
        await pilot.press(*"printed 10")
        await until(pilot, lambda: "/printed 10/" in title_of(app, "output"))
        await until(pilot, lambda: "11 of 11" in title_of(app, "output"))  # the nearest
        assert "printed 109" in lines_of(app, "output")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.focused.id == "output")
        panel = app.screen.query_one("#output", LinesPanel)
        marked = [s.text for strip in panel._strips for s in strip if s.style and s.style.reverse]
        assert marked
        assert set(marked) == {"printed 10"}
        await pilot.press("enter")
        assert "1 of 11" in title_of(app, "output")
        assert "printed 10" in lines_of(app, "output")
        await pilot.press("enter", "enter", "backspace")
        assert "2 of 11" in title_of(app, "output")
        await pilot.press("escape")
        assert "engine.log" in title_of(app, "output")
        await pilot.press("slash", *"nothing such", "enter")
        await until(pilot, lambda: "nothing found" in title_of(app, "output"))
        await pilot.press("enter", "backspace")
        await pilot.press("slash", *"x", "escape")  # what was typed is taken back
        await until(pilot, lambda: "/nothing such/" in title_of(app, "output"))


async def test_a_hit_beyond_the_edge_is_brought_into_sight(terminal_environment: None) -> None:
    run = told()
    run.engine_log_path.write_text("y" * 300 + "needle\nprinted 299\n")
    app, test = running(run, (80, 24))
    async with test as pilot:
        await opened(pilot)
        await pilot.press("tab", "tab", "tab", "slash", *"needle")
        await until(pilot, lambda: "needle" in lines_of(app, "output")[0])


async def test_the_log_of_the_first_page_is_searched_too(terminal_environment: None) -> None:
    app, test = running(told())
    async with test as pilot:
        await until_shown(pilot, "100%")
        app.screen.set_focus(app.screen.query_one("#log"))
        await pilot.press("slash", *"LINE", "enter")
        await until(pilot, lambda: "nothing found" in title_of(app, "log"))
        await pilot.press("slash", *("backspace",) * 4, *"line 7", "enter")
        await until(pilot, lambda: "1 of 1" in title_of(app, "log"))


async def test_another_run_brings_its_own_lines(terminal_environment: None) -> None:
    first, second = told("r1"), told("r2")
    second.engine_log_path.write_text("another tale\n")
    app = BigModelApp(root=Path("runs"), runs=[first, second])
    async with app.run_test(size=(160, 48)) as pilot:
        await opened(pilot)
        await pilot.press("right_square_bracket")
        await until_shown(pilot, "another tale")
        await pilot.press("left_square_bracket")
        await until_shown(pilot, "printed 299")


async def test_the_log_of_another_program_has_no_output(terminal_environment: None) -> None:
    folder = FIXTURES / "foreign"
    logs = find_runs.find_all(
        Path("runs"), [str(folder / "tensorboard"), str(folder / "keras.csv")]
    )
    for log in logs:
        app = BigModelApp(root=Path("runs"), runs=[log])
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("6")
            await until_shown(pilot, "this log has no output")
            assert lines_of(app, "output") == ["this log has no output"]
            assert log.path.name not in title_of(app, "output")


async def test_hostile_words_are_shown_and_never_obeyed(terminal_environment: None) -> None:
    run = told()
    log = LogWriter(run.events_path)
    log.append(
        CommandAnswered(id="x", command=BAD, arguments={BAD: BAD}, outcome="applied", step=1)
    )
    log.append(LogLine(level="error", message=BAD))
    log.close()
    run.engine_log_path.write_text(f"{BAD}\nprinted 299\n")
    app, test = running(run)
    async with test as pilot:
        await opened(pilot)
        await pilot.press("slash", "x", "enter")
        await until_shown(pilot, "[/foo][b]x")
        for panel in app.screen.query(Panel):
            assert all(strip.text.isprintable() for strip in panel._strips)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
def test_picture(
    recorded: Callable[..., list[RunDir]], snap_compare, size: tuple[int, int], tmp_path: Path
) -> None:
    (run,) = recorded("adam")
    run.engine_log_path.write_text("cpu, 1 CPU thread\nprinted 299\n")

    async def settled(pilot) -> None:
        await opened(pilot)
        await pilot.press("tab", "tab", "slash", *"loss", "enter")
        await until(pilot, lambda: " of " in title_of(pilot.app, "log-lines"))
        await until(pilot, lambda: not pilot.app.screen.stale)
        assert str(tmp_path) not in text(pilot.app)  # it has another name each time
        await pilot.pause()

    app, _ = running(run)
    assert snap_compare(app, terminal_size=size, run_before=settled)
