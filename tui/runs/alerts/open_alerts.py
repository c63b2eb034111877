"""The alerts of the runs that are open, apart by whether they happened before that; pure."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from engine.runs.events import AnyEvent
from presets.userconfig import Alerts
from tui.runs.alerts.alerts import Alert, Level, Watch
from tui.runs.state.store import RunState

MAX_ALERTS = 500
SETTLED_SECONDS = 3.0
"""Seconds after the last old event was read from which a change of status counts as new."""


@dataclass(frozen=True)
class Entry:
    """A line of the list of alerts."""

    alert: Alert
    time: float
    """When it was noticed, or when the log's newest event was written; seconds since the epoch."""
    past: bool
    """Whether it happened before the runs were opened: it is listed, and nobody is told."""


@dataclass(frozen=True)
class Unseen:
    """The alerts that nobody has seen yet, in short."""

    number: int = 0
    letters: str = ""
    """The letters of their kinds, each once."""
    level: Level = "warning"
    """That of the gravest."""

    def __bool__(self) -> bool:
        return self.number > 0


class OpenAlerts:
    """The alerts of all open runs, newest last."""

    def __init__(
        self, limits: Alerts, opened_at: float, *, settled_seconds: float = SETTLED_SECONDS
    ) -> None:
        """`opened_at` is when the runs were opened, in seconds since the epoch."""
        self._settled_seconds = settled_seconds
        self._limits = limits
        self._opened_at = opened_at
        self._watches: dict[str, Watch] = {}
        self._read_at: dict[str, float] = {}
        """By run, when events from before `opened_at` were last read."""
        self.entries: deque[Entry] = deque(maxlen=MAX_ALERTS)
        self._unseen: list[Alert] = []

    def check(
        self, state: RunState, events: Sequence[AnyEvent], now: float, *, earlier: bool = False
    ) -> list[Alert]:
        """Check a run after these events were applied to it; returns what is to be told.

        `now` is in seconds since the epoch; `earlier` if it is known that the events happened
        before the run was opened. The cost grows with the number of new points.
        """
        newest = max((event.time for event in events), default=now)
        past = newest < self._opened_at if events else self._unsettled(state.id, now)
        if earlier:  # events made from another program's log have no time of their own
            newest, past = min(newest, _newest_step(state, now)), True
        if events and past:
            self._read_at[state.id] = now
        watch = self._watches.setdefault(state.id, Watch(self._limits))
        found = watch.check(state)
        grave = [alert for alert in found if not alert.is_news]
        self.entries.extend(Entry(alert, newest, past) for alert in grave)
        if past:
            return []
        self._unseen += grave
        return found

    def _unsettled(self, run: str, now: float) -> bool:
        """Whether a status that came without events may be older than our opening of the run."""
        return now - self._read_at.get(run, self._opened_at) < self._settled_seconds

    @property
    def unseen(self) -> Unseen:
        """The alerts that were told since the list was last shown."""
        letters = "".join(dict.fromkeys(alert.letter for alert in self._unseen))
        grave = any(alert.level == "error" for alert in self._unseen)
        return Unseen(len(self._unseen), letters, "error" if grave else "warning")

    def seen(self) -> None:
        """The list was shown: no alert is unseen."""
        self._unseen.clear()


def _newest_step(state: RunState, now: float) -> float:
    """When the run's last step was taken, in seconds since the epoch."""
    return state.clock[-1].zero + (state.seconds.last or 0.0) if state.clock else now
