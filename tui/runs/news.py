"""The news of a run, as a reader of its log hands it over."""

from dataclasses import dataclass

from engine.runs.events import AnyEvent
from engine.runs.run_directory import Status
from tui.runs.cache.column_cache import Kept
from tui.runs.run import Run


@dataclass(frozen=True)
class News:
    """The news of one run; complete and immutable, so that a thread may hand it over."""

    run: Run
    events: tuple[AnyEvent, ...]
    status: Status
    damaged: int
    """Number of damaged lines of the log so far."""
    detail: str = ""
    """A line that explains the status; "" if there is nothing to add."""
    more: bool = False
    """Whether more can be read at once, even if this piece held no events."""
    earlier: bool = False
    """Whether it was in another program's log before that was opened; our own events have times."""
    kept: Kept | None = None
    """The cached state from before these events; whoever receives it owns it."""
    keep: tuple[int, int] | None = None
    """Bytes of the log read so far and unknown events in them, if the state should be cached."""
    unsaved: str = ""
    """What the engine could not write, where the log does not say it; "" if nothing."""
