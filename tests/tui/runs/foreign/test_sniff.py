"""Which logs a path has, and what is refused."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from presets import UserError
from support.foreign_runs import LOGS
from support.recorded import record
from tui.commands import find_runs
from tui.runs import loading
from tui.runs.foreign import protobuf, sniff
from tui.runs.foreign.run import ForeignRun


def test_a_folder_with_logs_of_several_kinds_and_runs_of_ours(tmp_path: Path) -> None:
    shutil.copytree(LOGS, tmp_path / "logs")
    record(tmp_path / "logs" / "runs", "ours", steps=2)
    (tmp_path / "logs" / "trainer" / "data.csv").write_text("a,b\n1,2\n")  # nobody's log
    found = sniff.open_source(tmp_path / "logs")
    kinds = [run.kind if isinstance(run, ForeignRun) else "ours" for run in found]
    assert sorted(kinds) == [
        "csv", "csv", "csv", "lightning", "lightning", "ours",
        "tensorboard", "tensorboard", "trainer", "wandb", "wandb-csv", "wandb-csv",
    ]  # fmt: skip
    assert len({run.id for run in found}) == len(found)
    assert [loading.load(run).damaged for run in found] == [0] * len(found)


def test_two_logs_in_one_folder_and_two_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for parent in ("a", "b"):
        shutil.copytree(LOGS / "lightning_logs" / "version_0", tmp_path / parent / "version_0")
    (tmp_path / "a" / "version_0" / "events.out.tfevents.1.x").touch()
    labels = [run.label for run in sniff.open_source(tmp_path / "a")]  # type: ignore[attr-defined]
    assert labels == ["version_0 (TensorBoard log)", "version_0 (Lightning CSV log)"]
    both = [str(tmp_path / parent / "version_0" / "metrics.csv") for parent in "ab"]
    runs = find_runs.find_all(tmp_path, both)
    assert len({run.label for run in runs}) == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda place: place.mkdir(), "neither a run nor a log that can be opened"),
        (lambda place: place.write_bytes(b"\x7fELF\0\0"), "neither a run nor a log"),
        (lambda place: place.write_text("just words\n"), "neither a run nor a log"),
        (lambda place: place.write_bytes(b""), "neither a run nor a log"),
        (os.mkfifo, "cannot be read"),
    ],
)
def test_what_is_no_log_is_refused_in_one_line(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    place = tmp_path / "thing"
    make(place)
    with pytest.raises(UserError, match=message):
        sniff.open_source(place)


def test_too_many_runs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sniff, "MAX_RUNS", 2)
    with pytest.raises(UserError, match="name a folder with at most 2"):
        sniff.open_source(LOGS)


def test_without_the_optional_packages_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protobuf.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'bigmodel-tui\[logs\]'"):
        sniff.open_source(LOGS / "tensorboard")
    assert len(sniff.open_source(LOGS / "lightning_logs")) == 2


def test_runs_of_ours_are_followed_without_the_libraries_of_others() -> None:
    code = "import tui.runs.feed, tui.cli, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    modules = done.stdout.split()
    assert "tui.runs.feed" in modules
    assert not {"tui.runs.foreign.follower", "google.protobuf", "google_crc32c"} & set(modules)
