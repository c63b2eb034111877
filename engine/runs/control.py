"""Commands to a running engine: one JSON file each in the run's `control` folder."""

import os
import time
import uuid
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from engine.runs.access import check_owner, open_regular, replacing
from engine.runs.run_directory import RunDir
from presets import UserError
from presets.schema import ClipMode, Count, Positive

MAX_BYTES = 65536
"""Maximum size of a command file, in bytes."""

_LISTINGS = 100
"""Maximum number of listings in one poll of a folder into which commands pour without end."""

CommandName = Literal["pause", "resume", "stop", "checkpoint", "profile", "set"]


class Arguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The arguments of a command: `after` of `stop`, the rest of `set`."""

    after: Literal["step", "epoch"] = "step"
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


def taken(run: RunDir) -> list[Command | Refused]:
    """All commands that an engine has taken, oldest first, whether it answered them or not."""
    try:
        return [_read(path) for path in sorted(run.control_path.glob("*.taken"))]
    except OSError:
        return []


class Inbox:
    """The engine's end of the control folder: it takes each command once, oldest first."""

    def __init__(self, run: RunDir, interval: float = 0.05) -> None:
        self._folder = run.control_path
        self._interval = interval
        """Seconds between two polls of the folder."""
        self._next_poll = 0.0

    def take(self, *, at_once: bool = False) -> list[Command | Refused]:
        """New commands; polls the folder at most once an interval, unless `at_once`."""
        now = time.monotonic()
        if now < self._next_poll and not at_once:
            return []
        self._next_poll = now + self._interval
        taken: list[Command | Refused] = []
        try:
            for path in self._listed():
                taken.append(_read(path))
                path.rename(path.with_suffix(".taken"))
        except OSError:
            return taken  # a vanished folder must not end a training run
        return taken

    def _listed(self) -> list[Path]:
        """The commands, oldest first. A listing may miss a command that arrives while it is made,
        and yet have a later one: nothing is missing in between only if it stays the same."""
        found = sorted(self._folder.glob("*.json"))
        for _ in range(_LISTINGS if found else 0):
            again = sorted(self._folder.glob("*.json"))
            if again == found:
                break
            found = again
        return found
