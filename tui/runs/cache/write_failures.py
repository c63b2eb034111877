"""Tells what could not be written for the app's own use: caches, and what it remembers.

Nothing of a run is lost then, and nothing that a person asked for; what it costs is said once.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_lock = threading.Lock()
_told: set[str] = set()
_waiting: list[str] = []
_listener: list[Callable[[str], object]] = []


@contextmanager
def keeping(what: str, path: Path) -> Iterator[None]:
    """Write `path` in this context; an OSError ends the context, and is told once a process.

    `what` says in a few words what is lost, such as `the index of runs`. May be used in any thread.
    """
    try:
        yield
    except OSError as error:
        _tell(what, f"{what} cannot be kept: {path}: {error.strerror or error}")


def listen(listener: Callable[[str], object]) -> None:
    """Call `listener` with each line from now on, in the thread that wrote, and with those that
    nobody was told of."""
    with _lock:
        _listener[:] = [listener]
    for line in unheard():
        listener(line)


def unheard() -> list[str]:
    """The lines that nobody was told of yet; each is returned once."""
    with _lock:
        lines, _waiting[:] = [*_waiting], []
    return lines


def _tell(what: str, line: str) -> None:
    with _lock:
        if what in _told:
            return
        _told.add(what)
        if not _listener:
            _waiting.append(line)
            return
    _listener[0](line)
