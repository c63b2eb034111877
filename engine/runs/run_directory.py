"""Run directories: created, found, locked, and their status told."""

import os
import secrets
import shlex
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from engine.runs import locking
from engine.runs.events import RunEnded, RunStarted
from engine.runs.safe_file_access import (
    check_owner,
    check_root,
    new_folder,
    open_regular,
    open_to_write,
    why_not_readable,
)
from engine.runs.signs_of_life import identity
from engine.runs.signs_of_life.identity import Identity
from presets import ConfigError, UserError, yaml
from presets.schema import RunConfig, plain, run_config

Status = Literal[
    "never started",
    "queued",
    "starting",
    "running",
    "paused",
    "stalled",
    "unreachable",
    "done",
    "done, not saved",
    "stopped",
    "stopped, not saved",
    "failed",
    "crashed",
    "growing",
    "quiet",
    "unreadable",
]
"""The status of a run. `never started`: it was made, and whoever made it was gone before an engine
began. `unreadable`: its log cannot be read. `growing` and `quiet` are for logs of other
programs, of which only that is known: whether the log still grows."""
RECORDED = "recorded_by"
"""The key in a `config.yaml` that marks a run recorded from a training loop of the user's, whose
settings are under `settings`."""
INHERITED_LOCKS = "BIGMODEL_LOCKS"
"""Environment variable: the open files of locks that an engine takes over, in order."""
NOT_SAVED: frozenset[Status] = frozenset({"done, not saved", "stopped, not saved"})
"""The run came to its end, but something of it could not be written."""
ENDED: frozenset[Status] = NOT_SAVED | {
    "never started",
    "done",
    "stopped",
    "failed",
    "crashed",
    "quiet",
    "unreadable",
}


@dataclass(frozen=True)
class RunDir:
    """The files of one run; the directory is the truth about it."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def title(self) -> str:
        """Its name on the screen where neither model nor data set is known."""
        return self.id

    @property
    def read_only(self) -> str:
        """Why it cannot be steered, resumed or forked; "" since our engine can work on it."""
        return ""

    @property
    def config_path(self) -> Path:
        return self.path / "config.yaml"

    @property
    def events_path(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def engine_log_path(self) -> Path:
        """Standard output and error of the engine; the screen never receives them directly."""
        return self.path / "engine.log"

    @property
    def control_path(self) -> Path:
        return self.path / "control"

    @property
    def checkpoints_path(self) -> Path:
        return self.path / "checkpoints"

    @property
    def heartbeat_path(self) -> Path:
        """The heartbeat: when the engine was last alive, and when it last made progress."""
        return self.path / "heartbeat"

    @property
    def lock_path(self) -> Path:
        return self.path / "lock"

    @property
    def exit_path(self) -> Path:
        """The file that says how an engine ended that could not say so in the log."""
        return self.path / "exit.json"

    @property
    def resume_path(self) -> Path:
        """A file that is present while somebody wants a run to go on although it has ended."""
        return self.path / "resume"

    def config(self) -> RunConfig:
        """The resolved configuration; ConfigError if it cannot be used."""
        data = yaml.read(self.config_path)
        if _is_recorded(data):
            raise ConfigError(
                f"{self.id}: recorded from a training loop of its own, which alone can begin it"
                " again; it cannot be resumed or forked here"
            )
        return run_config(data, str(self.config_path))

    def settings(self) -> dict[str, Any]:
        """The configuration to show, also for a run recorded from a loop of the user's. Raises
        ConfigError."""
        data = yaml.read(self.config_path)
        if _is_recorded(data):
            told = data.get("settings")
            return told if isinstance(told, dict) else {}
        return plain(run_config(data, str(self.config_path)))


def _is_recorded(data: Any) -> bool:
    return isinstance(data, dict) and RECORDED in data


def check_ours(run: RunDir) -> None:
    """Raises UserError if the engine cannot work on the run, because a loop of the user's trained
    it."""
    try:
        recorded = _is_recorded(yaml.read(run.config_path))
    except ConfigError:
        return  # whoever needs the configuration will say what is wrong with it
    if recorded:
        run.config()


def default_root() -> Path:
    """The default runs directory: $BIGMODEL_RUNS_DIR, else ./runs."""
    return Path(os.environ.get("BIGMODEL_RUNS_DIR") or "runs")


def create(root: Path, config: RunConfig) -> RunDir:
    """Make a new run directory with its `config.yaml`.

    Raises UserError if `root` cannot be created or written, or is not the user's alone.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    parts = (config.model.name, config.dataset.name, config.optimizer.name)
    run = RunDir(root / f"{stamp}-{'-'.join(parts)}-{secrets.token_hex(2)}")
    make(run, plain(config))
    return run


def make(run: RunDir, config: dict[str, Any]) -> None:
    """Make this very directory, with `config.yaml` in it. Raises UserError as `create` does."""
    root = run.path.parent
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_root(root)
        with new_folder(run.path) as draft:
            made = RunDir(draft)
            made.control_path.mkdir(mode=0o700)
            with os.fdopen(open_to_write(made.config_path, os.O_WRONLY), "wb") as file:
                file.write(yaml.dump(config).encode())
    except OSError as error:
        raise UserError(f"runs directory {root}: cannot be written ({error.strerror})") from None


def discard(run: RunDir) -> None:
    """Remove a run that was made a moment ago and could not be started; never one with a log."""
    if not os.path.lexists(run.events_path):
        shutil.rmtree(run.path, ignore_errors=True)


def is_run(path: Path) -> bool:
    """Whether a folder holds a run, or what is left of one: one whose files are damaged or cannot
    be read counts."""
    if path.name.startswith("."):
        return False  # a draft, or the trash
    for name in ("config.yaml", "events.jsonl"):
        try:
            os.lstat(path / name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return True
        return True
    return False


def fault(run: RunDir) -> str:
    """What keeps the run's files from being read, in one line; "" if nothing does."""
    for path in (run.config_path, run.events_path, run.lock_path, run.engine_log_path):
        if why := why_not_readable(path):
            return f"{path.name}: {why}"
    why = why_not_readable(run.path / "meta.json")
    return f"meta.json: {why}" if why else ""


def list_runs(root: Path) -> list[RunDir]:
    """All runs under `root`, oldest first; none if it does not exist.

    Raises UserError if `root` exists but cannot be read, or is not the user's alone.
    """
    try:
        check_root(root)
        found = [RunDir(path) for path in root.iterdir() if is_run(path)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"runs directory {root}: cannot be read ({error.strerror})") from None
    return sorted(found, key=lambda run: run.id)


def active_count(root: Path) -> int:
    """How many runs have a living engine. Raises UserError if the folder cannot be read."""
    return sum(map(locked, list_runs(root)))


class Named(Protocol):
    """A directory of a run or a race, known by its id."""

    @property
    def id(self) -> str:
        """The name of the directory."""


Found = TypeVar("Found", bound=Named)


def matching(found: Iterable[Found], name: str) -> list[Found]:
    """The one whose id is `name`, else all whose ids begin with it; none for an empty name."""
    matches = [each for each in found if each.id.startswith(name)] if name else []
    return [each for each in matches if each.id == name] or matches


def find(root: Path, name: str) -> RunDir:
    """The run with this path, id, or unique beginning of an id; UserError if there is none."""
    if "/" in name or name in (".", ".."):
        run = RunDir(Path(name).absolute())
        if is_run(run.path):
            return run
        raise UserError(f"{name}: not a run directory (no config.yaml and no events.jsonl in it)")
    matches = matching(list_runs(root), name)
    if len(matches) == 1:
        return matches[0]
    if matches:
        some = ", ".join(run.id for run in matches[:4])
        raise UserError(f"run {name!r} is ambiguous in {root}: {some}{' ...' * (len(matches) > 4)}")
    raise UserError(f"no run {name!r} in {root}; `bigmodel-tui ls` lists what is there")


def address(run: RunDir) -> str:
    """The name of the run for a command line in the current folder."""
    return run.id if run.path.parent == default_root() else shlex.quote(str(run.path))


class UnlockableError(UserError):
    """The file system keeps a run from being locked in any way, whoever asks."""


class Lock:
    """The exclusive lock that a living engine holds on its run; the kernel drops it at death.

    Whoever starts an engine takes the lock first and lets the engine inherit it: from then on
    until the engine's end there is no moment at which the run looks abandoned.
    """

    def __init__(self, run: RunDir, inherited: int | None = None, *, sign: bool = True) -> None:
        """Take the lock, or the open file of one that was taken by the parent process.

        With `sign`, the lock tells who holds it: this process. Raises UserError if another engine
        holds it, or if the run is another user's.
        """
        self._run = run
        self.file = take(run) if inherited is None else inherited
        """The open file; -1 once released."""
        os.set_inheritable(self.file, False)
        if inherited is None:
            os.ftruncate(self.file, 0)
        if sign:
            self.sign()
        # flock belongs to the open file, which a forked worker would share and keep alive.
        os.register_at_fork(after_in_child=self._close)

    def sign(self) -> None:
        """Write into the lock that this process holds it."""
        who = identity.own()
        sign(self.file, who)
        locking.hand_over(self._run.path, who)

    def release(self) -> None:
        """Release the lock in this process; safe to call twice."""
        if self.file >= 0:
            locking.let_go(self._run.path)
        self._close()

    def _close(self) -> None:
        if self.file >= 0:
            os.close(self.file)
            self.file = -1


def take(run: RunDir) -> int:
    """Take the lock of a run; returns its open file. Raises UserError if another process has it."""
    check_owner(run.path)
    try:
        file = open_to_write(run.lock_path, os.O_RDWR)
    except OSError as error:
        raise UserError(f"{run.lock_path}: cannot be opened ({error.strerror})") from None
    try:
        # `locked` takes the lock for an instant to see whether it is free: hence several tries.
        for attempt in range(20):
            if locking.acquire(run.path, file):
                return file
            time.sleep(0.01 * (attempt < 19))
    except OSError as error:
        os.close(file)
        raise UnlockableError(f"{run.path}: cannot be locked ({error.strerror})") from None
    os.close(file)
    raise UserError(f"{run.path}: another engine is at work on this run")


def sign(file: int, who: Identity) -> None:
    """Write into the open file of a lock which process holds it."""
    os.ftruncate(file, 0)
    os.pwrite(file, identity.encode(who), 0)


def locked(run: RunDir) -> bool:
    """Whether a living engine holds the run, as far as locks reach: see `health.examine`."""
    try:
        with open_regular(run.lock_path) as file:
            return locking.is_held(run.path, file.fileno())
    except OSError:
        return False


def holder(run: RunDir) -> Identity | None:
    """The process that holds, or last held, the run; None if it cannot be read."""
    try:
        with open_regular(run.lock_path) as file:
            return identity.decode(file.read(4096))
    except OSError:
        return None


def pid(run: RunDir) -> int | None:
    """The number of the process that holds the run, if it is alive here; a reused number is
    noticed."""
    found = holder(run)
    return found.pid if found is not None and found.exists() else None


def ended_status(status: Literal["done", "stopped", "failed"], *, saved: bool) -> Status:
    """The status of a run that ended like this; `saved` unless something could not be written."""
    if saved or status == "failed":
        return status
    return "done, not saved" if status == "done" else "stopped, not saved"


def status(
    run: RunDir,
    *,
    alive: bool,
    started: RunStarted | None,
    ended: RunEnded | None,
    paused: bool = False,
) -> Status:
    """The status, derived from the whole log so far and from whether an engine is alive.

    Ask `locked` before reading the log: an engine that ends in between is then not mistaken for
    one that died. `health.examine` also knows `stalled` and `unreachable`.
    """
    if ended is not None:
        return ended_status(ended.status, saved=not ended.unsaved)
    if alive:
        if started is not None:
            return "paused" if paused else "running"
        return "starting" if run.engine_log_path.exists() else "queued"
    return "never started" if started is None and holder(run) is None else "crashed"
