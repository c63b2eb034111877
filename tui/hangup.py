"""End this process when its terminal is gone; runs have sessions of their own and go on."""

import os
import select
import signal
import sys
import threading

POLL_SECONDS = 0.5
STATUS = 128 + signal.SIGHUP
"""What a shell gives to a process that a hangup ended."""


def exit_with_terminal() -> None:
    """From now on a hangup ends the process at once, also where SIGHUP was set to be ignored.

    Nothing is cleaned up: the terminal that could be restored is gone, and whoever tried to write
    to it could hang. The state of runs is in their directories.
    """
    signal.signal(signal.SIGHUP, lambda *_: os._exit(STATUS))
    watcher = threading.Thread(
        target=_watch, args=(sys.__stdin__.fileno() if sys.__stdin__ else 0,), daemon=True
    )
    watcher.start()


def _watch(file: int) -> None:
    """Wait for the hangup of a terminal; the signal does not reach a process that is not in the
    terminal's session, nor one whose main thread is stuck."""
    poll = select.poll()
    poll.register(file, 0)  # only hangup and error, which are always reported
    while not poll.poll(POLL_SECONDS * 1000):
        pass
    os._exit(STATUS)
