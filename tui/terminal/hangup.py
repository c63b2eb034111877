"""Ends this process when its terminal is gone; runs have their own sessions and go on."""

import os
import select
import signal
import sys
import threading
from collections.abc import Callable

POLL_SECONDS = 0.5
STATUS = 128 + signal.SIGHUP
"""Exit status after a hangup, as shells have it."""


def exit_with_terminal(last: Callable[[], None] | None = None) -> None:
    """From now on a hangup ends the process at once, also where SIGHUP was set to be ignored.

    Nothing is cleaned up: the terminal is gone, and writing to it could hang. The state of runs is
    in their directories. `last` is called before the end.
    """

    def end() -> None:
        if last is not None:
            last()
        os._exit(STATUS)

    signal.signal(signal.SIGHUP, lambda *_: end())
    file = sys.__stdin__.fileno() if sys.__stdin__ else 0
    threading.Thread(target=_watch, args=(file, end), daemon=True).start()


def _watch(file: int, end: Callable[[], None]) -> None:
    """Wait for the hangup of a terminal, and call `end`. SIGHUP alone would not reach a process
    outside the terminal's session, nor one whose main thread is stuck."""
    poll = select.poll()
    poll.register(file, 0)  # only hangup and error, which are always reported
    while not poll.poll(POLL_SECONDS * 1000):
        pass
    end()
