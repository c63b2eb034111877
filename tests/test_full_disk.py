"""No write fails in silence: every writer, for every way in which a disk takes nothing more.

Writers that a person waits for end in one line and a status that is not 0; the files of a run make
it `not saved`; what the app keeps for itself is told once.
"""

import builtins
import errno
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from engine.config.configure import resolve
from engine.race import directory, plan, spec
from engine.race.spec import RaceSpec
from engine.runs import control, run_directory, start_process
from engine.runs.events import RunEnded
from engine.runs.log_reader import LogWriter, read_all
from engine.runs.run_directory import RunDir
from presets import UserError
from support.recorded import record
from tui.choices.choice import Choice
from tui.choices.kept import save_recipe, small_files
from tui.choices.kept.last_choice import LastChoice
from tui.cli import cli
from tui.commands import crash
from tui.races.news import Watcher
from tui.runs import loading, meta
from tui.runs.cache import column_cache, write_failures
from tui.runs.listing import index, trash

ERRORS = {"full": errno.ENOSPC, "quota": errno.EDQUOT, "read-only": errno.EROFS}
"""A disk without inodes says ENOSPC too, when a file is made; so it does here."""
ROOT = Path(__file__).parents[1]
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@contextmanager
def refusing(number: int) -> Iterator[None]:
    """Nothing can be made, written or renamed below the current folder."""
    here = os.getcwd()

    def checked(do: Callable[..., Any], writes: Callable[..., bool]) -> Callable[..., Any]:
        def call(path: Any, *arguments: Any, **named: Any) -> Any:
            below = isinstance(path, str | os.PathLike) and os.path.abspath(path).startswith(here)
            if below and writes(*arguments, **named):
                raise OSError(number, os.strerror(number), str(path))
            return do(path, *arguments, **named)

        return call

    def mode_writes(mode: str = "r", *_: Any, **__: Any) -> bool:
        return bool(set(mode) & set("wax+"))

    def flags_write(flags: int = 0, *_: Any, **__: Any) -> bool:
        return bool(flags & WRITES)

    def always(*_: Any, **__: Any) -> bool:
        return True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(io, "open", checked(io.open, mode_writes))
        patch.setattr(builtins, "open", checked(builtins.open, mode_writes))
        patch.setattr(os, "open", checked(os.open, flags_write))
        for name in ("mkdir", "rename", "replace", "unlink", "truncate"):
            patch.setattr(os, name, checked(getattr(os, name), always))
        yield


@pytest.fixture(params=ERRORS.values(), ids=ERRORS)
def number(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDir:
    """A finished run; caches, settings and everything else are below the current folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("CACHE", "STATE", "CONFIG", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    made = record(tmp_path / "runs", "r", steps=6)
    (tmp_path / "runs").chmod(0o700)
    return made


def race_of_two() -> RaceSpec:
    lanes = {name: resolve(optimizer=name) for name in ("adam", "sgd")}
    return spec.build(lanes, tier="quick", seeds=1, budget=20)


def a_new_race() -> object:
    return directory.create(Path("runs"), race_of_two())


RAISING: dict[str, Callable[[RunDir], object]] = {
    "a new run": lambda run: run_directory.create(Path("runs"), run.config()),
    "a command to a run": lambda run: control.send(run, "stop"),
    "an engine's start": lambda run: start_process.start([run], resume=True),
    "a run's name": lambda run: meta.write(run, name="other"),
    "a deleted run": trash.delete,
    "a preset": lambda run: save_recipe.save(Choice(optimizers=("adam",)), "mine"),
    "a new race": lambda run: a_new_race(),
}
COMMANDS = {
    "export as csv": ["export", "r", "--format", "csv", "--output", "out.csv"],
    "export as json": ["export", "r", "--format", "jsonl", "--output", "out.jsonl"],
    "export as svg": ["export", "r", "--format", "svg", "--output", "out.svg"],
    "export for tensorboard": ["export", "r", "--format", "tensorboard", "--output", "out"],
    "the pages of docs": ["docs", "docs"],
    "a run": ["run", "--steps", "2"],
    "a race": ["race", "--optimizers", "adam,sgd", "--seeds", "1", "--budget", "20"],
}


@pytest.mark.parametrize("writer", RAISING)
def test_what_a_screen_writes_ends_in_one_line(run: RunDir, writer: str, number: int) -> None:
    with refusing(number), pytest.raises(UserError) as caught:
        RAISING[writer](run)
    said = str(caught.value)
    assert os.strerror(number) in said
    assert len(said.splitlines()) == 1


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments])


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_says_it_in_one_line_and_by_its_status(
    run: RunDir, command: str, number: int
) -> None:
    (run.path.parents[1] / "docs").mkdir()
    for page in (ROOT / "docs").glob("*.md"):
        (Path("docs") / page.name).write_bytes(page.read_bytes())
    with refusing(number):
        done = invoke(*COMMANDS[command])
    assert done.exit_code == 2, done.output
    assert os.strerror(number) in done.stderr
    assert len(done.stderr.splitlines()) == 1


def keep_index(run: RunDir) -> None:
    list(index.Index(Path("runs")).refresh())


def keep_log(run: RunDir) -> None:
    assert not column_cache.keeper(loading.load(run), run.events_path, 10, 0)()


KEPT: dict[str, Callable[[RunDir], object]] = {
    "the index of runs": keep_index,
    "the cache of logs": keep_log,
    "what is remembered of the launch": lambda run: small_files.save("launch", LastChoice()),
}


@pytest.mark.parametrize("what", KEPT)
def test_what_the_app_keeps_for_itself_is_told_once(
    run: RunDir, what: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_failures, "_told", set())
    monkeypatch.setattr(write_failures, "_listener", [])
    write_failures.unheard()
    with refusing(number):
        KEPT[what](run)
        KEPT[what](run)
    (line,) = write_failures.unheard()
    assert line.startswith(f"{what} cannot be kept: ")
    assert line.endswith(os.strerror(number))
    told: list[str] = []
    write_failures.listen(told.append)
    assert told == []  # it was told above
    monkeypatch.setattr(write_failures, "_told", set())
    with refusing(number):
        KEPT[what](run)
    assert told == [line]


def test_a_crash_says_that_its_traceback_is_lost(run: RunDir, number: int) -> None:
    with refusing(number):
        said = crash.explain(ValueError("x"))
    assert f"its traceback could not be kept ({os.strerror(number)})" in said


def test_a_race_says_which_of_its_runs_are_not_saved(run: RunDir) -> None:
    race = directory.create(Path("runs"), race_of_two())
    for planned, unsaved in zip(plan.finals(race.spec(), None), ("", "disk full"), strict=True):
        made = race.run(planned.name)
        made.path.mkdir(mode=0o700)
        log = LogWriter(made.events_path)
        log.append(RunEnded(status="done", reason="x", step=20, seconds=1.0, unsaved=unsaved))
        log.close()
    news = Watcher(race).read()
    assert (news.status, news.done) == ("done, not saved", 2)
    assert news.reason == f"1 of 2 runs not saved; {planned.name}: disk full"


@pytest.mark.slow
@pytest.mark.parametrize("size", ["400k", "size=4m,nr_inodes=12"], ids=["full", "no inodes"])
def test_a_run_on_a_disk_that_is_full(tmp_path: Path, size: str) -> None:
    """The real thing: a file system on which the log has room and a checkpoint has none."""
    disk = tmp_path / "disk"
    disk.mkdir()
    options = f"mode=700,{size if '=' in size else f'size={size}'}"
    mount = ["mount", "-t", "tmpfs", "-o", options, "none", str(disk)]
    made = subprocess.run(mount, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"needs a file system of its own: {made.stderr.strip()}")
    try:
        command = [sys.executable, "-P", "-c", "from tui.cli import main; main()", "run"]
        command += ["--epochs", "2", "--runs-dir", str(disk / "runs")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 1
        assert "warning: disk at step" in done.stdout
        assert "done, not saved: checkpoint of step" in done.stderr
        assert "No space left on device" in done.stderr
        assert "there is no whole checkpoint" in done.stderr
        (run,) = run_directory.list_runs(disk / "runs")
        ended = read_all(run.events_path)[-1]
        assert isinstance(ended, RunEnded)
        assert "No space left on device" in ended.unsaved
        assert loading.load(run).status == "done, not saved"
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
