"""Finds out whether systemd would end a user's processes at logout."""

import os
import pwd
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tui.commands.errors import say

_FOLDERS = ("usr/lib/systemd", "usr/local/lib/systemd", "run/systemd", "etc/systemd")
"""Where logind.conf may be; later folders win."""


def warn() -> None:
    """Print the warning, if there is one, when a run or the app is started."""
    if line := warning():
        say(line)


def warning(root: Path = Path("/"), user: str | None = None) -> str:
    """One line that says that a logout ends runs, and how to avoid it; "" where runs survive it."""
    user = user or _user()
    settings = _logind(root)
    if settings.get("KillUserProcesses", "no").lower() not in ("yes", "true", "on", "1", "y", "t"):
        return ""
    only = settings.get("KillOnlyUsers", "").split()
    spared = settings.get("KillExcludeUsers", "root").split()
    if user in spared or (only and user not in only):
        return ""
    if (root / "var/lib/systemd/linger" / user).exists() or not _in_session(root):
        return ""
    return (
        "systemd ends your processes, and so this run, when you log out"
        f" (KillUserProcesses=yes); `loginctl enable-linger {user}` and"
        " `systemd-run --user --scope bigmodel-tui ...` avoid that"
    )


def _user() -> str:
    with suppress(KeyError):
        return pwd.getpwuid(os.geteuid()).pw_name
    return str(os.geteuid())


def _in_session(root: Path) -> bool:
    """Whether logind manages our processes: not in a container, nor in a system service."""
    with suppress(OSError):
        return "user.slice" in (root / "proc/self/cgroup").read_text()
    return False


def _logind(root: Path) -> dict[str, str]:
    """The settings of logind.conf and its drop-ins."""
    found: dict[str, str] = {}
    for path in _files(root):
        with suppress(OSError, UnicodeDecodeError):
            for line in path.read_text().splitlines():
                key, equals, value = line.strip().partition("=")
                if equals and not key.startswith(("#", ";")):
                    found[key.strip()] = value.strip()
    return found


def _files(root: Path) -> Iterator[Path]:
    """The files in the order in which systemd reads them: the main file, then drop-ins by name."""
    yield from (root / folder / "logind.conf" for folder in _FOLDERS)
    dropins: dict[str, Path] = {}
    for folder in _FOLDERS:
        for path in (root / folder / "logind.conf.d").glob("*.conf"):
            dropins[path.name] = path
    yield from (dropins[name] for name in sorted(dropins))
