"""Columns are as wide as the terminal draws them: wide characters take two cells, accents none."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from support.recorded import record
from support.seen import until
from tui import cli
from tui.app import BigModelApp
from tui.panels.panel import Panel
from tui.panels.run_table import RunTable
from tui.plots.picture import Picture
from tui.races import standings_table
from tui.text import cells, column, cut

WIDE = "实验一 学习率"
TEXTS = st.text(st.sampled_from("ab 实验一学习率ｆ\u0301é🙂…"), max_size=40)


@given(TEXTS, st.integers(0, 30), st.booleans(), st.booleans())
def test_a_column_has_its_width(text: str, width: int, right: bool, keep_end: bool) -> None:
    assert cells(column(text, width, right=right, keep_end=keep_end)) == width
    assert cells(cut(text, width, keep_end=keep_end)) <= width
    if cells(text) <= width:
        assert column(text, width, right=right).strip() == text.strip()


@given(st.lists(st.tuples(st.integers(0, 11), TEXTS), max_size=5))
def test_a_picture_keeps_its_width_whatever_is_written_on_it(writes: list) -> None:
    picture = Picture.blank(12, 1)
    for place, text in writes:
        picture.write(0, place, text, "")
    assert cell_len(picture.text(0)) == 12
    (line,) = picture.lines()
    assert sum(segment.cell_length for segment in line) == 12


@pytest.fixture
def named(terminal_environment: None) -> Path:
    root = Path("runs")
    for run, name in (("a", WIDE), ("b", "plain"), ("c", "e\u0301" * 9), ("d", WIDE * 5)):
        record(root, run, name=name)
    return root


def test_the_columns_of_ls_begin_in_the_same_cell(named: Path) -> None:
    lines = CliRunner().invoke(cli.cli, ["ls", "--runs-dir", str(named)]).stdout.splitlines()
    at = [cells(line[: line.index("0.001")]) for line in lines[1:]]
    assert len(at) == 4
    assert len(set(at)) == 1
    assert cells(lines[0][: lines[0].index("lr")]) == at[0]


async def test_the_columns_of_both_lists_of_runs_begin_in_the_same_cell(named: Path) -> None:
    runs = [record(named, f"r{index}", name=name) for index, name in enumerate((WIDE * 4, "x"))]
    app = BigModelApp(root=named, runs=runs)
    async with app.run_test(size=(110, 34)) as pilot:
        panel = app.screen.query_one("#runs", Panel)

        def rows() -> list[str]:
            return [strip.text for strip in panel._strips[2:4]]

        await until(pilot, lambda: [row for row in rows() if "0.857" in row] == rows() != [])
        assert len({cells(row[: row.index("0.857")]) for row in rows()}) == 1
        assert {row.count("0.857") for row in rows()} == {3}
        app.open_runs()
        await until(pilot, lambda: app.screen.query(RunTable))
        table = app.screen.query_one(RunTable)
        await until(pilot, lambda: len(table._rows) == 6)
        found = [table.render_line(line).text for line in range(1, 7)]
        assert len({cells(row[: row.index("done")]) for row in found}) == 1


async def test_figures_that_are_per_cents_stay_apart(terminal_environment: None) -> None:
    Path("log.csv").write_text("step,val/accuracy\n1,87.5\n2,87.8\n")
    from tui.runs.foreign.sniff import open_source

    app = BigModelApp(root=Path("runs"), runs=open_source(Path("log.csv")))
    async with app.run_test(size=(110, 30)) as pilot:
        panel = app.screen.query_one("#runs", Panel)
        await until(pilot, lambda: any("87.8" in strip.text for strip in panel._strips))
        assert [s.text.split()[-3:-1] for s in panel._strips if "87.8" in s.text] == [
            ["87.80", "87.80"]
        ]


def test_the_table_of_a_race_counts_cells() -> None:
    lines = standings_table.text(["", "lane", "best"], [["1", WIDE, "0.9"], ["2", "adam", "0.8"]])
    assert len({cells(line) for line in lines[1:]}) == 1
