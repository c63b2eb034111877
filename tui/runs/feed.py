"""Follow the open runs in a thread and hand over what is new, a few times a second."""

import threading
from collections.abc import Callable, Iterator, Sequence

from engine.runs.events import Scalars
from engine.runs.run_directory import ENDED
from tui.runs.follower import follower, unreadable
from tui.runs.news import News
from tui.runs.run import Run

POLL_SECONDS = 0.07
BATCH_STEPS = 10_000
"""Number of steps from which news is handed over before more is read, which bounds memory."""
IDLE_SECONDS = 1.0
"""Seconds between two polls when every run has ended."""


class _Patient:
    """A reader that says once that a log cannot be read; a disk that fails for a moment must not
    end the thread."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._reader = follower(run)
        self._trouble = ""

    def poll(self) -> News | None:
        try:
            news = self._reader.poll()
        except OSError as error:
            news = unreadable(self._run, error)
            before, self._trouble = self._trouble, news.detail
            return news if news.detail != before else None
        self._trouble = ""
        return news


class Feed(threading.Thread):
    """A thread that polls the logs of runs until it is closed.

    It waits until a batch was taken before it reads the next one: a slow screen delays the
    reading but never the engine, and nothing piles up.
    """

    def __init__(self, runs: Sequence[Run], deliver: Callable[[tuple[News, ...]], None]) -> None:
        """`deliver` is called in this thread, and has to call `taken` when it is done."""
        super().__init__(name="feed", daemon=True)
        self._followers = [_Patient(run) for run in runs]
        self._deliver = deliver
        self._taken = threading.Event()
        self._closed = threading.Event()

    def add(self, runs: Sequence[Run]) -> None:
        """Follow these runs too, from the next poll on."""
        self._followers += [_Patient(run) for run in runs]

    def taken(self) -> None:
        """Say that the last batch was taken."""
        self._taken.set()

    def close(self) -> None:
        """Stop at the next poll."""
        self._closed.set()
        self._taken.set()

    def run(self) -> None:
        """The thread's work."""
        ended: dict[str, bool] = {}
        while not self._closed.is_set():
            more = False
            for news in self._batches():
                ended |= {item.run.id: item.status in ENDED for item in news}
                more |= any(item.events or item.more for item in news)
                self._taken.clear()
                if self._closed.is_set():
                    return
                self._deliver(news)
                self._taken.wait()
            # While a log is being caught up with there is more to read at once.
            if not more:
                idle = len(ended) == len(self._followers) and all(ended.values())
                self._closed.wait(IDLE_SECONDS if idle else POLL_SECONDS)

    def _batches(self) -> Iterator[tuple[News, ...]]:
        """The news of one poll of each run, in several parts if there is much."""
        batch: list[News] = []
        steps = 0
        for reader in self._followers:
            if (item := reader.poll()) is None:
                continue
            batch.append(item)
            steps += sum(len(event.step) for event in item.events if isinstance(event, Scalars))
            if steps > BATCH_STEPS:
                yield tuple(batch)
                batch, steps = [], 0
        if batch:
            yield tuple(batch)
