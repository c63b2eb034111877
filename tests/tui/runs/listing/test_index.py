"""The list of runs without its screen: rows, the index that keeps them, remarks, trash, labels."""

import shutil
import stat
from pathlib import Path

import pytest

from engine.runs import run_directory
from engine.runs.events import CheckpointSaved, Parent, RunStarted, Scalars, encode
from engine.runs.run_directory import RunDir
from presets import UserError
from support.recorded import record
from tui.runs import meta
from tui.runs.ancestry import inherited
from tui.runs.listing import columns, query, trash
from tui.runs.listing.columns import COLUMNS, sort
from tui.runs.listing.index import Index
from tui.runs.listing.row import Row


def refreshed(index: Index) -> dict[str, Row]:
    for _ in index.refresh():
        pass
    return index.rows


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "runs"
    record(root, "a", steps=4, **{"optimizer.lr": 0.1})
    record(root, "b", steps=8, **{"optimizer.lr": 0.01})
    record(root, "c", steps=6, status=None, started_at=1_700_000_900.0)
    return root


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_rows_sum_up_runs(root: Path, cache: Path) -> None:
    rows = refreshed(Index(root, cache))
    assert {row.label for row in rows.values()} == {
        "adam lr=0.1 steps=4",
        "adam lr=0.01 steps=8",
        "adam lr=0.001 steps=6",
    }
    row = rows["b"]
    assert (row.status, row.step, row.planned_steps, row.progress) == ("done", 8, 8, 1.0)
    assert (row.best, row.best_of, row.device) == (pytest.approx(1 - 1 / 9), "val/accuracy", "cpu")
    assert rows["c"].status == "crashed"
    wanted = query.parse("optimizer=adam optimizer.lr<0.05 val/accuracy>0.8 status=done done")
    assert [row.id for row in rows.values() if wanted.matches(row)] == ["b"]
    assert rows["a"].values("lr") == [0.1]
    assert rows["a"].values("nothing") == []


def test_an_index_is_read_back_and_runs_that_did_not_change_are_not_read_again(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = refreshed(Index(root, cache))
    again = Index(root, cache)
    again.load()
    assert again.rows == first
    assert stat.S_IMODE(again.path.stat().st_mode) == 0o600
    read: list[str] = []
    original = Index._read
    monkeypatch.setattr(
        Index, "_read", lambda self, run, stamp: read.append(run.id) or original(self, run, stamp)
    )
    record(root, "d", steps=2)
    shutil.rmtree(root / "a")
    rows = refreshed(again)
    assert read == ["d"]
    assert sorted(rows) == ["b", "c", "d"]


def test_whatever_changes_in_a_run_is_seen(root: Path, cache: Path) -> None:
    index = Index(root, cache)
    refreshed(index)
    meta.write(RunDir(root / "a"), name="mine", tags=("x", "y"), note="good")
    with RunDir(root / "b").events_path.open("ab") as log:
        log.write(encode(Scalars(step=[9], seconds=[2.0], values={"train/loss": [0.5]})))
    lock = run_directory.Lock(RunDir(root / "c"))
    try:
        rows = refreshed(index)
        assert (rows["a"].label, rows["a"].tags, rows["a"].note) == ("mine", ("x", "y"), "good")
        assert query.parse("tag=y mine good").matches(rows["a"])
        assert rows["b"].step == 9
        assert rows["c"].active
    finally:
        lock.release()
    assert not refreshed(index)["c"].active


@pytest.mark.parametrize("spoil", ["cut", "garbage", "empty", "flip", "gone", "version"])
def test_a_spoiled_index_is_made_anew(root: Path, cache: Path, spoil: str) -> None:
    index = Index(root, cache)
    first = dict(refreshed(index))
    data = index.path.read_bytes()
    flipped = data[:200] + bytes([data[200] ^ 1]) + data[201:]
    spoiled = {"cut": data[:-5], "garbage": b"\xff" * 99, "empty": b"", "flip": flipped}
    spoiled["version"] = data.replace(b"runs 2", b"runs 9", 1)
    if spoil == "gone":
        index.path.unlink()
    else:
        index.path.write_bytes(spoiled[spoil])
    again = Index(root, cache)
    again.load()
    assert again.rows == {}
    assert refreshed(again) == first
    third = Index(root, cache)
    third.load()
    assert third.rows == first


def test_a_cache_that_cannot_be_written_costs_nothing_else(root: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert len(refreshed(Index(root, blocked / "cache"))) == 3


def test_strange_folders_are_passed_over(root: Path, cache: Path) -> None:
    (root / "no run").mkdir()
    (root / "file").write_text("")
    empty = root / "e"
    empty.mkdir()
    (empty / "config.yaml").write_text("{")
    odd = root / b"odd-\xff".decode("utf-8", "surrogateescape")
    shutil.copytree(root / "a", odd)
    rows = refreshed(Index(root, cache))
    assert rows["e"].status == "never started"
    assert rows[odd.name].step == 4
    assert len(rows) == 5
    assert refreshed(Index(root / "nowhere", cache)) == {}


def test_rows_are_sorted_by_any_column(root: Path, cache: Path) -> None:
    rows = list(refreshed(Index(root, cache)).values())
    for column in COLUMNS:
        up = sort(rows, column, descending=False)
        down = sort(rows, column, descending=True)
        assert {row.id for row in up} == {row.id for row in down} == {"a", "b", "c"}
    best = next(column for column in COLUMNS if column.name == "best")
    assert [row.id for row in sort(rows, best, descending=True)] == ["b", "c", "a"]


def test_remarks_are_kept_in_the_run(tmp_path: Path) -> None:
    run = record(tmp_path, "r")
    assert meta.read(run) == meta.Remarks()
    meta.write(run, note="first")
    meta.write(run, tags=("t",))
    assert meta.read(run) == meta.Remarks(note="first", tags=("t",))
    assert stat.S_IMODE(meta.path_of(run).stat().st_mode) == 0o600
    assert [path.name for path in run.path.iterdir() if "tmp" in path.name] == []
    with pytest.raises(UserError, match="name: expected"):
        meta.write(run, name="x" * 81)
    for data in (b"", b"{", b"[]", b'{"tags": 3}', b"\xff", b"[" * 100_000):
        meta.path_of(run).write_bytes(data)
        assert meta.read(run) == meta.Remarks()


def test_the_trash_takes_ended_runs_and_gives_them_back(tmp_path: Path) -> None:
    run = record(tmp_path, "r")
    place = trash.delete(run)
    assert place == tmp_path / ".trash" / "r"
    assert run_directory.list_runs(tmp_path) == []
    record(tmp_path, "r", steps=2)
    with pytest.raises(UserError, match="exists already"):
        trash.restore(place, run)
    second = trash.delete(run)
    assert second != place
    trash.restore(place, run)
    assert [found.id for found in run_directory.list_runs(tmp_path)] == ["r"]


def test_the_trash_refuses_a_run_with_an_engine(tmp_path: Path) -> None:
    run = record(tmp_path, "r", status=None)
    lock = run_directory.Lock(run)
    try:
        with pytest.raises(UserError, match="an engine is at work"):
            trash.delete(run)
    finally:
        lock.release()
    assert run.events_path.is_file()


def fork(root: Path, name: str, parent: Parent) -> RunDir:
    run = RunDir(root / name)
    run.path.mkdir()
    begun = RunStarted(
        config={},
        device="cpu",
        num_parameters=1,
        planned_steps=20,
        steps_per_epoch=2,
        samples={},
        parent=parent,
    )
    steps = Scalars(step=[5, 6], seconds=[0.1, 0.2], values={"train/loss": [7.0, 8.0]})
    run.events_path.write_bytes(encode(begun) + encode(steps))
    return run


def test_a_fork_inherits_values_and_marks_up_to_where_it_begins(tmp_path: Path) -> None:
    parent = record(tmp_path, "p", steps=6)
    with parent.events_path.open("ab") as log:
        for step in (3, 5):
            log.write(
                encode(CheckpointSaved(name="k", step=step, reason="end", bytes=1, finite=True))
            )
    child = fork(tmp_path, "child", Parent(run="p", checkpoint="c", step=4))
    from_parent = inherited(child, Parent(run="p", checkpoint="c", step=4))
    values = from_parent.metrics
    assert [mark.step for mark in from_parent.marks] == [3]
    assert values["train/loss"].steps.tolist() == [1, 2, 3, 4]
    assert values["val/loss"].steps.tolist() == [2, 4]
    both = inherited(RunDir(tmp_path / "g"), Parent(run="child", checkpoint="c", step=5))
    grandchild = both.metrics
    assert [mark.step for mark in both.marks] == [3]
    assert grandchild["train/loss"].steps.tolist() == [1, 2, 3, 4, 5]
    assert grandchild["train/loss"].values[-1] == 7.0


@pytest.mark.parametrize("name", ["gone", "../p", "", ".", "..", "a\0b", "loop"])
def test_a_parent_that_is_not_there_gives_nothing_or_ends(tmp_path: Path, name: str) -> None:
    runs = tmp_path / "runs"
    record(tmp_path, "p")
    runs.mkdir()
    fork(runs, "loop", Parent(run="loop", checkpoint="c", step=5))
    found = inherited(RunDir(runs / "r"), Parent(run=name, checkpoint="c", step=5))
    assert sorted(found.metrics) == (["train/loss"] if name == "loop" else [])


def test_any_setting_and_metric_is_a_column_and_sorts(root: Path, cache: Path) -> None:
    rows = list(refreshed(Index(root, cache)).values())
    shown = columns.chosen(["lr", "best:val/loss", "last:train/loss", "best"], rows)
    assert [column.head for column in shown] == [
        "name",
        "lr",
        "best val/loss",
        "last train/loss",
        "best val/accuracy",
    ]
    up = [row.id for row in sort(rows, shown[1], descending=False)]
    assert up == ["c", "b", "a"]
    assert [shown[3].show(row) for row in rows if row.id == "b"] == ["0.125"]
    for wrong in ("worst:val/loss", "best:", ":"):
        with pytest.raises(UserError, match="columns: expected name, status"):
            columns.chosen([wrong], rows)
