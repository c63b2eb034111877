"""A thread that keeps the list of runs up to date."""

import threading
from collections.abc import Callable
from pathlib import Path

from tui.runs.listing.index import Index
from tui.runs.listing.row import Row

REFRESH_SECONDS = 2.0


class Lister(threading.Thread):
    """A thread that refreshes the index every few seconds, until it is closed."""

    def __init__(self, root: Path, deliver: Callable[[list[Row], bool], None]) -> None:
        """`deliver` is called in this thread with the rows, and whether these are all of them."""
        super().__init__(name="lister", daemon=True)
        self._index = Index(root)
        self._deliver = deliver
        self._wanted = threading.Event()
        self._closed = False

    def known(self) -> list[Row]:
        """The rows from the cache, as they were last time; to be called before `start`."""
        self._index.load()
        return list(self._index.rows.values())

    def refresh(self) -> None:
        """Refresh soon."""
        self._wanted.set()

    def close(self) -> None:
        """Stop after the run that is being read."""
        self._closed = True
        self._wanted.set()

    def run(self) -> None:
        """The thread's work."""
        while not self._closed:
            self._wanted.clear()
            rows: list[Row] = []
            for rows in self._index.refresh():
                if self._closed:
                    return
                self._deliver(rows, False)
            self._deliver(rows, True)
            self._wanted.wait(REFRESH_SECONDS)
