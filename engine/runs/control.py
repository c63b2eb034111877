"""Commands to a running engine: one JSON file each in the run's `control` folder."""

import heapq
import os
import time
import uuid
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from engine.runs.run_directory import RunDir
from engine.runs.safe_file_access import check_owner, open_regular, replacing
from presets import UserError
from presets.schema import ClipMode, Count, Positive

MAX_BYTES = 65536
"""Maximum size of a command file, in bytes."""

BUDGET_SECONDS = 0.02
"""Time that a poll of the control folder may take from a step."""
ALL_SECONDS = 1.0
"""The same where no step waits."""
MOST_AT_ONCE = 32
"""Maximum number of commands that are obeyed between two steps."""
_LISTINGS = 100
"""Maximum number of listings of a folder into which commands pour without end, until those that
were found are obeyed."""
_MOST_READ = 1000
"""Maximum number of commands that an engine's parent reads at a time."""
_TICK_NS = 2_000_000_000
"""The coarsest clock of a file system, in nanoseconds."""

CommandName = Literal["pause", "resume", "stop", "checkpoint", "profile", "set"]


class Arguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The arguments of a command: `after` and `now` of `stop`, the rest of `set`."""

    after: Literal["step", "epoch"] = "step"
    now: bool = False
    """Whether the engine is killed if it has not stopped within a second."""
    lr: Positive | None = None
    lr_factor: Positive | None = None
    """The factor by which the learning rate is multiplied."""
    clip_mode: ClipMode | None = None
    clip_threshold: Positive | None = None
    epochs: Count | None = None
    """The new total of epochs; not fewer than are done."""
    steps: Count | None = None
    """The new total of optimizer steps; not fewer than are done."""
    own: dict[str, str | int | float | bool | None] = {}
    """For a loop that is not ours: values for what it registered under other names; None where
    its function is called without one."""


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command to a running engine, as its file holds it."""

    id: str
    name: CommandName = msgspec.field(name="command")
    arguments: Arguments = Arguments()


class Refused(Struct, frozen=True, kw_only=True):
    """A command file that cannot be obeyed."""

    id: str
    reason: str


def send(run: RunDir, name: CommandName, arguments: Arguments | None = None) -> str:
    """Leave a command for the engine; returns its id.

    Raises UserError if it cannot be written, or if the run is another user's.
    """
    check_owner(run.path)
    command = Command(id=uuid.uuid4().hex, name=name, arguments=arguments or Arguments())
    final = run.control_path / f"{time.time_ns()}-{command.id}.json"
    try:
        run.control_path.mkdir(mode=0o700, exist_ok=True)
        with replacing(final) as file:  # no wait for the disk: a key is answered at once
            file.write(msgspec.json.encode(command))
    except OSError as error:
        raise UserError(f"{run.control_path}: cannot be written ({error.strerror})") from None
    return command.id


def _read(path: Path) -> Command | Refused:
    try:
        with open_regular(path, os.O_NOFOLLOW) as file:  # never a pipe, nor a link to elsewhere
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            return Refused(id=path.stem, reason=f"{path.name}: longer than {MAX_BYTES} bytes")
        return msgspec.json.decode(data, type=Command)
    except OSError as error:
        return Refused(id=path.stem, reason=f"{path.name}: {error.strerror}")
    except (msgspec.MsgspecError, UnicodeError) as error:
        return Refused(id=path.stem, reason=f"{path.name}: {str(error).splitlines()[0]}")


def taken(run: RunDir, but: Container[str] = ()) -> list[Command | Refused]:
    """All commands that an engine has taken, oldest first, whether it answered them or not; those
    whose ids are in `but` are left out, and their files not read."""
    try:
        paths = sorted(run.control_path.glob("*.taken"))
    except OSError:
        return []
    paths = [path for path in paths if path.stem not in but and _id_in(path) not in but]
    found = [_read(path) for path in paths]
    return [command for command in found if command.id not in but]


class StopWatch:
    """The end of the control folder that the parent of an engine has: it sees whether the engine is
    to stop at once, without taking anything."""

    def __init__(self, run: RunDir) -> None:
        self._folder = run.control_path
        self._known = {name.partition(".")[0] for name in self._names()}
        """The commands that were read, or were there before this engine, without their endings."""
        self._stops = 0
        self._changed = -1

    def at_once(self) -> str:
        """Why the engine is to stop at once; "" if it is not."""
        try:
            changed = _time_of(self._folder)
        except OSError:
            return ""
        if changed == self._changed and time.time_ns() - changed > _TICK_NS:
            return ""
        new = [name for name in self._names() if name.partition(".")[0] not in self._known]
        new.sort(reverse=True)  # among very many, the newest are a person's
        for name in new[:_MOST_READ]:
            stem = name.partition(".")[0]
            self._known.add(stem)
            command = _read(self._folder / name)
            if isinstance(command, Refused):  # the engine took it in this moment
                command = _read(self._folder / f"{stem}.taken")
            if not isinstance(command, Command) or command.name != "stop":
                continue
            if command.arguments.now:
                return "stop --now"
            self._stops += command.arguments.after == "step"
            if self._stops > 1:
                return "a second stop command"
        if len(new) <= _MOST_READ:
            self._changed = changed
        return ""

    def _names(self) -> list[str]:
        try:
            return [name for name in os.listdir(self._folder) if name.endswith((".json", ".taken"))]
        except OSError:
            return []


class Inbox:
    """The engine's end of the control folder: it takes each command once, oldest first.

    However many commands pour in, one poll takes `BUDGET_SECONDS` and a little more: the listing of
    a large folder goes on at the next poll.
    """

    def __init__(self, run: RunDir, interval: float = 0.05) -> None:
        self._folder = run.control_path
        self._interval = interval
        """Seconds between two polls of the folder."""
        self._next_poll = 0.0
        self._listing: Iterator[os.DirEntry[str]] | None = None
        """A listing that a poll has begun and not ended."""
        self._listings = 0
        """How often the folder was listed since commands were taken."""
        self._more = False
        """Whether the listing has names that the one before it had not."""
        self._found: set[str] = set()
        self._waiting: list[str] = []
        """The same names as a heap, oldest first."""
        self._complete = False
        """Whether no command is missing between those in the heap."""
        self._began_at = 0
        """The time of the folder when the listing began."""
        self._nothing_at = 0
        """The time of the folder when it was found to hold nothing new."""

    def take(self, *, at_once: bool = False) -> list[Command | Refused]:
        """New commands; polls the folder at most once an interval, unless `at_once`, which takes
        all that can be had in a second."""
        now = time.monotonic()
        if now < self._next_poll and not at_once:
            return []
        self._next_poll = now + self._interval
        deadline = now + (ALL_SECONDS if at_once else BUDGET_SECONDS)
        taken: list[Command | Refused] = []
        try:
            self._complete = self._complete or self._list(deadline)
            while self._complete and self._waiting:
                path = self._folder / heapq.heappop(self._waiting)
                taken.append(_read(path))
                path.rename(path.with_suffix(".taken"))
                if time.monotonic() > deadline or (len(taken) >= MOST_AT_ONCE and not at_once):
                    break
        except OSError:
            pass  # a vanished folder must not end a training run
        if not self._waiting:
            self._complete = False
            self._found.clear()
        return taken

    def _list(self, deadline: float) -> bool:
        """List the folder until the deadline; returns whether the list is complete. A listing may
        miss a command that arrives while it is made, and yet have a later one: nothing is missing
        in between only if the next one finds nothing new."""
        if self._listing is None and not self._found and self._is_unchanged():
            return False
        while True:
            if self._listing is None:
                self._began_at = _time_of(self._folder)
                self._listing, self._more = os.scandir(self._folder), False
                self._listings += 1
            for number, entry in enumerate(self._listing):
                name = entry.name
                if name.endswith(".json") and name not in self._found:
                    self._more = True
                    self._found.add(name)
                    heapq.heappush(self._waiting, name)
                if number % 256 == 255 and time.monotonic() > deadline:
                    return False
            self._listing = None
            if not self._found:
                self._nothing_at = self._began_at
            if not self._more or self._listings >= _LISTINGS:
                self._listings = 0
                return bool(self._found)

    def _is_unchanged(self) -> bool:
        """Whether the folder is as it was when nothing was new. Two changes within a tick of the
        file system's clock look like one: a folder that changed lately may have changed again."""
        changed = _time_of(self._folder)
        return changed == self._nothing_at and time.time_ns() - changed > _TICK_NS


def _time_of(folder: Path) -> int:
    return folder.stat().st_mtime_ns


def _id_in(path: Path) -> str:
    """The id in the name of a command's file."""
    return path.stem.partition("-")[2]
