"""End this process when its terminal is gone; runs have sessions of their own and go on."""

import os
import select
import signal
import sys
import threading
from collections.abc import Callable

POLL_SECONDS = 0.5
STATUS = 128 + signal.SIGHUP
"""What a shell gives to a process that a hangup ended."""


def exit_with_terminal(last: Callable[[], None] | None = None) -> None:
    """From now on a hangup ends the process at once, also where SIGHUP was set to be ignored.

    Nothing is cleaned up: the terminal that could be restored is gone, and whoever tried to write
    to it could hang. The state of runs is in their directories. `last` is called before the end.
    """

    def end() -> None:
        if last is not None:
            last()
        os._exit(STATUS)

    signal.signal(signal.SIGHUP, lambda *_: end())
    file = sys.__stdin__.fileno() if sys.__stdin__ else 0
    threading.Thread(target=_watch, args=(file, end), daemon=True).start()


def _watch(file: int, end: Callable[[], None]) -> None:
    """Wait for the hangup of a terminal; the signal does not reach a process that is not in the
    terminal's session, nor one whose main thread is stuck."""
    poll = select.poll()
    poll.register(file, 0)  # only hangup and error, which are always reported
    while not poll.poll(POLL_SECONDS * 1000):
        pass
    end()
